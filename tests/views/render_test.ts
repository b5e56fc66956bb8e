import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { randomStream } from "../../src/random.ts";
import { boxOf } from "../../src/views/geometry.ts";
import { packView, unpackView } from "../../src/views/pack.ts";
import { denormalise, renderReference, renderViews } from "../../src/views/render.ts";
import { DEFAULT_VIEWS, sampleView } from "../../src/views/sample.ts";
import { type View, VIEW_FIELDS } from "../../src/views/types.ts";
import { assertClose, golden, onWasm } from "./golden.ts";

/** View 1 and view 2 of every picture as the batch [2, B, VIEW_FIELDS]. */
function batch(pairs: [View, View][]): tf.Tensor3D {
  const out = new Float32Array(2 * pairs.length * VIEW_FIELDS);
  for (const v of [0, 1]) {
    pairs.forEach((pair, b) => packView(pair[v], out, (v * pairs.length + b) * VIEW_FIELDS));
  }
  return tf.tensor3d(out, [2, pairs.length, VIEW_FIELDS]);
}

function picture(size: number, pixel: (x: number, y: number) => [number, number, number]): number[] {
  return Array.from({ length: size * size }, (_, i) => pixel(i % size, Math.floor(i / size))).flat();
}

function noise(size: number, seed: number): number[] {
  const random = randomStream(seed, "test");
  return picture(size, () => [random.integer(0, 255), random.integer(0, 255), random.integer(0, 255)]);
}

function stack(pictures: number[][], size: number): tf.Tensor4D {
  return tf.tensor4d(pictures.flat(), [pictures.length, size, size, 3], "int32");
}

const edges = (size: number) =>
  fc.tuple(fc.integer({ min: 1, max: size }), fc.nat(1_000_000)).map(([length, any]) => ({
    length,
    start: any % (size - length + 1),
  }));

const plainView = (size: number): fc.Arbitrary<View> =>
  fc.record({ x: edges(size), y: edges(size), flip: fc.boolean() }).map(({ x, y, flip }) => ({
    crop: { top: y.start, left: x.start, height: y.length, width: x.length },
    flip,
    colour: null,
    grey: false,
    blur: 0,
    solarise: false,
  }));

/** Checks that a rendered coordinate picture shows what its box says. */
function checkCoordinates(view: View, shown: ArrayLike<number>, size: number, step: number): void {
  const [x0, y0, x1, y1] = boxOf(view, size);
  assert.equal(x0 > x1, view.flip);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = 3 * (row * size + column);
      // Where the box says that this pixel's centre lies, in pixels of the base.
      const x = size * x0 + (column + 0.5) * (x1 - x0) - 0.5;
      const y = size * y0 + (row + 0.5) * (y1 - y0) - 0.5;
      // Within two pixels of the crop's border the filter's taps are cut off, which moves what is seen by a fraction.
      const inside = (centre: number, start: number, length: number) =>
        centre - start >= 1.5 && start + length - 1 - centre >= 1.5;
      const { left, top, width, height } = view.crop;
      const where = `row ${row}, column ${column} of ${JSON.stringify(view)}`;
      const offX = Math.abs(shown[at] - step * x), offY = Math.abs(shown[at + 1] - step * y);
      assert.ok(
        offX <= (inside(x, left, width) ? 0.51 : 0.5 * step + 0.5),
        `x is off by ${offX} at ${where}`,
      );
      assert.ok(
        offY <= (inside(y, top, height) ? 0.51 : 0.5 * step + 0.5),
        `y is off by ${offY} at ${where}`,
      );
      assert.equal(shown[at + 2], 0, `something outside the box is seen at ${where}`);
    }
  }
}

Deno.test("the box of a rendered view names exactly the pixels that it shows", () =>
  onWasm(() => {
    for (const size of [8, 13, 24]) {
      const step = Math.floor(255 / size);
      fc.assert(
        fc.property(
          fc.array(fc.tuple(plainView(size), plainView(size)), { minLength: 2, maxLength: 4 }),
          (pairs) =>
            tf.tidy(() => {
              // Blue marks what view v must not show, so each view is looked at with a base of its own.
              for (const v of [0, 1]) {
                const bases = pairs.map((pair) => {
                  const { top, left, width, height } = pair[v].crop;
                  const outside = (x: number, y: number) =>
                    x < left || y < top || x >= left + width || y >= top + height;
                  return picture(size, (x, y) => [step * x, step * y, outside(x, y) ? 255 : 0]);
                });
                const shown = denormalise(renderViews(stack(bases, size), batch(pairs), size)).dataSync();
                const length = size * size * 3;
                pairs.forEach((pair, b) => {
                  const at = (v * pairs.length + b) * length;
                  checkCoordinates(pair[v], shown.subarray(at, at + length), size, step);
                });
              }
            }),
        ),
        { numRuns: 6 },
      );
    }
  }));

