import assert from "node:assert/strict";
import { join } from "node:path";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { openEngine } from "../../src/engine/open.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import * as tf from "../../src/engine/tensors.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import type { CompileReport } from "../../src/engine/types.ts";
import type { XlaBackend } from "../../src/engine/xla/backend.ts";
import type { DeviceMesh } from "../../src/engine/xla/compile/spread.ts";
import { layoutOf } from "../../src/train/layout.ts";
import { pretraining } from "../../src/train/pretraining.ts";
import { readValues } from "../../src/train/step_inputs.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { train } from "../../src/train/train.ts";
import {
  countParameters,
  disposeTree,
  initialState,
  readState,
  type TrainState,
  writeState,
} from "../../src/train/state.ts";
import type { StoredTensor } from "../../src/files/stored_tensor.ts";
import { MINUSCULE, noiseBatch, writePictures } from "./fixture.ts";

/** Widths of which no product is the size of pictures, masks or targets. */
const config = resolveConfig({
  ...MINUSCULE,
  width: 24,
  headWidth: 20,
  codeWidth: 12,
  depth: 1,
  batchSize: 8,
  epochs: 1,
  warmupEpochs: 0,
  lr: 0.01,
  optimizer: "adamw",
});

/** Four devices for all tests here. The tests share what was compiled: it takes their time. */
const programs = await Deno.makeTempDir();
const engine = await openXlaEngine({ plugin: PLUGIN, devices: 4, flags: QUICK, cache: programs });
Deno.test.afterAll(async () => {
  await engine.close();
  await Deno.remove(programs, { recursive: true });
});

/** Asserts that devices exchange gradients, batch norms' statistics, class codes and metrics, and nothing else. */
function checkExchanges({ exchanges }: CompileReport, { params }: TrainState, settings: typeof config) {
  assert.ok(exchanges);
  const { batchSize, headWidth, codeWidth, classHead } = settings, codes = 2 * batchSize * codeWidth;
  const gradients = new Set(Object.values(params).map(({ size }) => size));
  const norms = headWidth * 3 * (classHead === "own" ? 2 : 1) + codeWidth;
  for (const { kind, values } of exchanges) {
    for (const { element, shape } of values) {
      const size = shape.reduce((a, b) => a * b, 1);
      const known = size === codes || kind === "all-reduce" &&
          (gradients.has(size) || size === headWidth || size === codeWidth || size <= 2);
      assert.ok(known && element === "f32", `${kind} of ${element}[${shape}]`);
    }
  }
  const bytes = exchanges.reduce((sum, exchange) => sum + exchange.bytes, 0);
  // The gradients once; four rows of numbers for each batch norm; codes and what flows back to them; scalars.
  const least = 4 * countParameters(params);
  assert.ok(bytes >= least && bytes <= least + 4 * (6 * norms + 6 * codes + 100), `${bytes}, ${least}`);
}

/** Asserts that what a step has changed is the same but for rounding: gradients, and batch norms' statistics. */
function closeStates(
  expected: Record<string, StoredTensor>,
  got: Record<string, StoredTensor>,
  when: string,
) {
  assert.deepEqual(Object.keys(got).sort(), Object.keys(expected).sort());
  // The first moments hold the gradients. The step of AdamW itself may go either way where a gradient is rounding alone.
  const parts = Object.keys(expected).filter((name) => /^optimizer\.m\.|\.running_/.test(name)).map(
    (name) => {
      const data = expected[name].data as Float32Array, other = got[name].data as Float32Array;
      let largest = 0, apart = 0;
      for (let k = 0; k < data.length; k++) {
        largest = Math.max(largest, Math.abs(data[k]));
        apart = Math.max(apart, Math.abs(other[k] - data[k]));
      }
      return { name, largest, apart };
    },
  );
  const all = Math.max(...parts.map(({ largest }) => largest));
  for (const { name, largest, apart } of parts) {
    // These biases stand before a batch norm: their gradient is rounding and nothing else (docs/spec.md §10 D18).
    const vanishing = /head\.mlp\.0\.bias$|backbone\.norm\.bias$/.test(name) || largest < 1e-6 * all;
    const bound = 1e-5 * (vanishing ? all : largest);
    assert.ok(apart <= bound, `${when}, ${name}: ${apart} apart, at most ${largest}`);
  }
}

