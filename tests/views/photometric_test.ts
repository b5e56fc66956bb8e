import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { packView } from "../../src/views/pack.ts";
import * as photometric from "../../src/views/photometric.ts";
import { type ColourJitter, type View, VIEW_FIELDS } from "../../src/views/types.ts";
import { asLines, asPictures, assertClose, factors, golden, goldenNames, onWasm } from "./golden.ts";

const small = golden("in.small");
const [H, W] = small.shape;

/** Compares one operation at all its stored factors, in one batch, with PIL's pictures. */
function compare(
  name: string,
  run: (x: tf.Tensor4D, values: number[]) => tf.Tensor4D,
  mean: number,
  p99: number,
): void {
  const names = goldenNames(`out.${name}.`);
  assert.ok(names.length >= 3);
  const values = names.map((full) => Number(full.slice(`out.${name}.`.length)));
  const pictures = asPictures(run(asLines(small.data, small.shape, names.length), values));
  names.forEach((full, i) => assertClose(pictures[i], golden(full).data, mean, p99));
}

const operations = [
  ["brightness", photometric.brightness, 0.01, 0],
  ["contrast", photometric.contrast, 0.01, 0],
  ["saturation", photometric.saturation, 0.01, 1],
  ["hue", photometric.hue, 0.1, 1],
] as const;

for (const [name, operation, mean, p99] of operations) {
  Deno.test(`${name} is PIL's`, () =>
    onWasm(() => compare(name, (x, values) => operation(x, factors(values)), mean, p99)));
}

Deno.test("blur is PIL's at every stored radius", () =>
  onWasm(() => compare("blur", (x, values) => photometric.blur(x, tf.tensor1d(values)), 1, 3)));

Deno.test("grey and solarisation are PIL's, and leave other samples alone", () =>
  onWasm(() => {
    const x = asLines(small.data, small.shape, 2);
    const grey = asPictures(photometric.greyscale(x, factors([1, 0])));
    assert.deepEqual([...grey[0]], [...golden("out.gray").data].flatMap((level) => [level, level, level]));
    assert.deepEqual(grey[1], small.data);
    const solarised = asPictures(photometric.solarise(x, factors([0, 1])));
    assert.deepEqual(solarised[0], small.data);
    assert.deepEqual(solarised[1], golden("out.solarize128").data);
  }));

function viewsOf(jitters: (ColourJitter | null)[]): tf.Tensor2D {
  const packed = new Float32Array(jitters.length * VIEW_FIELDS);
  jitters.forEach((colour, i) => {
    const crop = { top: 0, left: 0, height: H, width: W };
    const view: View = { crop, flip: false, colour, grey: false, blur: 0, solarise: false };
    packView(view, packed, i * VIEW_FIELDS);
  });
  return tf.tensor2d(packed, [jitters.length, VIEW_FIELDS]);
}

Deno.test("the four colour changes happen in each sample's own order, all 24 of them", () =>
  onWasm(() => {
    const orders: [number, number, number, number][] = [];
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        for (let c = 0; c < 4; c++) {
          if (new Set([a, b, c]).size === 3) orders.push([a, b, c, 6 - a - b - c]);
        }
      }
    }
    assert.equal(orders.length, 24);
    // A strip of the picture is enough; strong factors make every order differ.
    const height = 8, strip = small.data.slice(0, height * W * 3);
    const changes = { brightness: 1.375, contrast: 0.625, saturation: 1.75, hue: 0.2 };
    const views = viewsOf(orders.map((order) => ({ order, ...changes })));
    const together = asPictures(photometric.colour(asLines(strip, [height, W], 24), views));
    const steps = [
      (x: tf.Tensor4D) => photometric.brightness(x, factors([changes.brightness])),
      (x: tf.Tensor4D) => photometric.contrast(x, factors([changes.contrast])),
      (x: tf.Tensor4D) => photometric.saturation(x, factors([changes.saturation])),
      (x: tf.Tensor4D) => photometric.hue(x, factors([changes.hue])),
    ];
    const alone = orders.map((order) =>
      asPictures(order.reduce((x, change) => steps[change](x), asLines(strip, [height, W], 1)))[0]
    );
    orders.forEach((order, i) => assert.deepEqual(together[i], alone[i], `order ${order}`));
    assert.ok(new Set(alone.map(String)).size > 12, "orders must matter");
  }));

Deno.test("a view without colour changes keeps every level", () =>
  onWasm(() => {
    const views = viewsOf([null, {
      order: [3, 1, 0, 2],
      brightness: 1,
      contrast: 1,
      saturation: 1,
      hue: 0.1,
    }]);
    const [kept, changed] = asPictures(photometric.colour(asLines(small.data, small.shape, 2), views));
    assert.deepEqual(kept, small.data);
    assert.notDeepEqual(changed, small.data);
  }));

Deno.test("a blur matrix keeps a constant line, and radius 0 is the identity", () =>
  onWasm(() => {
    const radii = [0, 0.1, 0.9, 1, 2, 7.3, 40];
    const matrices = photometric.blurMatrix(tf.tensor1d(radii), 9);
    assert.deepEqual([...tf.slice(matrices, [0, 0, 0], [1, 9, 9]).dataSync()], [...tf.eye(9).dataSync()]);
    for (const sum of tf.sum(matrices, 2).dataSync()) assert.ok(Math.abs(sum - 1) < 1e-5, `${sum}`);
    assert.ok(tf.min(matrices).dataSync()[0] >= 0);
  }));
