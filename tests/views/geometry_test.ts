import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { boxesOf, boxOf, type Filter, resampleMatrix } from "../../src/views/geometry.ts";
import { packView } from "../../src/views/pack.ts";
import { cropViews } from "../../src/views/render.ts";
import { type Crop, type View, VIEW_FIELDS } from "../../src/views/types.ts";
import { asPictures, assertClose, golden, onWasm } from "./golden.ts";

function viewOf(crop: Crop, flip = false): View {
  return { crop, flip, colour: null, grey: false, blur: 0, solarise: false };
}

function packed(views: View[]): tf.Tensor2D {
  const out = new Float32Array(views.length * VIEW_FIELDS);
  views.forEach((view, i) => packView(view, out, i * VIEW_FIELDS));
  return tf.tensor2d(out, [views.length, VIEW_FIELDS]);
}

/** The crop in pixels that a stored box [x0, y0, x1, y1] names. */
function cropOf(box: ArrayLike<number>, size: number): Crop {
  const [left, top, right, bottom] = Array.from(box, (share) => Math.round(share * size));
  return { top, left, height: bottom - top, width: right - left };
}

/** PIL's weights of one output pixel, in doubles and with its own bounds of the taps. docs/spec.md §12. */
function pilWeights(
  output: number,
  [start, length]: number[],
  [size, target]: [number, number],
  filter: Filter,
): number[] {
  const scale = length / target, stretch = Math.max(scale, 1);
  const support = stretch * (filter === "bicubic" ? 2 : 1), centre = (output + 0.5) * scale;
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), length);
  const kernel = (t: number) => {
    if (filter === "bilinear") return Math.max(0, 1 - t);
    if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
    return t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0;
  };
  const weights = new Array(size).fill(0);
  for (let x = first; x < end; x++) weights[start + x] = kernel(Math.abs((x - centre + 0.5) / stretch));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

Deno.test("interpolation matrices hold PIL's weights", () =>
  onWasm(() => {
    const size = 12, targets = [12, 8, 30];
    const stretches = [[0, 12], [3, 5], [11, 1], [0, 1], [2, 10], [5, 7], [4, 2]];
    const starts = tf.tensor1d(stretches.map(([start]) => start));
    const lengths = tf.tensor1d(stretches.map(([, length]) => length));
    for (const filter of ["bicubic", "bilinear"] as const) {
      const flips = stretches.map((_, i) => i % 2);
      for (const target of targets) {
        const matrix = resampleMatrix(starts, lengths, size, filter, tf.tensor1d(flips), target).arraySync();
        stretches.forEach((stretch, i) => {
          assert.equal(matrix[i].length, target);
          for (let row = 0; row < target; row++) {
            const output = flips[i] ? target - 1 - row : row;
            const expected = pilWeights(output, stretch, [size, target], filter);
            for (let x = 0; x < size; x++) {
              assert.ok(Math.abs(matrix[i][row][x] - expected[x]) < 2e-6, `${filter} ${i} ${row} ${x}`);
            }
          }
        });
      }
      const whole = resampleMatrix(tf.tensor1d([0]), tf.tensor1d([size]), size, filter);
      assert.deepEqual(Array.from(whole.dataSync(), (weight) => weight + 0), [...tf.eye(size).dataSync()]);
    }
  }));

Deno.test("crops are PIL's, and flips mirror them", () =>
  onWasm(() => {
    const size = 224;
    const base = tf.tensor4d(golden("out.reference224").data, [1, size, size, 3], "int32");
    const boxes = golden("out.crop_boxes").data;
    const crops = [0, 1, 2].map((k) => cropOf(boxes.subarray(4 * k, 4 * k + 4), size));
    const views = packed([...crops.map((crop) => viewOf(crop)), viewOf(crops[0], true)]);
    const rendered = cropViews(tf.concat([base, base]), views);
    const pictures = asPictures(rendered);
    for (const k of [0, 1, 2]) assertClose(pictures[k], golden(`out.crop.${k}`).data, 0.5, 2);
    const mirrored = tf.reverse(tf.tensor3d(pictures[0], [size, size, 3]), 1).dataSync();
    assertClose(pictures[3], mirrored, 0.001, 0);
  }));

Deno.test("boxes of whole pixels have the reference's bits", () => {
  const { data, shape } = golden("out.box_examples");
  for (let i = 0; i < shape[0]; i++) {
    const stored = [...data.subarray(4 * i, 4 * i + 4)];
    const flip = stored[0] > stored[2];
    const unturned = flip ? [stored[2], stored[1], stored[0], stored[3]] : stored;
    const crop = cropOf(unturned, 224);
    assert.ok(crop.width > 0 && crop.height > 0 && crop.width * crop.height > 0.135 * 224 * 224);
    assert.deepEqual(boxOf(viewOf(crop, flip), 224), stored);
  }
});

Deno.test("boxes on the device are those on the host, bit for bit", () =>
  onWasm(() => {
    for (const size of [224, 64, 96]) {
      const edges = Array.from({ length: size }, (_, edge) => edge);
      const views = edges.map((edge) =>
        viewOf({ top: edge, left: size - 1 - edge, height: size - edge, width: edge + 1 }, edge % 3 === 0)
      );
      const boxes = boxesOf(tf.reshape(packed(views), [2, size / 2, VIEW_FIELDS]), size);
      assert.deepEqual(boxes.shape, [size, 4]);
      assert.deepEqual([...boxes.dataSync()], views.flatMap((view) => boxOf(view, size)));
    }
  }));

Deno.test("a box times the grid, truncated, is the pixel's cell", () => {
  fc.assert(
    fc.property(fc.constantFrom([224, 14], [64, 8], [96, 6], [160, 10]), fc.nat(), ([size, grid], any) => {
      const left = any % size;
      const [x0, , x1] = boxOf(viewOf({ top: 0, left, height: size, width: size - left }), size);
      assert.equal(Math.trunc(Math.fround(grid * x0)), Math.floor(left * grid / size));
      assert.equal(x1, 1);
    }),
  );
});
