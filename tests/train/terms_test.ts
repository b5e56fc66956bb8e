import assert from "node:assert/strict";
import { openSource } from "../../src/data/open/open_data.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { LOSS_TERMS, type LossTerm } from "../../src/model/loss.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { metricsLine, readMetrics } from "../../src/train/run/metrics_file.ts";
import { openLines } from "../../src/cli/lines.ts";
import { runProgress, termsText } from "../../src/train/show/progress.ts";
import { disposeTree, initialState } from "../../src/train/state.ts";
import { trainStep } from "../../src/train/step.ts";
import { train } from "../../src/train/train.ts";
import { batchTensors, readValues, scalarTensors } from "../../src/train/step_inputs.ts";
import { MINUSCULE, noiseBatch, writePictures } from "./fixture.ts";

const config = resolveConfig({ ...MINUSCULE, epochs: 1, warmupEpochs: 0 });
const FACTS = { step: 1, epoch: 0, lr: 1, wd: 0, imagesPerSecond: 100, waiting: 0, bad: 0 };

/** A term that nothing else in the program knows: the mean square of the codes, for the two views apart. */
const SIZE: LossTerm = {
  name: "magnitude",
  weight: () => 0.5,
  compute: ({ aligned }) => {
    const [rows, tokens, width] = aligned.shape as [number, number, number];
    return { value: tf.mean(tf.square(tf.reshape(aligned, [2, rows / 2 * tokens * width])), 1) };
  },
};

/** The values of one step from the initial state. */
async function stepValues(terms: readonly LossTerm[]) {
  const engine = await openWasm();
  const args = {
    state: initialState(config, 5),
    batch: batchTensors(engine, config, noiseBatch(config, 3), 0),
    scalars: scalarTensors(config, 1000, 0),
  };
  const result = engine.jit(trainStep(config, terms), { donate: ["state"] })(args);
  const values = await readValues(result.metrics);
  disposeTree([result.state, args.batch, args.scalars]);
  return values;
}

Deno.test("a new term of the loss is in the loss, in the metrics line and in the progress line by itself", async () => {
  const before = await stepValues(LOSS_TERMS);
  const values = await stepValues([...LOSS_TERMS, SIZE]);
  assert.deepEqual(
    Object.keys(values),
    [
      "loss",
      "reconstruction1",
      "reconstruction2",
      "class",
      "patch",
      "magnitude1",
      "magnitude2",
      "gradNorm",
      "codeSpread",
    ],
  );
  const { magnitude1, magnitude2, loss: _, gradNorm: __, ...others } = values;
  assert.deepEqual(others, (({ loss: _, gradNorm: __, ...rest }) => rest)(before));
  const wanted = before.loss + 0.5 * (magnitude1 + magnitude2);
  assert.ok(magnitude1 > 0 && Math.abs(values.loss - wanted) < 1e-5 * wanted, `${values.loss} ${wanted}`);

  const line = metricsLine(FACTS, values);
  assert.equal(JSON.parse(JSON.stringify(line)).magnitude2, magnitude2);
  for (const columns of [200, 100]) {
    let out = "";
    const progress = runProgress(
      openLines({ write: (text) => out += text, terminal: true, columns: () => columns }),
    );
    progress.step(line, 9, 1);
    const digits = columns === 200 ? 3 : 2;
    assert.ok(out.includes(` mag ${magnitude1.toFixed(digits)} ${magnitude2.toFixed(digits)})`), out);
  }
});

Deno.test("a run with a new term of the loss writes it, shows it, and goes on with it", async () => {
  const folder = await Deno.makeTempDir(), engine = await openWasm();
  await writePictures(`${folder}/pictures`, 13);
  const source = await openSource(`${folder}/pictures`), out = `${folder}/run`;
  try {
    let shown = "";
    const progress = runProgress(openLines({ write: (text) => shown += text, terminal: false }));
    for (const change of [{ steps: 2 }, { resume: true }]) {
      const config = resolveConfig({ ...MINUSCULE, data: source.uri, out, epochs: 1 }, change);
      const result = await train(config, { engine, source, progress, terms: [...LOSS_TERMS, SIZE] });
      disposeTree(result.state);
    }
    const lines = await readMetrics(`${out}/metrics.jsonl`);
    assert.ok(
      lines.length === 3 && lines.every(({ magnitude1, magnitude2 }) => magnitude1! > 0 && magnitude2! > 0),
    );
    assert.ok(
      shown.includes(` mag ${lines[2].magnitude1!.toFixed(3)} ${lines[2].magnitude2!.toFixed(3)})`),
      shown,
    );
    const broken: LossTerm = { ...SIZE, compute: () => ({ value: tf.scalar(NaN) }) };
    const config = resolveConfig({ ...MINUSCULE, data: source.uri, out: `${folder}/broken`, epochs: 1 });
    await assert.rejects(
      train(config, { engine, source, terms: [...LOSS_TERMS, broken] }),
      /step 1: loss is NaN, magnitude is NaN/,
    );
  } finally {
    await source.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("names of terms are refused where two are the same or the metrics need one themselves", async () => {
  const named = (name: string): LossTerm => ({ ...SIZE, name });
  await assert.rejects(stepValues([...LOSS_TERMS, named("reconstruction")]), /two terms .* reconstruction1/);
  const square: LossTerm = { ...SIZE, compute: ({ mask }) => ({ value: mask }) };
  await assert.rejects(stepValues([square]), /magnitude has shape \[8,2,2\]; it must be a scalar/);
  assert.throws(() => metricsLine(FACTS, { loss: 1, lr: 2 }), /reports "lr", which metrics\.jsonl uses/);
});

Deno.test("terms are named in short where that is no other's name", () => {
  const line = metricsLine(FACTS, {
    loss: 1,
    gradNorm: 2,
    reconstruction: 3,
    recall: 4,
    accuracy: 5,
    box: 6,
  });
  assert.equal(termsText(line, 1), "reconstruction 3.0 recall 4.0 acc 5.0 box 6.0");
  assert.equal(termsText(metricsLine(FACTS, { loss: 1 }), 1), "");
});
