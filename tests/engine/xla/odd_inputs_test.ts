/** Inputs that kernels seldom meet, on XLA. */
import assert from "node:assert/strict";
import * as tf from "../../../src/engine/xla/tf.ts";
import { int, onXla } from "./on_xla.ts";

const bool = (values: tf.TensorLike) => tf.tensor(values, undefined, "bool");

/** Inputs that kernels seldom meet: what is computed of them, and what is right. */
const ODD: Record<string, [inputs: () => tf.Tensor[], f: (...x: tf.Tensor[]) => tf.Tensor, want: number[]]> =
  {
    "whole numbers clipped on one side": [
      () => [int([-3, 0, 7])],
      (x) => tf.concat([tf.clipByValue(x, 0, Infinity), tf.clipByValue(x, -Infinity, 0)]),
      [0, 0, 7, -3, 0, 0],
    ],
    "bounds beyond float32": [
      () => [tf.tensor1d([-1, 5])],
      (x) => tf.concat([tf.clipByValue(x, 0, Number.MAX_VALUE), tf.pad(x, [[1, 0]], -Number.MAX_VALUE)]),
      [0, 5, -Infinity, -1, 5],
    ],
    "no numbers": [
      () => [tf.zeros([0, 3]), tf.tensor1d([], "int32")],
      (x, places) =>
        tf.concat([tf.gather(x, places), tf.gather(x, places, 1).reshape([0, 3]), tf.ones([1, 3])]),
      [1, 1, 1],
    ],
    "tensors of several types joined": [
      () => [tf.tensor1d([1.5]), int([2]), bool([1])],
      (a, b, c) => tf.concat([a, b, c]),
      [1.5, 2, 1],
    ],
    "whole numbers where a condition holds, others elsewhere": [
      () => [bool([1, 0]), int([1, 2]), tf.tensor1d([3.5, 4.5])],
      (c, a, b) => tf.concat([tf.where(c, a, b), tf.where(c, b, a)]),
      [1, 4.5, 3.5, 2],
    ],
    "angles and units of whole numbers": [
      () => [int([1, -1, 0]), int([1, 1, 2])],
      (a, b) => tf.stack([tf.atan2(a, b), tf.softplus(a), tf.selu(a)]),
      [Math.PI / 4, -Math.PI / 4, 0, 1.3132616, 0.3132616, 0.6931472, 1.0507010, -1.1113307, 0],
    ],
    "arithmetic of truth values": [
      () => [bool([1, 0, 1]), bool([1, 1, 1])],
      (a, b) =>
        tf.stack([tf.floorDiv(a, b), tf.mod(a, b), tf.pow(b, a), tf.squaredDifference(a, b), tf.neg(a)]),
      [1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, -1, 0, -1],
    ],
    "whole numbers divided by zero": [
      () => [int([5, -5, 0, 7]), int([0, 0, 0, -2])],
      (a, b) => tf.concat([tf.floorDiv(a, b), tf.mod(a, b), tf.floorDiv(a, int([0])), tf.mod(a, int([-2]))]),
      [0, 0, 0, -4, 0, 0, 0, -1, 0, 0, 0, 0, -1, -1, 0, -1],
    ],
    "crops whose last row is the picture's, and none beyond": [
      () => [tf.tensor([2, 4, 6, 8], [1, 4, 1, 1])],
      (x) => {
        const boxes = tf.tensor2d([[0, 0, 1, 0], [1, 0, 0, 0], [0.5, 0, 0, 0], [0, 0, 1.5, 0]]);
        const crops = tf.image.cropAndResize(
          x as tf.Tensor4D,
          boxes,
          tf.zeros([4], "int32"),
          [22, 1],
          "bilinear",
          -1,
        );
        return tf.stridedSlice(tf.reshape(crops, [4, 22]), [0, 0], [4, 22], [1, 21]);
      },
      [2, 8, 8, 2, 5, 2, 2, -1],
    ],
    "truth values summed by segment, and the largest": [
      () => [bool([1, 1, 0, 1]), tf.tensor1d([0, 0, 1, 1], "int32")],
      (x, ids) => tf.concat([tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 2), tf.topk(x, 3).indices]),
      [2, 1, 0, 1, 3],
    ],
    "products, sums of products and bounds of truth values": [
      () => [bool([[1, 1, 0], [0, 1, 1]]), bool([[1, 0], [1, 1], [1, 1]])],
      (a, b) => {
        const bounds = tf.concat([tf.cast(tf.relu6(a), "int32"), tf.clipByValue(a, 0, 1)]).reshape([-1]);
        return tf.concat([tf.matMul(a, b), tf.einsum("ij,jk->ik", a, b)]).reshape([-1]).concat(bounds);
      },
      [2, 1, 2, 2, 2, 1, 2, 2, ...[1, 1, 0, 0, 1, 1], ...[1, 1, 0, 0, 1, 1]],
    ],
    "not-a-number among the larger and the lesser": [
      () => [tf.tensor2d([[Infinity], [1], [NaN]]), tf.tensor1d([NaN, 2])],
      (a, b) => tf.cast(tf.isNaN(tf.concat([tf.maximum(a, b), tf.minimum(a, b), tf.maximum(b, a)])), "int32"),
      [...[1, 0, 1, 0, 1, 1], ...[1, 0, 1, 0, 1, 1], ...[1, 0, 1, 0, 1, 1]],
    ],
    "products of infinity, not-a-number and truth values": [
      () => [tf.tensor1d([Infinity, NaN, NaN, 2, -3]), bool([0, 0, 1, 1, 0])],
      (x, m) => tf.cast(tf.isNaN(tf.concat([tf.mul(x, tf.cast(m, "float32")), tf.mul(x, m)])), "int32"),
      [...[1, 1, 1, 0, 0], ...[1, 1, 1, 0, 0]],
    ],
    "sums of lists of truth values": [
      () => [bool([1, 0, 1]), bool([1, 0, 0])],
      (a, b) => tf.addN([a, b, a]),
      [3, 0, 2],
    ],
    "whole numbers where the other inputs have fractions": [
      () => [int([[1, 2], [3, 4]]), tf.tensor1d([0.5]), tf.tensor1d([0.25, 0.75])],
      (x, half, b) => {
        const picture = tf.reshape(x, [1, 2, 2, 1]) as tf.Tensor4D, one = tf.reshape(half, [1, 1, 1, 1]);
        const volume = tf.reshape(x, [1, 2, 2, 1, 1]) as tf.Tensor5D;
        return tf.concat(
          [
            tf.conv3d(volume, tf.reshape(half, [1, 1, 1, 1, 1]) as tf.Tensor5D, 1, "same"),
            tf.conv2dTranspose(picture, one as tf.Tensor4D, [1, 2, 2, 1], 1, "same"),
            tf.dilation2d(picture, tf.reshape(half, [1, 1, 1]) as tf.Tensor3D, 1, "same"),
            tf.dilation2d(
              tf.cast(picture, "float32"),
              tf.cast(tf.reshape(half, [1, 1, 1]), "int32") as tf.Tensor3D,
              1,
              "same",
            ),
            tf.einsum("ij,j->i", x, b),
            tf.einsum("j,ij->i", b, x),
            tf.batchNorm(x as tf.Tensor2D, b as tf.Tensor1D, b as tf.Tensor1D, undefined, undefined, 0),
            tf.localResponseNormalization(tf.reshape(x, [1, 2, 2, 1]) as tf.Tensor4D, 1, 0, 0.25, 1),
          ].map((y) => tf.reshape(y, [-1])),
        );
      },
      [
        ...[0.5, 1, 1.5, 2],
        ...[0.5, 1, 1.5, 2],
        ...[1.5, 2.5, 3.5, 4.5],
        ...[1, 2, 3, 4],
        ...[1.75, 3.75],
        ...[1.75, 3.75],
        ...[1.5, 1.4433757, 5.5, 3.7527767],
        ...[4, 2, 4 / 3, 1],
      ],
    ],
    "signs of truth values": [
      () => [bool([1, 0])],
      (a) => tf.concat([tf.abs(a), tf.sign(a)]),
      [1, 0, 1, 0],
    ],
  };

