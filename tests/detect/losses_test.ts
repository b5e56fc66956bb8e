import assert from "node:assert/strict";
import { convolve, double, groupNorm, halve } from "../../src/detect/convolution.ts";
import { detectionLosses, focalLoss, generalisedIou } from "../../src/detect/losses.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { randomStream } from "../../src/random.ts";

const drawn = (shape: number[], place: number, spread = 1) => {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  randomStream(5, "test", place).normals(values, spread);
  return tf.tensor(values, shape);
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const near = (is: number, wanted: number, within: number, what = "") =>
  assert.ok(Math.abs(is - wanted) <= within, `${what} ${is}, not ${wanted}`);

/** Compares a gradient with differences of the values, along some directions of each input. */
async function checkGradients(
  fn: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  within = 2e-2,
): Promise<void> {
  const weights = drawn(fn(...inputs).shape, 99);
  const value = (...all: tf.Tensor[]) => tf.sum(tf.mul(fn(...all), weights)) as tf.Scalar;
  const grads = tf.grads(value)(inputs);
  for (const [i, input] of inputs.entries()) {
    const direction = drawn(input.shape, 100 + i), step = 1e-2;
    const at = (t: number) =>
      value(...inputs.map((x, j) => j === i ? tf.add(x, tf.mul(direction, t)) : x)).dataSync()[0];
    const slope = (at(step) - at(-step)) / (2 * step);
    const told = tf.sum(tf.mul(grads[i], direction)).dataSync()[0];
    near(told, slope, within * (1 + Math.abs(slope)), `input ${i}:`);
  }
  await Promise.resolve();
}

Deno.test("focal loss by its formula; finite where scores are large", async () => {
  await openWasm();
  const x = [-40, -3, -0.2, 0, 0.7, 5, 40], t = [0, 1, 0, 1, 1, 0, 0];
  const values = await focalLoss(tf.tensor(x), tf.tensor(t)).data();
  x.forEach((score, i) => {
    const p = sigmoid(t[i] ? score : -score), a = t[i] ? 0.25 : 0.75;
    // −ln p without rounding, where p is nearly 0.
    const log = p < 1e-10 ? -Math.abs(score) : Math.log(p);
    near(values[i], -a * (1 - p) ** 2 * log, 1e-5 * (1 + Math.abs(score)));
  });
  // Lin et al.: a location that is wrong by 0.9 costs 0.75 · 0.81 · 2.3026.
  near((await focalLoss(tf.scalar(Math.log(9)), tf.scalar(0)).data())[0], 0.75 * 0.81 * Math.log(10), 1e-5);
});

Deno.test("generalised IoU: equal 1; a half .5; apart by the hull; never NaN", async () => {
  await openWasm();
  // Sides from the location: the same box; its left half; boxes [−1, 1]² and, apart, [1, 2]² (from the location beyond its sides).
  const a = [[1, 2, 3, 4], [2, 1, 2, 1], [1, 1, 1, 1], [0, 0, 0, 0]];
  const b = [[1, 2, 3, 4], [2, 1, 0, 1], [-1, -1, 2, 2], [1, 1, 1, 1]];
  const values = await generalisedIou(tf.tensor(a.flat(), [1, 4, 4]), tf.tensor(b.flat(), [1, 4, 4])).data();
  // Apart: common 0, union 5, hull 9.
  [1, 0.5, 0 - (9 - 5) / 9, 0].forEach((wanted, i) => near(values[i], wanted, 1e-5, `${i}:`));
});

Deno.test("losses of a batch are those of a plain loop, and without any object all are finite", async () => {
  await openWasm();
  const B = 2, L = 5, K = 3, positive = [0, 1, 1, 0, 0, 0, 0, 0, 1, 0];
  const answers = {
    classes: drawn([B, L, K], 1, 2),
    distances: tf.exp(drawn([B, L, 4], 2)),
    centreness: drawn([B, L], 3, 2),
  };
  const kinds = positive.flatMap((is, i) => [0, 1, 2].map((k) => is && i % K === k ? 1 : 0));
  const share = positive.map((is, i) => is * (0.3 + 0.05 * i));
  const targets = {
    positive: tf.tensor(positive, [B, L]),
    classes: tf.tensor(kinds, [B, L, K]),
    distances: tf.exp(drawn([B, L, 4], 4)),
    centreness: tf.tensor(share, [B, L]),
  };
  const losses = detectionLosses(answers, targets);
  const [x, d, c, to] = await Promise.all([
    answers.classes.data(),
    answers.distances.data(),
    answers.centreness.data(),
    targets.distances.data(),
  ]);
  let focal = 0, apart = 0, unsure = 0;
  for (let i = 0; i < B * L; i++) {
    for (let k = i * K; k < (i + 1) * K; k++) {
      const p = sigmoid(kinds[k] ? x[k] : -x[k]);
      focal -= (kinds[k] ? 0.25 : 0.75) * (1 - p) ** 2 * Math.log(p);
    }
    if (!positive[i]) continue;
    const [a, b] = [d.subarray(4 * i, 4 * i + 4), to.subarray(4 * i, 4 * i + 4)];
    const area = (l: number, t: number, r: number, b: number) => (l + r) * (t + b);
    const of = (pick: (a: number, b: number) => number) =>
      area(...[0, 1, 2, 3].map((j) => pick(a[j], b[j])) as [number, number, number, number]);
    const common = of(Math.min), hull = of(Math.max), union = of((a) => a) + of((_, b) => b) - common;
    apart += share[i] * (1 - common / union + (hull - union) / hull);
    unsure -= share[i] * Math.log(sigmoid(c[i])) + (1 - share[i]) * Math.log(sigmoid(-c[i]));
  }
  near(losses.classes.dataSync()[0], focal / 3, 1e-4);
  near(losses.boxes.dataSync()[0], apart / share.reduce((a, b) => a + b), 1e-4);
  near(losses.centreness.dataSync()[0], unsure / 3, 1e-4);
  const zero = Object.fromEntries(
    Object.entries(targets).map(([name, t]) => [name, name === "distances" ? t : tf.zerosLike(t)]),
  ) as typeof targets;
  for (const loss of Object.values(detectionLosses(answers, zero))) {
    assert.ok(Number.isFinite(loss.dataSync()[0]));
  }
  tf.dispose([answers, targets, zero]);
});

Deno.test("convolutions and norms are those of tfjs or of their formula, and so are their gradients", async () => {
  await openWasm();
  const x = drawn([2, 4, 6, 8], 10), weight = drawn([5, 8, 3, 3], 11), bias = drawn([5], 12);
  const ours = convolve(x, { "a.weight": weight, "a.bias": bias }, "a");
  const theirs = tf.add(
    tf.conv2d(x as tf.Tensor4D, tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D, 1, "same"),
    bias,
  );
  near(tf.max(tf.abs(tf.sub(ours, theirs))).dataSync()[0], 0, 1e-4);
  // The corner, counted by hand: what the kernel reaches of the first cells.
  const [xs, ws] = [x.dataSync(), weight.dataSync()];
  let corner = bias.dataSync()[0];
  for (const [r, c] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
    for (let k = 0; k < 8; k++) corner += xs[(r * 6 + c) * 8 + k] * ws[k * 9 + (r + 1) * 3 + c + 1];
  }
  near(ours.dataSync()[0], corner, 1e-4);
  await checkGradients((x, w, b) => convolve(x, { "a.weight": w, "a.bias": b }, "a"), [x, weight, bias]);

  const up = drawn([8, 3, 2, 2], 13), shift = drawn([3], 14);
  const doubled = double(x, { "u.weight": up, "u.bias": shift }, "u");
  assert.deepEqual(doubled.shape, [2, 8, 12, 3]);
  // Row 3, column 4 of the first picture: the kernel's (1, 0) on cell (1, 2).
  let cell = shift.dataSync()[2];
  for (let k = 0; k < 8; k++) cell += xs[(1 * 6 + 2) * 8 + k] * up.dataSync()[k * 12 + 2 * 4 + 2];
  near(doubled.dataSync()[(3 * 12 + 4) * 3 + 2], cell, 1e-4);
  await checkGradients((x, w, b) => double(x, { "u.weight": w, "u.bias": b }, "u"), [x, up, shift]);

  const pooled = tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");
  near(tf.max(tf.abs(tf.sub(halve(x), pooled))).dataSync()[0], 0, 0);
  // Far enough apart that no other value becomes the largest.
  await checkGradients(halve, [tf.mul(x, 50)]);

  const scale = drawn([8], 15), offset = drawn([8], 16);
  const normed = groupNorm(x, { "n.weight": scale, "n.bias": offset }, "n", 2);
  const { mean, variance } = tf.moments(tf.reshape(x, [2, 24, 2, 4]), [1, 3], true);
  const unit = tf.reshape(
    tf.div(tf.sub(tf.reshape(x, [2, 24, 2, 4]), mean), tf.sqrt(tf.add(variance, 1e-5))),
    x.shape,
  );
  near(tf.max(tf.abs(tf.sub(normed, tf.add(tf.mul(unit, scale), offset)))).dataSync()[0], 0, 1e-4);
  await checkGradients((x, w, b) => groupNorm(x, { "n.weight": w, "n.bias": b }, "n", 2), [x, scale, offset]);
});

Deno.test("the losses' gradients are those of their differences", async () => {
  await openWasm();
  const targets = {
    positive: tf.tensor([1, 0, 1, 1], [1, 4]),
    classes: tf.tensor([1, 0, 0, 0, 0, 1, 1, 0], [1, 4, 2]),
    distances: tf.exp(drawn([1, 4, 4], 20)),
    centreness: tf.tensor([0.4, 0, 0.9, 0.6], [1, 4]),
  };
  await checkGradients((classes, distances, centreness) => {
    const { classes: a, boxes, centreness: c } = detectionLosses(
      { classes, distances: tf.exp(distances), centreness },
      targets,
    );
    return tf.stack([a, boxes, c]);
  }, [drawn([1, 4, 2], 21), drawn([1, 4, 4], 22), drawn([1, 4], 23)]);
});
