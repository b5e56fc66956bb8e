import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { attention, attentionWeights } from "../../src/model/attention.ts";
import { batchNorm } from "../../src/model/batch_norm.ts";
import { valueAndGradients } from "../../src/model/gradients.ts";
import { gelu, layerNorm, logSumExp } from "../../src/model/layers.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "./fixtures.ts";

await testEngine();

/** Normal numbers, the same in every run. */
function normals(shape: number[], place: number, scale = 1): tf.Tensor {
  const stream = randomStream(5, "init", place);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({ length: size }, () => scale * stream.normal()), shape);
}

/** Checks the gradient of Σ weights ∘ fn(inputs), number by number, against central differences. */
function checkGradient(fn: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], limit = 3e-3): void {
  tf.tidy(() => {
    const weights = normals(fn(...inputs).shape, 77);
    const value = (...xs: tf.Tensor[]) => tf.sum(tf.mul(fn(...xs), weights)) as tf.Scalar;
    const grads = tf.grads(value)(inputs);
    inputs.forEach((input, which) => {
      assert.deepEqual(grads[which].shape, input.shape);
      const ours = grads[which].dataSync(), base = input.dataSync();
      const step = 1e-2, scale = Math.max(...ours.map(Math.abs), 1);
      for (let i = 0; i < base.length; i++) {
        const at = (by: number) =>
          tf.tidy(() => {
            const moved = Float32Array.from(base);
            moved[i] += by;
            const xs = inputs.map((x, j) => (j === which ? tf.tensor(moved, input.shape) : x));
            // Differences of sums in double, so that rounding of a large sum does not hide a small change.
            const products = [...fn(...xs).dataSync()], w = weights.dataSync();
            return products.reduce((sum, x, k) => sum + x * w[k], 0);
          });
        const expected = (at(step) - at(-step)) / (2 * step);
        assert.ok(
          Math.abs(ours[i] - expected) < limit * scale,
          `input ${which}, number ${i}: ${ours[i]}, differences give ${expected}`,
        );
      }
    });
  });
}

Deno.test("gradients: gelu", () => checkGradient(gelu, [normals([3, 5], 1, 2)]));

Deno.test("gradients: logSumExp", () => checkGradient(logSumExp, [normals([3, 5], 2, 2)]));

Deno.test("gradients: layer norm", () => {
  const norm = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
    layerNorm(x, { "n.weight": weight, "n.bias": bias }, "n");
  checkGradient(norm, [normals([4, 6], 3), normals([6], 4), normals([6], 5)]);
});

Deno.test("gradients: batch norm in training, with and without weights", () => {
  const buffers = { "n.running_mean": tf.zeros([3]), "n.running_var": tf.ones([3]) };
  const training = { training: true };
  checkGradient((x) => batchNorm(x, {}, buffers, "n", training).y, [normals([7, 3], 6)]);
  checkGradient(
    (x, weight, bias) => batchNorm(x, { "n.weight": weight, "n.bias": bias }, buffers, "n", training).y,
    [normals([7, 3], 7), normals([3], 8), normals([3], 9)],
  );
});

Deno.test("gradients: batch norm in evaluation", () => {
  const buffers = { "n.running_mean": normals([3], 10), "n.running_var": tf.tensor1d([0.5, 1, 2]) };
  checkGradient((x) => batchNorm(x, {}, buffers, "n", { training: false }).y, [normals([4, 3], 11)]);
});

Deno.test("gradients: attention", () => {
  checkGradient((qkv) => attention(qkv, { count: 2, tokens: 3, heads: 2 }), [normals([6, 12], 12)]);
});

Deno.test("attention: rows of weights sum to 1, and large scores do not overflow", () => {
  tf.tidy(() => {
    const shape = { count: 2, tokens: 5, heads: 3 };
    const qkv = normals([10, 36], 13, 100);
    const sums = tf.sum(attentionWeights(qkv, shape), -1).dataSync();
    for (const sum of sums) assert.ok(Math.abs(sum - 1) < 1e-5);
    const out = attention(qkv, shape).dataSync();
    assert.ok(out.every(Number.isFinite));
  });
});

Deno.test("gradients: outputs beside the loss are returned, and nothing leaks", () => {
  const x = tf.tensor1d([1, 2, 3]);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const { outputs, grads } = valueAndGradients(({ x }) => {
      const square = tf.square(x);
      return { loss: tf.sum(square) as tf.Scalar, parts: { square, x } };
    }, { x });
    assert.deepEqual([...outputs.parts.square.dataSync()], [1, 4, 9]);
    assert.deepEqual([...outputs.parts.x.dataSync()], [1, 2, 3]);
    assert.deepEqual([...grads.x.dataSync()], [2, 4, 6]);
  });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([...x.dataSync()], [1, 2, 3]);
  x.dispose();
});