Deno.test("kernels take inputs that they seldom meet, traced and op by op", async (t) => {
  await onXla(async (xla) => {
    for (const [name, [inputs, f, want]] of Object.entries(ODD)) {
      await t.step(name, () => {
        const given = inputs(),
          traced = xla.jit((args: Record<string, tf.Tensor>) => f(...Object.values(args)));
        const constant = xla.jit(() => f(...inputs()));
        for (const got of [f(...given), traced(Object.fromEntries(given.entries())), constant({})]) {
          const values = [...got.dataSync()];
          assert.equal(values.length, want.length);
          values.forEach((value, i) =>
            assert.ok(value === want[i] || Math.abs(value - want[i]) < 1e-5, `${values}, not ${want}`)
          );
        }
        traced.dispose();
        constant.dispose();
      });
    }
  });
});

Deno.test("the largest truth values are truth values", async () => {
  await onXla(() => assert.equal(tf.topk(bool([1, 0, 1]), 2).values.dtype, "bool"));
});

Deno.test("nothing is not reshaped to something", async () => {
  await onXla(() => {
    assert.throws(() => tf.reshape(tf.zeros([0, 3]), [5]), /\[0,3\] cannot be reshaped to \[5\]/);
    assert.throws(() => tf.reshape(tf.zeros([0, 3]), []), /cannot be reshaped to \[\]/);
    assert.deepEqual(tf.reshape(tf.zeros([0, 3]), [2, 0]).shape, [2, 0]);
  });
});

