import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { attentionReader, drawAttention, massThreshold } from "../../src/eval/figures/attention.ts";
import { checkpointFigures } from "../../src/eval/figures/at_checkpoints.ts";
import { nearestRows, principalMap } from "../../src/eval/figures/map.ts";
import { unitRows } from "../../src/eval/rows.ts";
import { encoder } from "../../src/model/encoder.ts";
import { initModel } from "../../src/model/init.ts";
import { latestCheckpoint } from "../../src/train/run/checkpoint.ts";
import { figureNames, type FigureSet, figureSteps, spread } from "../../src/train/run/figure_files.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { disposeTree, initialState } from "../../src/train/state.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { renderReference } from "../../src/views/render.ts";
import { trainTask } from "../../tasks/train.ts";
import { capture } from "../cli/capture.ts";
import { SMALL } from "../user.ts";
import { colourFolder, TOY, toyPictures, withFolder } from "./toy.ts";

const engine = await openWasm();
const near = (a: number, b: number, off = 1e-4) => assert.ok(Math.abs(a - b) <= off, `${a} is not ${b}`);

Deno.test("mass threshold: the largest weights stay, as DINO's figure keeps them", () => {
  assert.deepEqual(massThreshold(Float32Array.of(1, 4, 2, 3), 0.6), [false, true, false, true]);
  assert.deepEqual(massThreshold(Float32Array.of(1, 4, 2, 3), 1), [true, true, true, true]);
  assert.deepEqual(massThreshold(Float32Array.of(1, 0, 9), 0.5), [false, false, true]);
  assert.deepEqual(massThreshold(Float32Array.of(0, 0), 0.6), [false, false]);
});

Deno.test("attention: what the class token's query gives the patches in the last block", async () => {
  const pictures = toyPictures(2), state = initModel(TOY, 0), { heads } = TOY;
  const weights = await attentionReader(engine, TOY)(state, pictures);
  assert.equal(weights.length, 2 * heads * 16);
  const whole = tf.tidy(() => {
    const base = engine.bytes(pictures, [2, 16, 16, 3]), params = { ...state.params, ...state.frozen };
    return encoder(TOY, params, renderReference(base), undefined, { attention: true }).attention!;
  });
  const rows = (await whole.array()) as number[][][][];
  for (
    const [at, value] of [[0, rows[0][0][0][1]], [16 + 3, rows[0][1][0][4]], [
      heads * 16 + 15,
      rows[1][0][0][16],
    ]]
  ) {
    near(weights[at], value, 1e-6);
  }
  const sheet = drawAttention(TOY, pictures, weights, 0.6);
  const cell = 21, side = 4 * cell;
  assert.deepEqual([sheet.width, sheet.height], [4 + (heads + 2) * (side + 4), 4 + 4 * (side + 4)]);
  // The cell with the most weight has the lightest colour, and below it the picture is as it was.
  const head = weights.subarray(0, 16), most = head.indexOf(Math.max(...head));
  const pixel = (
    x: number,
    y: number,
  ) => [...sheet.data.subarray((y * sheet.width + x) * 3, (y * sheet.width + x) * 3 + 3)];
  const x = 4 + 2 * (side + 4) + (most % 4) * cell + 9, y = 4 + Math.floor(most / 4) * cell + 9;
  assert.deepEqual(pixel(x, y), [252, 244, 170]);
  assert.deepEqual(pixel(x, y + side + 4), pixel(4 + (most % 4) * cell + 9, y));
});

Deno.test("map: two principal components keep what lies in a plane", () => {
  const flat = [[3, 1], [-2, 4], [0, -1], [5, 2], [-1, -3]];
  // The same points turned into five dimensions, and moved.
  const u = [0.6, 0, 0.8, 0, 0], v = [0, 1, 0, 0, 0];
  const data = Float32Array.from(flat.flatMap(([a, b]) => u.map((_, i) => 7 + a * u[i] + b * v[i])));
  const { points, explained } = principalMap({ rows: 5, width: 5, data });
  near(explained[0] + explained[1], 1);
  assert.ok(explained[0] > explained[1]);
  const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const scale = distance(points[0], points[1]) / distance(flat[0], flat[1]);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < i; j++) {
      near(distance(points[i], points[j]), scale * distance(flat[i], flat[j]), 2e-3);
    }
  }
  assert.deepEqual(principalMap({ rows: 2, width: 1, data: Float32Array.of(4, 4) }), {
    points: [[0, 0], [0, 0]],
    explained: [0, 0],
  });
});

Deno.test("neighbours: by cosine, without the query itself", () => {
  const rows = unitRows({ rows: 4, width: 2, data: Float32Array.of(1, 0, 2, 1, 0, 1, -1, 0) });
  const [{ query, nearest }] = nearestRows(rows, [0], 2);
  assert.deepEqual([query, nearest.map(([index]) => index)], [0, [1, 2]]);
  near(nearest[0][1], 2 / Math.sqrt(5));
});

Deno.test("some of many are spread evenly, with the first and the last", () => {
  assert.deepEqual(spread([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6, 7, 8], 3), [0, 4, 8]);
  assert.deepEqual(spread([1, 2, 3], 1), [3]);
});

