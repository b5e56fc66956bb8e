import assert from "node:assert/strict";
import { matMulFloat32 } from "../../../src/engine/tensors.ts";
import { openXla, tf } from "../../../src/engine/xla/mod.ts";
import { PLUGIN } from "./plugin.ts";

/** Numbers of a fixed pattern, small enough for sums to stay exact in bfloat16's operands. */
const pattern = (shape: number[], seed: number) =>
  tf.tensor(
    Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      (_, i) => (Math.imul(i + seed, 2654435761) >>> 29) - 3,
    ),
    shape,
  );

Deno.test("products whose first operand is contracted over its first axis are turned in memory, and right", async () => {
  const xla = await openXla(PLUGIN);
  try {
    for (
      const [a, b, transposeB] of [
        [[300, 200], [300, 120], false],
        [[300, 120], [300, 400], false],
        [[160, 900], [160, 110], false],
        [[200, 150], [130, 200], true],
        [[2, 3, 70, 90], [2, 3, 70, 80], false],
        [[4, 5], [4, 6], false],
      ] as [number[], number[], boolean][]
    ) {
      const x = pattern(a, 1), y = pattern(b, 7);
      const product = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => tf.matMul(x, y, true, transposeB);
      const jitted = xla.jit(product);
      const large = x.size > 1 << 14 && y.size > 1 << 13;
      assert.equal(
        jitted.lower({ x, y }).text.includes("LayoutConstraint"),
        large && y.size >= 1 << 14,
        `${a} ${b}`,
      );
      const expected = tf.matMul(x, y, true, transposeB);
      assert.deepEqual(jitted({ x, y }).dataSync(), expected.dataSync(), `${a} · ${b}`);
      jitted.dispose();
    }
  } finally {
    xla.close();
  }
});

Deno.test("bfloat16 rounds operands of products, but not of those that stay in float32", async () => {
  const xla = await openXla(PLUGIN);
  try {
    const x = tf.tensor2d([1 + 2 ** -12, 3, 5, 7], [2, 2]), y = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const args = { x, y };
    const rounded = xla.jit(({ x, y }: typeof args) => tf.matMul(x, y), { precision: "bfloat16" })(args);
    assert.deepEqual([...rounded.dataSync()], [1, 3, 5, 7]);
    const loss = (product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) => ({ x, y }: typeof args) =>
      tf.grads((x, y) => tf.sum(tf.square(product(x, y))))([x, y]);
    for (const transposeB of [false, true]) {
      const exact = xla.jit(loss((a, b) => matMulFloat32(a, b, transposeB)), { precision: "bfloat16" })(args);
      const plain = xla.jit(loss((a, b) => tf.matMul(a, b, false, transposeB)))(args);
      exact.forEach((g, i) => assert.deepEqual(g.dataSync(), plain[i].dataSync()));
    }
  } finally {
    xla.close();
  }
});
