import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { align } from "../../src/model/aligner.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { testEngine } from "./fixtures.ts";

await testEngine();
const CHANNELS = 4;

/** A configuration of some grid. */
function configOf(grid: number, flipRule: ModelConfig["flipRule"] = "columns"): ModelConfig {
  return { ...PRESETS.demo, imageSize: grid * 8, codeWidth: CHANNELS, decoderHeads: 1, flipRule };
}

/** First and last-plus-one cell of a region by docs/spec.md §4 and D6. */
function region(low: number, high: number, grid: number): [number, number] {
  const first = Math.min(Math.trunc(Math.fround(grid * low)), grid - 1);
  return [first, Math.max(Math.trunc(Math.fround(grid * high)), first + 1)];
}

/** Where a cell of a resized axis reads: two cells of the code grid, of side `own`, and the second one's weight. */
function taps(i: number, n: number, own: number): [number, number, number] {
  const place = Math.min(Math.max((i + 0.5) * own / n - 0.5, 0), own - 1), low = Math.floor(place);
  return [low, Math.min(low + 1, own - 1), place - low];
}

type Row = number[];

/** One sample, cell by cell: mirror the grid, resize it, write it over the mask token. */
function place(codes: Row[], mask: Row, box: number[], grid: number, rule: ModelConfig["flipRule"]): Row[] {
  const own = Math.sqrt(codes.length - 1);
  const flip = box[0] > box[2];
  const [c0, c1] = region(Math.min(box[0], box[2]), Math.max(box[0], box[2]), grid);
  const [r0, r1] = region(box[1], box[3], grid);
  const read = (row: number, column: number): Row => {
    const code = codes[1 + row * own + (flip && rule === "columns" ? own - 1 - column : column)];
    return flip && rule === "channels" ? code.toReversed() : code;
  };
  const canvas: Row[] = Array.from({ length: grid * grid }, () => mask);
  for (let r = r0; r < r1; r++) {
    for (let c = c0; c < c1; c++) {
      const [top, bottom, v] = taps(r - r0, r1 - r0, own);
      const [left, right, h] = taps(c - c0, c1 - c0, own);
      canvas[r * grid + c] = mask.map((_, k) =>
        (1 - v) * ((1 - h) * read(top, left)[k] + h * read(top, right)[k]) +
        v * ((1 - h) * read(bottom, left)[k] + h * read(bottom, right)[k])
      );
    }
  }
  return [codes[0], ...canvas];
}

// Pixels of some picture side, as boxes are made; denormal numbers, which some devices take as 0, cannot come up.
const share = fc.integer({ min: 0, max: 2240 }).map((pixel) => Math.fround(pixel / 2240));
const box = fc.tuple(share, share, share, share)
  .map(([x0, y0, x1, y1]) => [x0, Math.min(y0, y1), x1, Math.max(y0, y1)]);

for (const rule of ["columns", "channels"] as const) {
  Deno.test(`aligner: equals placing sample by sample for any boxes, flips and grids (${rule})`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
        fc.array(box, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 1000 }),
        (grid, smaller, boxes, salt) => {
          // Views may have another number of cells than the canvas.
          const config = configOf(grid, rule), tokens = 1 + (smaller ?? grid) ** 2;
          const value = (n: number, t: number, k: number) => Math.sin(salt + 7.3 * n + 1.7 * t + 0.9 * k);
          const codes = boxes.map((_, n) =>
            Array.from(
              { length: tokens },
              (_, t) => Array.from({ length: CHANNELS }, (_, k) => value(n, t, k)),
            )
          );
          const mask = Array.from({ length: CHANNELS }, (_, k) => value(99, 0, k));
          const expected = boxes.map((box, n) => place(codes[n], mask, box, grid, rule));
          tf.tidy(() => {
            const token = tf.tensor3d([[mask]]);
            const { aligned, mask: covered } = align(config, token, tf.tensor3d(codes), tf.tensor2d(boxes));
            const ours = aligned.dataSync();
            const theirs = expected.flat(2);
            for (let i = 0; i < theirs.length; i++) {
              assert.ok(Math.abs(ours[i] - theirs[i]) < 1e-5, `number ${i}`);
            }
            const outside = expected.flatMap((sample) =>
              sample.slice(1).map((cell) => Number(cell === mask))
            );
            assert.deepEqual([...covered.dataSync()], outside);
          });
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });
}

Deno.test("aligner: the whole picture is placed as it is, bit for bit", () => {
  tf.tidy(() => {
    const config = configOf(5);
    const codes = tf.tensor3d(Float32Array.from({ length: 26 * CHANNELS }, (_, i) => Math.sin(i)), [
      1,
      26,
      CHANNELS,
    ]);
    const { aligned, mask } = align(config, tf.ones([1, 1, CHANNELS]), codes, tf.tensor2d([[0, 0, 1, 1]]));
    assert.deepEqual(aligned.dataSync(), codes.dataSync());
    assert.equal(mask.sum().dataSync()[0], 0);
  });
});

Deno.test("aligner: a flip twice is no flip", () => {
  tf.tidy(() => {
    const config = configOf(6);
    const codes = tf.tensor3d(Float32Array.from({ length: 37 * CHANNELS }, (_, i) => Math.cos(i)), [
      1,
      37,
      CHANNELS,
    ]);
    const flipped = tf.tensor2d([[1, 0, 0, 1]]);
    const once = align(config, tf.zeros([1, 1, CHANNELS]), codes, flipped).aligned;
    assert.notDeepEqual(once.dataSync(), codes.dataSync());
    const twice = align(config, tf.zeros([1, 1, CHANNELS]), once, flipped).aligned;
    assert.deepEqual(twice.dataSync(), codes.dataSync());
  });
});

Deno.test("aligner: integer crops give the same cells as integer arithmetic, for every coordinate", () => {
  const config = { ...PRESETS.tiny, codeWidth: CHANNELS, decoderHeads: 1 };
  const edges = Array.from({ length: 225 }, (_, i) => i);
  tf.tidy(() => {
    const boxes = tf.tensor2d(edges.flatMap((i) => [0, i / 224, 1, 1]), [225, 4]);
    const codes = tf.zeros([225, 197, CHANNELS]) as tf.Tensor3D;
    const { mask } = align(config, tf.zeros([1, 1, CHANNELS]), codes, boxes);
    const above = mask.slice([0, 0, 0], [-1, -1, 1]).sum([1, 2]).dataSync();
    edges.forEach((i) => assert.equal(above[i], Math.min(Math.floor(i / 16), 13), `edge ${i}`));
  });
});