Deno.test("figures are drawn whole, within their share of the time, and tidied up", () =>
  withFolder(async (folder) => {
    const photos = await colourFolder(join(folder, "photos"), 4), run = join(folder, "run");
    const config = resolveConfig({ ...SMALL, data: photos, out: run }), state = initialState(config, 0);
    let time = 0, opened = 0, closed = 0;
    const lines: string[] = [];
    const open = async () => {
      const source = await openSource(photos);
      opened++;
      return { source, close: () => source.close().then(() => void closed++) };
    };
    const now = () => time += 1000;
    const figures = checkpointFigures({
      engine,
      config,
      run,
      open,
      now,
      progress: (line) => lines.push(line),
    });
    const at = (step: number) => figures.evaluate({ state, step, total: 100, epoch: 0 });
    const before = tf.memory().numTensors;
    // What a killed process left, and what is to be done again.
    await Deno.mkdir(join(run, "figures"), { recursive: true });
    await Deno.writeTextFile(join(run, "figures", figureNames(3).attention), "half");
    await Deno.writeTextFile(join(run, "figures", figureNames(77).set), "{}");
    await at(10);
    assert.deepEqual(await figureSteps(run), { whole: [10], all: [10] });
    // Drawing took a second of these few; the next ones wait until it is less than 1 %.
    await at(20);
    time += 3_000;
    await at(30);
    assert.deepEqual((await figureSteps(run)).whole, [10, 20]);
    time += 1_000_000;
    await at(40);
    await at(100);
    assert.deepEqual((await figureSteps(run)).whole, [10, 20, 40, 100]);
    assert.deepEqual([opened, closed, lines, tf.memory().numTensors], [1, 1, [], before]);

    const text = await Deno.readTextFile(join(run, "figures", figureNames(40).set));
    const set: FigureSet = JSON.parse(text);
    assert.deepEqual([set.step, set.map.length, set.neighbours.length, set.neighbours[0].nearest.length], [
      40,
      12,
      8,
      7,
    ]);
    const gallery = JSON.parse(await Deno.readTextFile(join(run, "figures", "gallery.json")));
    assert.equal(gallery.pictures.length, 12);
    assert.equal(gallery.labels.length, 3);
    for (const name of ["gallery.jpg", figureNames(40).reconstruction, figureNames(40).attention]) {
      const picture = await decodePicture(await Deno.readFile(join(run, "figures", name)));
      assert.ok(picture.width > 100 && picture.height > 40, name);
    }
    for (let step = 41; step < 90; step++) {
      await Deno.writeTextFile(join(run, "figures", figureNames(step).set), text);
    }
    await at(100);
    const { whole } = await figureSteps(run);
    assert.ok(whole.length <= 24 && whole[0] === 10 && whole.at(-1) === 100, `${whole}`);
    disposeTree(state);
  }));

Deno.test("figures that cannot be drawn are told, and the training goes on", async () => {
  const lines: string[] = [];
  const figures = checkpointFigures({
    engine,
    config: TOY,
    run: "/dev/null/run",
    open: () => Promise.reject(new Error("the pictures have gone")),
    progress: (line) => lines.push(line),
  });
  const state = initialState(resolveConfig({ ...SMALL }), 0);
  for (const step of [1, 2]) {
    assert.deepEqual(await figures.evaluate({ state, step, total: 2, epoch: 0 }), {});
  }
  assert.deepEqual(lines, ["figures of step 1 were left out: the pictures have gone"]);
});

Deno.test("figures change no bit of a training, and are left out when asked", () =>
  withFolder(async (folder) => {
    const photos = await colourFolder(join(folder, "photos"), 4);
    const config = join(folder, "config.json");
    await Deno.writeTextFile(config, JSON.stringify({ ...SMALL, checkpointSteps: 2, keep: 9 }));
    const train = async (name: string, ...flags: string[]) => {
      const out = join(folder, name);
      const ended = await capture(trainTask, ["--data", photos, "--out", out, "--config", config, ...flags]);
      assert.equal(ended.code, 0, ended.err);
      const lines = (await readMetrics(join(out, "metrics.jsonl"))).map((
        { loss, gradNorm },
      ) => [loss, gradNorm]);
      const checkpoint = await Deno.readFile((await latestCheckpoint(out))!);
      // The header says when it was made and where; the tensors come after it.
      const header = 8 + Number(new DataView(checkpoint.buffer).getBigUint64(0, true));
      return { out, lines, tensors: checkpoint.subarray(header) };
    };
    const drawn = await train("drawn", "--tensorboard"), plain = await train("plain", "--no-figures");
    assert.deepEqual(drawn.lines, plain.lines);
    assert.deepEqual(drawn.tensors, plain.tensors);
    assert.deepEqual(await figureSteps(plain.out), { whole: [], all: [] });
    const { whole } = await figureSteps(drawn.out);
    assert.deepEqual([whole[0], whole.at(-1)], [2, 6]);
    assert.equal(drawn.lines.length, 6);
    const events = (folder: string) =>
      [...Deno.readDirSync(join(drawn.out, folder))].map(({ name }) => name).sort();
    assert.match(events("tensorboard").join(), /^events\.out\.tfevents\.[^,]+,figures$/);
    assert.equal(events("tensorboard/figures").length, whole.length);
    // A process that is killed while it writes leaves such a file; the next one removes it.
    await Deno.writeTextFile(join(drawn.out, "figures", ".partial-step-1"), "half");
    const again = await capture(trainTask, ["--resume", "--out", drawn.out]);
    assert.equal(again.code, 0, again.err);
    const names = [...Deno.readDirSync(join(drawn.out, "figures"))].map(({ name }) => name);
    assert.ok(!names.some((name) => name.startsWith(".partial")), `${names}`);
  }));