Deno.test("four devices train as one does: losses, batch norm's statistics and gradients", async () => {
  assert.equal(engine.devices, 4);
  const step = pretraining(engine, config, layoutOf(1), 100);
  const split = pretraining(engine, config, layoutOf(4), 100);
  const run = async (method: typeof step, state: TrainState, i: number) => {
    const inputs = method.inputs(noiseBatch(config, 3, i), i);
    const result = method.step({ state, ...inputs });
    disposeTree(inputs);
    return { state: result.state, values: await readValues(result.metrics) };
  };
  const before = tf.memory().numTensors;
  let one = initialState(config, config.seed), four = initialState(config, config.seed);
  for (let i = 0; i < 3; i++) {
    // From the same state, for all that a step changes. A bias before a batch norm has no gradient but rounding, by
    // which AdamW moves it, so states of runs apart drift from each other.
    const same = await run(split, writeState(await readState(one)), i);
    const a = await run(step, one, i), b = await run(split, four, i);
    one = a.state;
    four = b.state;
    for (const [name, value] of Object.entries(a.values)) {
      for (const other of [same.values, b.values].map((values) => values[name as keyof typeof values])) {
        assert.ok(
          Math.abs(other - value) <= 1e-5 * Math.abs(value),
          `step ${i}, ${name}: ${other}, ${value}`,
        );
      }
    }
    closeStates(await readState(one), await readState(same.state), `step ${i}`);
    disposeTree(same.state);
  }
  // Each device has its share of the work, and does not do all of it.
  const [whole, part] = await Promise.all([step, split].map(async (method) => {
    const inputs = method.inputs(noiseBatch(config, 3), 0);
    return await method.compile({ state: one, ...inputs }).finally(() => disposeTree(inputs));
  }));
  checkExchanges(part, one, config);
  assert.equal(whole.exchanges, undefined);
  assert.equal(part.flops, whole.flops);
  if (whole.memory && part.memory) {
    const { temporaries } = part.memory;
    assert.ok(temporaries < whole.memory.temporaries / 2, `${temporaries}, ${whole.memory.temporaries}`);
  }
  step.dispose();
  split.dispose();
  disposeTree([one, four]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("a divided optimiser trains as a whole one, in less memory, and its checkpoints are those of any run", async () => {
  const whole = pretraining(engine, config, layoutOf(4), 100);
  const divided = pretraining(engine, { ...config, shardOptimizer: true }, layoutOf(4), 100);
  const run = async (method: typeof whole, from: Record<string, StoredTensor>, i: number) => {
    const inputs = method.inputs(noiseBatch(config, 3, i), i), state = writeState(from);
    const { memory, exchanges } = await method.compile({ state, ...inputs });
    const result = method.step({ state, ...inputs });
    disposeTree(inputs);
    const stored = await readState(result.state), { loss } = await readValues(result.metrics);
    disposeTree(result.state);
    return { stored, loss, memory: memory!, exchanges: exchanges! };
  };
  const before = tf.memory().numTensors, start = initialState(config, config.seed);
  let from = await readState(start);
  disposeTree(start);
  for (let i = 0; i < 2; i++) {
    const a = await run(whole, from, i), b = await run(divided, from, i);
    closeStates(a.stored, b.stored, `step ${i}`);
    assert.ok(Math.abs(a.loss - b.loss) <= 1e-5 * a.loss, `${a.loss}, ${b.loss}`);
    // Of both moments each device has a quarter, but of those tensors whose first axis four does not divide.
    const moments = Object.entries(a.stored).filter(([name]) => /^optimizer\./.test(name));
    const shared = moments.filter(([, { shape }]) => shape[0] % 4 === 0);
    const bytes = shared.reduce((sum, [, { data }]) => sum + data.byteLength, 0) * 3 / 4;
    const saved = a.memory.arguments - b.memory.arguments;
    assert.ok(Math.abs(saved - bytes) <= 64 * shared.length, `${saved} saved, ${bytes} expected`);
    assert.ok(bytes > 0.6 * moments.reduce((sum, [, { data }]) => sum + data.byteLength, 0));
    // Parameters travel once more, and nothing else does.
    const sent = (exchanges: typeof a.exchanges) => exchanges.reduce((sum, each) => sum + each.bytes, 0);
    const parameters = shared.reduce((sum, [, { data }]) => sum + data.byteLength, 0) / 2;
    const more = sent(b.exchanges) - sent(a.exchanges);
    assert.ok(more >= 0.9 * parameters && more <= 1.1 * parameters, `${more} more, ${parameters}`);
    // The next step goes on from what the other has left.
    from = b.stored;
  }
  whole.dispose();
  divided.dispose();
  assert.equal(tf.memory().numTensors, before);
  assert.throws(
    () => resolveConfig(config, { shardOptimizer: true }),
    (e) => e instanceof ConfigError && /--devices is 1.*--no-shard-optimizer/.test(e.message),
  );
  assert.throws(
    () => resolveConfig(config, { shardOptimizer: true, devices: 4, optimizer: "muon" }),
    /--optimizer muon works on whole matrices/,
  );
});

Deno.test("two devices exchange nothing more in bfloat16, with other heads, targets, memory and steps", async () => {
  const backend = tf.backend() as XlaBackend, held = backend as { mesh: DeviceMesh }, mesh = backend.mesh!;
  held.mesh = { ...mesh, size: 2, ids: mesh.ids.slice(0, 2), devices: mesh.devices.slice(0, 2) };
  try {
    const other = resolveConfig(config, {
      precision: "bfloat16",
      optimizer: "muon",
      classHead: "own",
      reconstructionTarget: "view",
      patchSymmetric: true,
      rematerialise: true,
    });
    const method = pretraining(engine, other, layoutOf(2), 100), state = initialState(other, 1);
    const inputs = method.inputs(noiseBatch(other, 3), 0);
    checkExchanges(await method.compile({ state, ...inputs }), state, other);
    disposeTree([state, inputs]);
    method.dispose();
  } finally {
    held.mesh = mesh;
  }
});

Deno.test("a run on four devices is resumed bit for bit, and another batch size is refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const data = join(folder, "pictures"), out = join(folder, "run");
    await writePictures(data, 26);
    const source = await openData(data, {});
    const settings = { ...config, data, out, epochs: 1.5, checkpointSteps: 2, devices: 4 };
    const whole = await train(settings, { engine, source });
    assert.equal(whole.step, whole.total);
    const figures = async () =>
      (await readMetrics(join(out, "metrics.jsonl"))).map(({ step, loss, gradNorm }) => ({
        step,
        loss,
        gradNorm,
      }));
    const unbroken = await figures(), end = await readState(whole.state);
    assert.equal(unbroken.length, whole.total);
    disposeTree(whole.state);
    await Deno.remove(whole.checkpoint, { recursive: true });
    const again = await train({ ...settings, resume: true }, { engine, source });
    assert.deepEqual(await figures(), unbroken);
    assert.deepEqual(await readState(again.state), end);
    disposeTree(again.state);
    await closeData(source);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert.throws(
    () => resolveConfig({ ...MINUSCULE, batchSize: 6, devices: 4 }),
    (e) => e instanceof ConfigError && /batchSize is 6.*4 devices.*--batch-size 8/.test(e.message),
  );
});

Deno.test("an engine with one device refuses several, and more devices than there are", async () => {
  await assert.rejects(openEngine("wasm", { devices: 2 }), /2 devices.*wasm cannot/);
  await assert.rejects(openEngine("auto", { plugin: "/nowhere/plugin.so" }), /nowhere/);
});
