import assert from "node:assert/strict";
import { join } from "node:path";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { openEngine } from "../../src/engine/open.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import * as tf from "../../src/engine/tensors.ts";
import { randomStream } from "../../src/random.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import { batchTensors, readValues, scalarTensors } from "../../src/train/step_inputs.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { train } from "../../src/train/train.ts";
import { disposeTree, initialState, readState, type TrainState, writeState } from "../../src/train/state.ts";
import { trainStep } from "../../src/train/step.ts";
import { packView } from "../../src/views/pack.ts";
import { sampleView } from "../../src/views/sample.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

const config = resolveConfig({ ...MINUSCULE, depth: 1, epochs: 1, warmupEpochs: 0, lr: 0.01 });
const { batchSize, imageSize } = config;

/** Numbers for a step; no two steps alike. */
function someBatch(step: number) {
  const random = randomStream(3, "test", step);
  const views = new Float32Array(2 * batchSize * VIEW_FIELDS);
  for (let row = 0; row < 2 * batchSize; row++) {
    packView(
      sampleView(config, 3, step, row % batchSize, row < batchSize ? 0 : 1),
      views,
      row * VIEW_FIELDS,
    );
  }
  const base = Uint8Array.from({ length: batchSize * imageSize ** 2 * 3 }, () => random.bits() & 255);
  return { base, views, indices: Array.from({ length: batchSize }, (_, i) => i) };
}

/** Four devices for all tests here. The tests share what was compiled: it takes their time. */
const programs = await Deno.makeTempDir();
const engine = await openXlaEngine({ plugin: PLUGIN, devices: 4, flags: QUICK, cache: programs });
Deno.test.afterAll(async () => {
  await engine.close();
  await Deno.remove(programs, { recursive: true });
});

Deno.test("four devices train as one does: losses, batch norm's statistics and gradients", async () => {
  assert.equal(engine.devices, 4);
  const step = engine.jit(trainStep(config), { donate: ["state"] });
  const split = engine.jit(trainStep(config), { donate: ["state"], shard: ["batch/base"] });
  const run = async (jitted: typeof step, state: TrainState, i: number) => {
    const batch = batchTensors(engine, config, someBatch(i), i), scalars = scalarTensors(config, 100, i);
    const result = jitted({ state, batch, scalars });
    disposeTree([batch, scalars]);
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
    // The first moments hold the gradients, the buffers batch norm's statistics.
    const expected = await readState(one), got = await readState(same.state);
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
      assert.ok(apart <= bound, `step ${i}, ${name}: ${apart} apart, at most ${largest}`);
    }
    disposeTree(same.state);
  }
  // Each device has its share of the work, and does not do all of it.
  const batch = batchTensors(engine, config, someBatch(0), 0), scalars = scalarTensors(config, 100, 0);
  const [whole, part] = await Promise.all(
    [step, split].map((jitted) => jitted.compile({ state: one, batch, scalars })),
  );
  assert.equal(part.flops, whole.flops);
  if (whole.memory && part.memory) {
    const { temporaries } = part.memory;
    assert.ok(temporaries < whole.memory.temporaries / 2, `${temporaries}, ${whole.memory.temporaries}`);
  }
  disposeTree([one, four, batch, scalars]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("a run on four devices is resumed bit for bit, and another batch size is refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const data = join(folder, "pictures"), out = join(folder, "run");
    await writePictures(data, 13);
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
