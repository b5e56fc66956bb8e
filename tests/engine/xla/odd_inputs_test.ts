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
      (a, b, c) => tf.concat([a, b, c, tf.cast(tf.stack([b, c], 1), "float32").flatten()]),
      [1.5, 2, 1, 2, 1],
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

Deno.test("tensors whose fractions would be lost are not joined", async () => {
  await onXla(() => {
    assert.throws(() => tf.concat([int([1]), tf.tensor1d([2.5])]), /int32 and float32 cannot be joined/);
  });
});