Deno.test("a view can be rendered again from its recorded numbers, in any batch", () =>
  onWasm(() => {
    const size = 16, options = { ...DEFAULT_VIEWS, imageSize: size };
    const pairs = [0, 1, 2, 3, 4].map((index): [View, View] => [
      sampleView(options, 3, 0, index, 0),
      sampleView(options, 3, 0, index, 1),
    ]);
    const bases = pairs.map((_, index) => noise(size, index));
    const together = renderViews(stack(bases, size), batch(pairs), size);
    assert.deepEqual(together.shape, [10, size, size, 3]);
    const recorded = new Float32Array(2 * VIEW_FIELDS);
    packView(pairs[3][0], recorded, 0);
    packView(pairs[3][1], recorded, VIEW_FIELDS);
    const again: [View, View] = [unpackView(recorded, 0), unpackView(recorded, VIEW_FIELDS)];
    const alone = renderViews(stack([bases[3]], size), batch([again]), size);
    for (const v of [0, 1]) {
      const [a, b] = [tf.slice(together, 5 * v + 3, 1), tf.slice(alone, v, 1)];
      assert.deepEqual(a.dataSync(), b.dataSync());
    }
    assert.notDeepEqual(tf.slice(alone, 0, 1).dataSync(), tf.slice(alone, 1, 1).dataSync());
  }));

Deno.test("a view's changes come in the order colour, grey, blur, solarise", () =>
  onWasm(() => {
    const size = 12;
    const crop = { top: 0, left: 0, height: size, width: size };
    const plain: View = { crop, flip: false, colour: null, grey: false, blur: 0, solarise: false };
    const show = (base: number[], view: View) =>
      denormalise(renderViews(stack([base], size), batch([[view, plain]]), size)).dataSync().slice(
        0,
        size * size * 3,
      );
    const base = noise(size, 9);
    assert.deepEqual([...show(base, plain)], base);
    const colour = {
      order: [3, 2, 1, 0] as const,
      brightness: 0.7,
      contrast: 1.4,
      saturation: 1.2,
      hue: 0.1,
    };
    let step = [...show(base, { ...plain, colour })];
    step = [...show(step, { ...plain, grey: true })];
    assert.ok(step.every((level, i) => level === step[i - i % 3]), "grey has three equal channels");
    step = [...show(step, { ...plain, blur: 1.5 })];
    step = [...show(step, { ...plain, solarise: true })];
    const once = show(base, { ...plain, colour, grey: true, blur: 1.5, solarise: true });
    assert.deepEqual([...once], step);
  }));

Deno.test("pictures are normalised as the reference does, and back", () =>
  onWasm(() => {
    const small = golden("in.small"), stored = golden("out.normalised");
    const side = 40;
    const square = tf.slice(tf.tensor3d(small.data, [40, 48, 3]), [0, 0, 0], [side, side, 3]);
    const expected = tf.slice(tf.tensor3d(stored.data, [3, 40, 48]), [0, 0, 0], [3, side, side]);
    const reference = renderReference(tf.cast(tf.expandDims(square), "int32"));
    assertClose(reference.dataSync(), tf.transpose(expected, [1, 2, 0]).dataSync(), 1e-6, 2e-6);
    const back = denormalise(reference);
    assert.equal(back.dtype, "int32");
    assert.deepEqual([...back.dataSync()], [...square.dataSync()]);
    assert.deepEqual([...denormalise(tf.tensor4d([99, -99, 0], [1, 1, 1, 3])).dataSync()], [255, 0, 104]);
  }));

Deno.test("shapes that do not fit are named", () =>
  onWasm(() => {
    const base = tf.zeros([3, 8, 8, 3], "int32"), views = tf.zeros([2, 3, VIEW_FIELDS]);
    assert.deepEqual(renderViews(base, views, 16).shape, [6, 16, 16, 3]);
    assert.throws(
      () => renderViews(base, tf.zeros([2, 4, VIEW_FIELDS]), 8),
      /must be \[2, 3, 16\], not \[2,4,16\]/,
    );
    assert.throws(() => renderReference(tf.zeros([3, 8, 9, 3])), /\[B, S, S, 3\]/);
  }));
