import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { codeSpread } from "../../src/model/spread.ts";
import { randomStream } from "../../src/random.ts";
import { metricsReader } from "../../src/report/metrics.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { readEvaluations, readMetrics } from "../../src/train/run/metrics_file.ts";
import { silent } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { train } from "../../src/train/train.ts";
import { openWatch, WINDOW } from "../../src/train/watch.ts";
import { withFolder } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

const engine = await openWasm();
const SETTINGS = resolveConfig({ batchSize: 32, warmupEpochs: 1 });
const CHANCE = Math.log(63), CELLS = Math.log(64);
/** What a healthy step reports. */
const GOOD = { loss: 3, class: 1, patch: 2, codeSpread: 0.9 };

/** A watch of a run of 2,000 steps, and what it says. */
function watched(change: Partial<RunConfig> = {}) {
  const said: string[] = [];
  const watch = openWatch({ ...SETTINGS, ...change }, {
    perEpoch: 100,
    total: 2000,
    say: (text) => said.push(text),
  });
  /** Steps that report this, from `from` to before `to`; gives those that were warned at. */
  const steps = (from: number, to: number, values: Record<string, number>) =>
    Array.from({ length: to - from }, (_, i) => from + i).filter((step) => watch.step(step, values));
  return { watch, said, steps };
}

Deno.test("spread of codes: 0 where all are the same, near 1 where they lie in all directions, within both always", () =>
  void tf.tidy(() => {
    const stream = randomStream(4, "test", 0), rows = 400, width = 16;
    const spread = (value: (row: number, at: number) => number) => {
      const codes = Float32Array.from({ length: rows * 2 * width }, (_, i) => {
        const row = Math.floor(i / (2 * width)), at = i % (2 * width);
        // The second token of each row is another one's business.
        return at < width ? value(row, at) : 1e3 * stream.normal();
      });
      return codeSpread(tf.tensor3d(codes, [rows, 2, width])).dataSync()[0];
    };
    assert.ok(spread((_, at) => Math.sin(at)) < 1e-3);
    assert.ok(spread((row, at) => (row + 1) * Math.cos(at)) < 1e-3, "length does not count");
    const wide = spread(() => stream.normal());
    assert.ok(wide > 0.95 && wide <= 1, `${wide}`);
    const half = spread((_, at) => Math.sin(at) + 0.7 * stream.normal());
    assert.ok(half > 0.4 && half < wide, `${half}`);
    assert.equal(spread(() => 0), 0);
  }));

Deno.test("a healthy run is not warned of, nor one that has only begun", () => {
  const { steps, said } = watched();
  // At the start, all codes are alike and the contrasts know nothing: that is no sign yet.
  assert.deepEqual(steps(1, 99, { loss: 60, class: CHANCE, patch: CELLS, codeSpread: 0.01 }), []);
  assert.deepEqual(steps(99, 2000, GOOD), []);
  assert.deepEqual(said, []);
});

Deno.test("codes that collapse and contrasts at chance are told, each once in a tenth of the run", () => {
  for (
    const [bad, words] of [
      [
        { codeSpread: 0.05 },
        /^the codes are collapsing: the spread of class codes was 0\.0\d\d of 1 .*lower --lr/,
      ],
      [
        { class: CHANCE },
        /^the contrast of class codes is at chance: 4\.\d\d .* 4\.14, the logarithm of 63 other views.*--lr/,
      ],
      [
        { patch: CELLS - 0.05 },
        /^the contrast of patch codes is at chance: 4\.\d\d .* 64 cells of a picture/,
      ],
    ] as [Record<string, number>, RegExp][]
  ) {
    const { steps, said } = watched();
    steps(1, 501, GOOD);
    const warned = steps(501, 1101, { ...GOOD, ...bad });
    assert.equal(warned.length, 3, JSON.stringify(bad));
    // The mean of the last steps counts: not at once, and then no more often than every 200 steps.
    assert.ok(warned[0] > 501 + WINDOW / 2 && warned[0] <= 501 + WINDOW, `${warned}`);
    assert.deepEqual(warned.map((step) => step - warned[0]), [0, 200, 400]);
    assert.match(said[0], words);
    assert.match(said[0], /docs\/learning\.md/);
    assert.deepEqual(steps(1101, 1600, GOOD).filter((step) => step > 1101 + WINDOW), []);
  }
});

