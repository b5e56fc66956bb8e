import assert from "node:assert/strict";
import { registerGradients } from "../../../src/engine/xla/gradients/mod.ts";
import { PLUGIN } from "./plugin.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import { registerForTests } from "../../../src/conformance/backend.ts";
import { type Case, OURS } from "./gradients_cases.ts";

/** Numbers from −1.3 to 1.3 that keep away from 0. */
function draws(seed: number) {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  return (n: number) =>
    Float32Array.from({ length: n }, () => {
      const u = next() * 2 - 1;
      return u + Math.sign(u) * 0.3;
    });
}

/** The largest difference between a gradient and central differences, relative to 1 + its size. */
function worstDifference({ shapes, f }: Case): number {
  const draw = draws(7), step = 5e-3;
  const values = shapes.map((shape) => draw(tf.util.sizeFromShape(shape)));
  const inputs = () => values.map((v, i) => tf.tensor(Float32Array.from(v), shapes[i]));
  const out = f(...inputs());
  const weights = draw(out.size), w = tf.tensor(weights, out.shape);
  const gradients = tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(f(...x), w)))(inputs());
  const weighted = () => {
    const y = tf.tidy(() => f(...inputs()).dataSync());
    return weights.reduce((sum, weight, i) => sum + weight * y[i], 0);
  };
  let worst = 0;
  for (const [i, v] of values.entries()) {
    assert.deepEqual(gradients[i].shape, shapes[i]);
    const gradient = gradients[i].dataSync();
    for (let k = 0; k < v.length; k++) {
      const middle = v[k];
      v[k] = middle + step;
      const above = weighted();
      v[k] = middle - step;
      const slope = (above - weighted()) / (2 * step);
      v[k] = middle;
      worst = Math.max(worst, Math.abs(slope - gradient[k]) / (1 + Math.abs(slope)));
    }
  }
  return worst;
}

async function check(backend: string, t: Deno.TestContext) {
  for (const each of OURS.filter(({ backends }) => backends.includes(backend))) {
    await t.step(each.name, () => {
      const worst = tf.tidy(() => tf.scalar(worstDifference(each))).dataSync()[0];
      assert.ok(worst < 5e-3, `gradient and differences are ${worst} apart`);
    });
  }
}

Deno.test("gradients agree with differences on tfjs's cpu backend", async (t) => {
  registerGradients();
  await tf.setBackend("cpu");
  await check("cpu", t);
});

Deno.test("gradients agree with differences on xla", async (t) => {
  const client = await registerForTests(PLUGIN);
  try {
    await check("xla", t);
  } finally {
    tf.removeBackend("xla");
    client.close();
  }
});

Deno.test("a weight that all batches share gets its gradient by one product of two matrices", async () => {
  registerGradients();
  await tf.setBackend("cpu");
  const shapes: number[][] = [];
  const profile = await tf.profile(() =>
    tf.grad((w: tf.Tensor) => tf.sum(tf.matMul(tf.ones([5, 3, 4]), w)))(tf.ones([4, 2]))
  );
  for (const kernel of profile.kernels) {
    if (kernel.name === "BatchMatMul") shapes.push(kernel.outputShapes[0] as number[]);
  }
  assert.deepEqual(shapes, [[5, 3, 2], [4, 2]]);
});
