import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { leaves } from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { batchTensors, drawDrop, readValues, scalarTensors } from "../../src/train/step_inputs.ts";
import { countParameters, disposeTree, initialState, readState, writeState } from "../../src/train/state.ts";
import { trainStep } from "../../src/train/step.ts";
import { MINUSCULE, noiseBatch } from "./fixture.ts";

const config = resolveConfig({ ...MINUSCULE, epochs: 1, warmupEpochs: 0, lr: 0.5, ema: true });

Deno.test("a step is pure, keeps what is frozen, moves the rest, and lowers the loss of a batch seen again", async () => {
  const engine = await openWasm();
  const before = tf.memory().numTensors;
  let state = initialState(config, 5, true);
  const step = trainStep(config);
  const batch = batchTensors(engine, config, noiseBatch(config, 3), 0);
  const scalars = scalarTensors(config, 1000, 0);

  // Twice from the same arguments: they are not used up, and the numbers are the same.
  const inputs = tf.memory().numTensors;
  const run = () =>
    tf.tidy(() => step({ state, batch, scalars }) as unknown as tf.TensorContainer) as unknown;
  const [one, two] = [run(), run()] as ReturnType<typeof step>[];
  assert.ok(leaves([state, batch, scalars]).every((tensor) => !tensor.isDisposed));
  assert.deepEqual(await readState(one.state), await readState(two.state));
  const old = await readState(state), moved = await readState(one.state);
  for (const [name, { shape, data }] of Object.entries(old)) {
    assert.deepEqual(moved[name].shape, shape, name);
    const same = moved[name].data.every((x, i) => x === data[i]);
    assert.equal(
      same,
      name === "backbone.patch_embed.proj.weight" || name === "backbone.patch_embed.proj.bias",
      name,
    );
  }
  const frozen = new Set(leaves(one.state.frozen).concat(leaves(two.state.frozen)));
  for (const tensor of leaves([one, two])) if (!frozen.has(tensor)) tensor.dispose();
  assert.equal(tf.memory().numTensors, inputs, "nothing of the step is left over");

  const jitted = engine.jit(step, { donate: ["state"] });
  const losses: number[] = [];
  for (let i = 0; i < 15; i++) {
    const result = jitted({ state, batch, scalars });
    state = result.state;
    losses.push((await readValues(result.metrics)).loss);
  }
  assert.ok(losses.at(-1)! < losses[0] - 1, losses.join(" "));
  disposeTree([state, batch, scalars]);
  assert.equal(tf.memory().numTensors, before, "a donated state is given back");
});

Deno.test("a step keeps the order of a state's names, also where class and patch codes have heads of their own", async () => {
  const engine = await openWasm(), own = { ...config, classHead: "own" as const };
  const state = initialState(own, 5, true), batch = batchTensors(engine, own, noiseBatch(own, 3), 0);
  const scalars = scalarTensors(own, 1000, 0),
    { state: next, metrics } = trainStep(own)({ state, batch, scalars });
  for (const part of ["params", "frozen", "buffers", "m", "v", "ema"] as const) {
    assert.deepEqual(Object.keys(next[part]), Object.keys(state[part]), part);
  }
  const { frozen: _, ...others } = next;
  disposeTree([state, batch, scalars, others, metrics]);
});

Deno.test("a state goes through host memory unchanged", async () => {
  await openWasm();
  const state = initialState(config, 5, true);
  const stored = await readState(state);
  const back = writeState(stored);
  assert.deepEqual(await readState(back), stored);
  for (const part of ["params", "frozen", "buffers", "m", "v", "ema"] as const) {
    assert.deepEqual(Object.keys(back[part]), Object.keys(state[part]), part);
  }
  assert.ok(countParameters(state.params) > 1000);
  disposeTree([state, back]);
});

Deno.test("stochastic depth draws are uniform, below 1, and the step's own", () => {
  const draws = drawDrop(5, 7, 3, 200);
  assert.equal(draws.length, 3 * 2 * 200);
  assert.ok(draws.every((u) => u >= 0 && u < 1));
  assert.ok(Math.abs(draws.reduce((a, b) => a + b) / draws.length - 0.5) < 0.05);
  assert.deepEqual(drawDrop(5, 7, 3, 200), draws);
  assert.notDeepEqual(drawDrop(5, 8, 3, 200), draws);
  assert.notDeepEqual(drawDrop(6, 7, 3, 200), draws);
});