Deno.test("a tensor that is disposed of while it is read is read to its end", async () => {
  await onXla(async () => {
    const x = tf.add(tf.ones([5000]), 1), reading = [x.data(), x.array()];
    x.dispose();
    for (const values of await Promise.all(reading)) assert.equal((values as number[])[4999], 2);
  });
});

/** What does not go together, and how that is told, op by op and traced. */
const WRONG: [f: (x: tf.Tensor) => tf.Tensor, told: RegExp][] = [
  [(x) => tf.matMul(x, x), /inner shapes \(3\) and \(2\) of Tensors with shapes 2,3 and 2,3/],
  [(x) => tf.concat([x, tf.ones([3, 2])]), /\[2,3\] and \[3,2\] cannot be joined along axis 0/],
  [(x) => tf.stack([x, tf.cast(x, "bool")]), /tf\.stack: float32 and bool: cast them to one dtype/],
  [(x) => tf.transpose(x, [0, 0]), /\[2,3\] cannot be transposed to the order \[0,0\]/],
  [(x) => tf.sum(x, 4), /range \[-2, 2\) but got axis 4/],
  [(x) => tf.cumsum(x, 3), /range \[-2, 2\) but got axis 3/],
  [(x) => tf.reverse(x, [1, -1]), /axis 1 is named twice in \[1,-1\]/],
  [(x) => tf.batchNorm(x, tf.ones([2]), tf.ones([2])), /\[2\] does not broadcast to/],
  [
    (x) => tf.conv2d(tf.reshape(x, [1, 2, 3, 1]) as tf.Tensor4D, tf.ones([4, 4, 1, 1]), 1, "valid"),
    /convolution of \[1,2,3,1\] and \[4,4,1,1\] would have the shape \[1,-1,0,1\]/,
  ],
  [
    (x) => tf.maxPool(tf.reshape(x, [1, 2, 3, 1]) as tf.Tensor4D, 4, 1, "valid"),
    /would have the shape \[1,-1,0,1\]/,
  ],
  [(x) => tf.argMax(tf.slice(x, [0, 0], [2, 0]), 1), /neither a largest nor a least/],
];

Deno.test("inputs that do not go together are told in words of tfjs, traced and op by op", async () => {
  await onXla((xla) => {
    const x = tf.ones([2, 3]);
    for (const [f, told] of WRONG) {
      assert.throws(() => f(x), told);
      assert.throws(() => xla.jit(({ x }: { x: tf.Tensor }) => f(x))({ x }), told);
    }
    const negative = () => tf.localResponseNormalization(tf.ones([1, 1, 1, 3]) as tf.Tensor4D, -1);
    assert.throws(negative, /LRN cannot be computed of x float32\[1,1,1,3\]: .*positive/);
  });
});

Deno.test("tensors whose fractions would be lost are not joined", async () => {
  await onXla(() => {
    assert.throws(() => tf.concat([int([1]), tf.tensor1d([2.5])]), /int32 and float32 cannot be joined/);
  });
});
