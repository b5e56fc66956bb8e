import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { layerNorm } from "../../src/model/layers.ts";
import { mixLocally } from "../../src/model/local_mixing.ts";
import { stem, stemLayers } from "../../src/model/stem.ts";
import { openEngine } from "../../src/engine/open.ts";

// The wasm engine lacks the derivatives of convolutions, which are the truth here.
await openEngine("xla");

const CONFIG: ModelConfig = {
  ...PRESETS.demo,
  imageSize: 16,
  patchSize: 4,
  width: 8,
  heads: 2,
  depth: 2,
  stem: "convolutions",
  localMixing: true,
};

/** Equal within a share of the largest number. */
function assertClose(ours: tf.Tensor, theirs: tf.Tensor): void {
  assert.deepEqual(ours.shape, theirs.shape);
  const a = ours.dataSync<"float32">(), b = theirs.dataSync<"float32">();
  const most = b.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
  assert.ok(most > 0);
  a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) <= 1e-5 * most, `number ${i}: ${x} instead of ${b[i]}`));
}

const waves = (shape: number[], salt: number) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(salt + 1.3 * i)),
    shape,
  );

/** PyTorch's kernel as TensorFlow's: [to, from, h, w] → [h, w, from, to]. */
const kernel = (weight: tf.Tensor) => tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;

Deno.test("the stem is a stack of strided convolutions, and so is its gradient", () => {
  tf.tidy(() => {
    const params = { ...initModel(CONFIG, 3).params }, images = waves([2, 16, 16, 3], 1);
    const plain = (images: tf.Tensor, ...weights: tf.Tensor[]) => {
      let x = images as tf.Tensor4D;
      stemLayers(CONFIG).forEach(({ name, to }, i) => {
        const y = tf.conv2d(x, kernel(weights[i]), 2, [[0, 0], [1, 1], [1, 1], [0, 0]]);
        const rows = layerNorm(tf.reshape(y, [-1, to]), params, `${name}.norm`);
        const bell = tf.mul(tf.mul(rows, 0.5), tf.add(tf.erf(tf.mul(rows, Math.SQRT1_2)), 1));
        x = tf.reshape(bell, y.shape) as tf.Tensor4D;
      });
      return tf.reshape(x, [-1, CONFIG.width]);
    };
    const names = stemLayers(CONFIG).map(({ name }) => `${name}.weight`);
    const ours = (images: tf.Tensor, ...weights: tf.Tensor[]) =>
      stem(CONFIG, { ...params, ...Object.fromEntries(names.map((name, i) => [name, weights[i]])) }, images);
    const weights = names.map((name) => params[name]);
    const expected = plain(images, ...weights), dy = waves(expected.shape, 5);
    assert.deepEqual(expected.shape, [2 * 16, 8]);
    assertClose(ours(images, ...weights), expected);
    const of = (f: typeof ours) =>
      tf.grads((...all) => tf.sum(tf.mul(f(all[0], ...all.slice(1)), dy)))([images, ...weights]);
    const [a, b] = [of(ours), of(plain)];
    a.forEach((gradient, i) => assertClose(gradient, b[i]));
  });
});

Deno.test("local mixing adds a depthwise convolution to the cells alone, and so is its gradient", () => {
  tf.tidy(() => {
    const [count, rows, columns, width] = [2, 3, 5, 4], cells = rows * columns;
    const x = waves([count * (1 + cells), width], 2),
      weight = waves([width, 1, 3, 3], 3),
      bias = waves([width], 4);
    const ours = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
      mixLocally(x, { "m.weight": weight, "m.bias": bias }, "m", [count, rows, columns]);
    const plain = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => {
      const tokens = tf.reshape(x, [count, 1 + cells, width]);
      const grid = tf.reshape(tf.slice(tokens, [0, 1, 0], [-1, -1, -1]), [count, rows, columns, width]);
      const filter = tf.transpose(weight, [2, 3, 0, 1]) as tf.Tensor4D;
      const mixed = tf.add(tf.depthwiseConv2d(grid as tf.Tensor4D, filter, 1, "same"), bias);
      const added = tf.pad(tf.reshape(mixed, [count, cells, width]), [[0, 0], [1, 0], [0, 0]]);
      return tf.add(x, tf.reshape(added, x.shape));
    };
    const given = [x, weight, bias] as const, dy = waves(x.shape, 7);
    assertClose(ours(...given), plain(...given));
    const of = (f: typeof ours) => tf.grads((a, b, c) => tf.sum(tf.mul(f(a, b, c), dy)))([...given]);
    const [a, b] = [of(ours), of(plain)];
    a.forEach((gradient, i) => assertClose(gradient, b[i]));
  });
});
