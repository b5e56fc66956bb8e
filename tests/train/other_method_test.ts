import assert from "node:assert/strict";
import { encodePng } from "../../src/data/picture/png.ts";
import { openFolder } from "../../src/data/sources/folder.ts";
import { streamBatches } from "../../src/data/stream.ts";
import type { Batch } from "../../src/data/types.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { float32 } from "../../src/files/stored_tensor.ts";
import { type Evaluator, openEvaluations } from "../../src/train/evaluators.ts";
import { openKeeper } from "../../src/train/keeper.ts";
import { loop, type LoopOptions } from "../../src/train/loop.ts";
import type { Run } from "../../src/train/standing.ts";
import { oneProcess } from "../../src/train/process_group.ts";
import { recorder } from "../../src/train/record.ts";
import type { EvaluationLine, MetricsLine } from "../../src/train/run/metrics_file.ts";
import { openMeter } from "../../src/train/show/meter.ts";
import { termsText } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { readValues } from "../../src/train/step_inputs.ts";
import { DEFAULT_VIEWS } from "../../src/views/sample.ts";
import { withFolder, writeFiles } from "../data/pictures.ts";

const SIZE = 4, PIXELS = SIZE * SIZE * 3, BATCH = 4, CLASSES = 2;

/** A state that has nothing to do with the auto-encoder's: one layer on pixels. */
type Layer = { weight: tf.Tensor; bias: tf.Tensor };
type Inputs = { pictures: tf.Tensor; classes: tf.Tensor; rate: tf.Tensor };

/** One step of softmax regression on pictures and their classes. */
function classify({ state, pictures, classes, rate }: { state: Layer } & Inputs) {
  const x = tf.sub(tf.div(tf.cast(tf.reshape(pictures, [BATCH, PIXELS]), "float32"), 255), 0.5);
  const logits = (weight: tf.Tensor, bias: tf.Tensor) => tf.add(tf.matMul(x, weight), bias);
  const loss = (weight: tf.Tensor, bias: tf.Tensor) =>
    tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits(weight, bias)), classes), -1))) as tf.Scalar;
  const { value, grads: [dWeight, dBias] } = tf.valueAndGrads(loss)([state.weight, state.bias]);
  const right = tf.equal(tf.argMax(logits(state.weight, state.bias), -1), tf.argMax(classes, -1));
  return {
    state: {
      weight: tf.sub(state.weight, tf.mul(dWeight, rate)),
      bias: tf.sub(state.bias, tf.mul(dBias, rate)),
    },
    metrics: { loss: value as tf.Tensor, accuracy: tf.mean(tf.cast(right, "float32")) as tf.Tensor },
  };
}

/** Four dark and four light pictures in two class folders. */
async function writeClasses(folder: string): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 8; i++) {
    const data = new Uint8Array(PIXELS).map((_, at) => (i % 2 ? 160 : 40) + (at * (i + 3)) % 50);
    files[`${i % 2 ? "light" : "dark"}/${i}.png`] = encodePng({ width: SIZE, height: SIZE, data });
  }
  await writeFiles(folder, files);
}

Deno.test("the loop trains something else: a classifier on labelled batches, kept, recorded and evaluated alike", () =>
  withFolder(async (folder) => {
    await writeClasses(folder);
    const engine = await openWasm(), source = await openFolder(folder), before = tf.memory().numTensors;
    const views = { ...DEFAULT_VIEWS, imageSize: SIZE }, total = 20, perEpoch = 2;
    const stream = streamBatches(source, {
      imageSize: SIZE,
      batchSize: BATCH,
      seed: 1,
      views,
      withLabels: true,
    });
    const step = engine.jit(classify, { donate: ["state"] });
    const inputs = ({ base, labels }: Batch): Inputs => ({
      pictures: engine.bytes(base, [BATCH, SIZE, SIZE, 3]),
      classes: tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels!, "int32"), CLASSES), "float32")),
      rate: tf.scalar(0.3),
    });
    const run: Run<Layer> = {
      state: { weight: tf.zeros([PIXELS, CLASSES]), bias: tf.zeros([CLASSES]) },
      ...{ step: 0, epoch: 0, next: { epoch: 0, position: 0 }, bad: 0 },
    };
    const lines: (MetricsLine | EvaluationLine)[] = [], kept: number[] = [], events: string[] = [];
    const metrics = { write: (line: MetricsLine | EvaluationLine) => void lines.push(line) };
    const keeper = openKeeper<Layer, number>({
      ...{ minutes: 0, steps: 8, start: 0, path: null },
      take: async ({ state, step }) => {
        events.push(`took ${step}`);
        return { info: step, tensors: { bias: float32([2], Float32Array.from(await state.bias.data())) } };
      },
      write: ({ info }) => Promise.resolve(`step-${kept.push(info) && info}`),
    });
    const norm: Evaluator<Layer> = {
      name: "norm",
      cadence: { epochs: 4 },
      evaluate: async ({ state }) => {
        const value = tf.tidy(() => ({ weight: tf.norm(state.weight) }));
        return await readValues(value);
      },
    };
    const meter = openMeter(BATCH), progress = { line: () => {}, step: () => {} };
    const evaluations = openEvaluations([norm], { perEpoch, total, metrics, progress, meter });
    const record = recorder({
      ...{ total, batchSize: BATCH, logEvery: 1, metrics, meter, progress, found: evaluations.found },
      rates: () => ({ lr: 0.3, wd: 0 }),
      checkpoint: keeper.path,
    });
    const options: LoopOptions<Layer, Inputs> = {
      ...{ run, total, inputs, batches: stream, ahead: 1, meter, keeper, evaluations },
      step: (args) => {
        const underWay = events.filter((event) => event.startsWith("began")).length -
          events.filter((event) => event.startsWith("checked")).length;
        assert.ok(underWay <= 1, `${underWay} steps were under way`);
        events.push(`began ${run.step + 1}`);
        return step(args);
      },
      record: (flight, values) => {
        events.push(`checked ${flight.step}`);
        record(flight, values);
      },
      first: () => Promise.resolve(meter.start()),
      rest: () => Promise.resolve(),
      group: oneProcess(1),
    };
    await loop(options);
    await keeper.finish(run);
    await stream.return();
    assert.deepEqual([run.step, keeper.path(), kept], [total, "step-20", [8, 16, 20]]);
    assert.equal(new Set(events).size, events.length);
    const at = (event: string) => events.indexOf(event);
    assert.ok(
      at("checked 8") < at("took 8") && at("took 8") < at("began 9"),
      "nothing runs while a state is taken",
    );

    const steps = lines.filter((line): line is MetricsLine => "loss" in line);
    assert.ok(steps.at(-1)!.loss < 0.3 * steps[0].loss && steps.at(-1)!.accuracy === 1);
    assert.match(termsText(steps.at(-1)!, 2), /^acc 1\.00$/);
    const found = lines.filter((line) => "evaluator" in line);
    assert.deepEqual(found.map(({ step, evaluator }) => [step, evaluator]), [[8, "norm"], [16, "norm"]]);
    disposeTree(run.state);
    assert.equal(tf.memory().numTensors, before);
    await source.close();
  }));