Deno.test("terms that the loss does not have show no sign", () => {
  const bad = { loss: 3, class: CHANCE, patch: CELLS, codeSpread: 0 };
  assert.deepEqual(watched({ classWeight: 0, patchWeight: 0 }).steps(1, 1000, bad), []);
  const { steps, said } = watched({ patchWeight: 0 });
  assert.equal(steps(1, 300, bad).length, 1);
  assert.ok(said.length === 2 && !said.some((text) => text.includes("patch")), said.join("\n"));
  // Other losses report other things.
  assert.deepEqual(watched().steps(1, 1000, { loss: 3 }), []);
});

Deno.test("nearest neighbours that rise no more are told; a rise, another evaluator, the end are not", () => {
  const { watch, said } = watched();
  const look = (step: number, top1: number, name = "knn") => watch.evaluation(step, name, { top1, top5: 1 });
  for (let step = 100; step <= 600; step += 100) assert.equal(look(step, step / 1000), undefined);
  const warned = [700, 800, 900, 1000, 1100, 1200, 1300].filter((step) => look(step, 0.55));
  // Five looks and a fifth of the run after the best one, which stays the best where it is met again.
  assert.deepEqual(warned, [1100, 1300]);
  assert.match(
    said[0],
    /^knn has not risen since step 600: 0\.600 there, 0\.550 now\. The best state is kept/,
  );
  assert.equal(look(1400, 0.61), undefined);
  assert.equal(look(2000, 0.5), undefined, "after the end nothing can be done");
  for (let step = 100; step < 2000; step += 100) assert.equal(look(step, 0.5, "table"), undefined);
  assert.equal(watch.evaluation(1900, "quick knn", { class: 0.1 }), undefined);
});

Deno.test("a run that goes on is watched as if it had never stopped", () => {
  const bad = { ...GOOD, codeSpread: 0.02 }, whole = watched();
  whole.steps(1, 300, GOOD);
  const wanted = whole.steps(300, 900, bad), split = wanted[0] + 5;
  const line = (step: number) => ({
    ...{ epoch: 0, lr: 0, wd: 0, imagesPerSecond: 0, waiting: 0, bad: 0, step },
    ...(step < 300 ? GOOD : bad),
  });
  const { watch, steps, said } = watched();
  for (let step = 1; step <= split; step++) watch.recall(line(step));
  assert.deepEqual(said, []);
  assert.deepEqual(steps(split + 1, 900, bad), wanted.filter((step) => step > split));
});

Deno.test("a run that learns nothing is told of on its lines, in metrics.jsonl and on the page", () =>
  withFolder(async (folder) => {
    await writePictures(join(folder, "pictures"), 13);
    const source = await openSource(join(folder, "pictures"));
    const run = async (name: string, change: Partial<RunConfig>) => {
      const said: string[] = [], out = join(folder, name);
      // Without a rate nothing is learned.
      const settings = {
        ...MINUSCULE,
        width: 8,
        depth: 1,
        decoderDepth: 0,
        steps: 110,
        data: source.uri,
        out,
        lr: 0,
        minLr: 0,
        warmupEpochs: 0,
      };
      const config = resolveConfig(settings, { epochs: 40, logEvery: 7 }, change);
      const knn = { name: "knn", cadence: { steps: 10 }, evaluate: () => Promise.resolve({ top1: 0.5 }) };
      const progress = { ...silent, line: (text: string) => void said.push(text) };
      const { state } = await train(config, { engine, source, progress, evaluators: [knn] });
      disposeTree(state);
      return { out, said: said.filter((text) => text.startsWith("warning")) };
    };
    const { out, said } = await run("run", {}), path = join(out, "metrics.jsonl");
    const text = await Deno.readTextFile(path);
    const warned = text.split("\n").filter((line) => line.includes('"warning":"'))
      .map((line) => JSON.parse(line));
    assert.ok(said.length >= 2 && warned.length >= 2, said.join("\n"));
    assert.ok(
      warned.some(({ warning, evaluator }) => evaluator === "knn" && /^knn has not risen/.test(warning)),
    );
    assert.ok(warned.some(({ warning, loss }) => loss > 0 && /at chance|collapsing/.test(warning)));
    // A warning is no step of its own.
    const lines = await readMetrics(path), steps = lines.map(({ step }) => step);
    assert.deepEqual(steps, [...new Set(steps)].sort((a, b) => a - b));
    assert.ok(
      (await readEvaluations(path)).length === 11 && lines.every(({ codeSpread }) => codeSpread! >= 0),
    );
    const reader = metricsReader(path);
    await reader.read();
    const { notes } = reader.curves();
    assert.equal(notes.filter((note) => /^warning, step \d+: /.test(note)).length, warned.length);
    await source.close();
  }));
