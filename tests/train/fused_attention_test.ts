/** What becomes of `attention: "cudnn"` where it cannot be had; the processor's compiler knows no such operation. */
import assert from "node:assert/strict";
import type { Engine } from "../../src/engine/types.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { oneProcess } from "../../src/train/process_group.ts";
import { pretraining } from "../../src/train/pretraining.ts";
import { disposeTree, initialState } from "../../src/train/state.ts";
import { readValues } from "../../src/train/step_inputs.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import { MINUSCULE, noiseBatch } from "./fixture.ts";

const CONFIG = resolveConfig({
  ...MINUSCULE,
  decoderDepth: 0,
  depth: 1,
  precision: "bfloat16",
  attention: "cudnn",
});

/** Opens engine xla with the forms of a platform, and gives it back after the work. */
async function on<T>(platform: string | undefined, work: (engine: Engine) => T | Promise<T>): Promise<T> {
  const engine = await openXlaEngine({ plugin: PLUGIN, flags: QUICK, platform });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Pretraining prepared, and what it says. */
function prepared(engine: Engine, config: RunConfig) {
  const said: string[] = [], say = (_: string, text: string) => said.push(text);
  return { said, method: pretraining(engine, config, oneProcess(1).layout, 3, undefined, say) };
}

/** The losses of three steps, and what was said. */
async function train(engine: Engine, config: RunConfig) {
  const { said, method } = prepared(engine, config);
  let state = initialState(config, 1);
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const inputs = method.inputs(noiseBatch(config, 0, i), i);
    if (i === 0) await method.compile({ state, ...inputs });
    const result = method.step({ state, ...inputs });
    state = result.state;
    losses.push((await readValues(result.metrics)).loss);
    disposeTree(inputs);
  }
  method.dispose();
  disposeTree(state);
  return { losses, said };
}

Deno.test("attention cudnn: a device without it attends plainly and says why", () =>
  on(undefined, (engine) => {
    const { said } = prepared(engine, CONFIG);
    assert.match(
      said.join(),
      /^attention cudnn is not taken: it is for NVIDIA cards, and this is cpu; blocks attend plainly$/,
    );
    assert.deepEqual(prepared(engine, { ...CONFIG, attention: "plain" }).said, []);
    assert.deepEqual(prepared(engine, { ...CONFIG, attention: "auto" }).said, []);
  }));

Deno.test("attention cudnn: a compiler that refuses it gets the plain form; a residual in bfloat16 trains alike", () =>
  on("cuda", async (engine) => {
    // It is what auto asks for on a card; this compiler has none.
    assert.match(
      (await train(engine, { ...CONFIG, attention: "auto" })).said.join(),
      /cannot be compiled here/,
    );
    const { losses, said } = await train(engine, CONFIG);
    assert.equal(said.length, 1);
    assert.match(said[0], /^attention cudnn cannot be compiled here \(.*cudnn.*\); blocks attend plainly$/);
    const half = await train(engine, { ...CONFIG, attention: "plain", residualPrecision: "bfloat16" });
    assert.deepEqual(half.said, []);
    assert.notDeepEqual(half.losses, losses);
    for (const [i, loss] of losses.entries()) {
      assert.ok(Math.abs(half.losses[i] / loss - 1) < 0.02, `step ${i}: ${half.losses[i]} and ${loss}`);
    }
  }));

Deno.test("attention cudnn and a residual in bfloat16 are refused without products in bfloat16", () => {
  for (const wish of [{ attention: "cudnn" }, { residualPrecision: "bfloat16" }] as const) {
    assert.throws(
      () => resolveConfig({ ...MINUSCULE, ...wish }),
      (error) => error instanceof ConfigError && /add --precision bfloat16/.test(error.message),
    );
  }
});
