import assert from "node:assert/strict";
import * as tf from "../../../src/engine/xla/tf.ts";
import { int, onXla } from "./on_xla.ts";

const ramp = (shape: number[]) =>
  tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 1.7)), shape);

/** Functions of one tensor whose kernels are not plain arithmetic. */
const FUNCTIONS: Record<string, [number[], (x: tf.Tensor) => tf.Tensor]> = {
  "conv2d, strides and dilation": [
    [2, 7, 6, 3],
    (x) => tf.conv2d(x as tf.Tensor4D, ramp([3, 2, 3, 4]) as tf.Tensor4D, 1, "same", "NHWC", 2),
  ],
  "conv2d gradients": [[1, 6, 5, 2], (x) => {
    const f = (a: tf.Tensor, w: tf.Tensor) =>
      tf.sum(tf.square(tf.conv2d(a as tf.Tensor4D, w as tf.Tensor4D, [2, 1], "same")));
    const [dx, dw] = tf.grads(f)([x, ramp([3, 3, 2, 2])]);
    return tf.concat([tf.reshape(dx, [-1]), tf.reshape(dw, [-1])]);
  }],
  "depthwise gradients": [[1, 5, 5, 2], (x) => {
    const f = (a: tf.Tensor, w: tf.Tensor) =>
      tf.sum(tf.square(tf.depthwiseConv2d(a as tf.Tensor4D, w as tf.Tensor4D, 1, "valid")));
    const [dx, dw] = tf.grads(f)([x, ramp([3, 2, 2, 3])]);
    return tf.concat([tf.reshape(dx, [-1]), tf.reshape(dw, [-1])]);
  }],
  "conv3d": [
    [1, 4, 4, 4, 2],
    (x) => tf.conv3d(x as tf.Tensor5D, ramp([2, 2, 2, 2, 3]) as tf.Tensor5D, 2, "same"),
  ],
  "max pool gradient": [
    [1, 6, 6, 2],
    tf.grad((x) => tf.sum(tf.square(tf.maxPool(x as tf.Tensor4D, 3, 2, "same")))),
  ],
  "topk and gather": [[3, 7], (x) => tf.gather(tf.topk(x, 3).values, int([2, 0]), 1)],
  "cumulative product": [[2, 5], (x) => tf.cumprod(x, 1, true, true)],
  "einsum": [[2, 3, 4], (x) => tf.einsum("bqd,bkd->bqk", x, x)],
  "bilinear resize": [[1, 4, 5, 2], (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 3], false, true)],
  "crop and resize": [
    [2, 5, 5, 2],
    (x) => tf.image.cropAndResize(x as tf.Tensor4D, [[0.1, 0, 0.9, 1.2]], [1], [4, 3], "bilinear", 7),
  ],
  "transform of two pictures": [
    [1, 4, 4, 1],
    (x) =>
      tf.image.transform(x as tf.Tensor4D, [[1, 0.2, 0.3, -0.1, 1, 0.4, 0.01, 0]], "bilinear", "reflect"),
  ],
  "scatter and segment sum": [
    [4, 2],
    (x) =>
      tf.add(
        tf.scatterND(int([[1], [1], [0], [2]]), x, [3, 2]),
        tf.unsortedSegmentSum(x, int([0, 2, 2, 1]) as tf.Tensor1D, 3),
      ),
  ],
  "dilation": [
    [1, 5, 5, 2],
    (x) => tf.dilation2d(x as tf.Tensor4D, ramp([2, 2, 2]) as tf.Tensor3D, 1, "same"),
  ],
  "response normalisation": [[1, 2, 2, 6], (x) => tf.localResponseNormalization(x as tf.Tensor4D, 2)],
};

Deno.test("traced kernels give what tfjs's cpu backend gives", async (t) => {
  await onXla(async (xla) => {
    for (const [name, [shape, f]] of Object.entries(FUNCTIONS)) {
      await t.step(name, async () => {
        await tf.setBackend("cpu");
        const want = tf.tidy(() => f(ramp(shape)).dataSync());
        await tf.setBackend("xla");
        const traced = xla.jit(({ x }: { x: tf.Tensor }) => f(x));
        const result = traced({ x: ramp(shape) }), got = result.dataSync();
        traced.dispose();
        assert.equal(got.length, want.length);
        got.forEach((value, i) =>
          assert.ok(Math.abs(value - want[i]) < 1e-4, `${i}: ${value}, not ${want[i]}`)
        );
      });
    }
  });
});

Deno.test("memory stays flat over eager steps, and disposing frees the device", async () => {
  await onXla((xla) => {
    const w = tf.variable(ramp([8, 8]));
    const step = () =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() =>
          tf.sum(
            tf.softmax(tf.relu(tf.matMul(tf.ones([4, 8]), w as unknown as tf.Tensor2D))).slice([1, 2], [
              2,
              3,
            ]),
          )
        );
        w.assign(tf.sub(w, tf.mul(0.1, Object.values(grads)[0])));
        return tf.topk(w, 2).values.dataSync()[0];
      });
    for (let i = 0; i < 3; i++) step();
    const tensors = tf.memory().numTensors, counts = xla.client.counts();
    for (let i = 0; i < 100; i++) step();
    assert.equal(tf.memory().numTensors, tensors);
    assert.deepEqual(xla.client.counts(), counts);
    w.dispose();
    assert.equal(tf.memory().numTensors, tensors - 1);
    assert.ok(xla.client.counts().buffers < counts.buffers);
  });
});

Deno.test("a kernel that must know values says so when it is traced, and where", async () => {
  await onXla((xla) => {
    const traced = xla.jit(({ x }: { x: tf.Tensor }) => tf.unique(x as tf.Tensor1D).values);
    assert.throws(() => traced({ x: tf.tensor1d([1, 2, 1]) }), /Unique cannot be traced.*kernels_test\.ts/s);
    for (const draw of [() => tf.randomUniform([2]), () => tf.scalar(Math.random())]) {
      assert.throws(
        () => xla.jit(draw)({}),
        /(randomUniform|Math\.random) draws at random, which cannot be traced \(.*kernels_test\.ts/s,
      );
    }
    assert.ok(Math.random() < 1, "drawing works again afterwards");
    assert.deepEqual([...tf.unique(tf.tensor1d([1, 2, 1])).values.dataSync()], [1, 2]);
  });
});

Deno.test("attributes that JSON cannot tell apart give different programs", async () => {
  await onXla(() => {
    const fills = [NaN, Infinity, -Infinity, 0].map((value) => tf.fill([2], value).dataSync()[1]);
    assert.deepEqual(fills, [NaN, Infinity, -Infinity, 0]);
    const padded = [Infinity, -Infinity].map((value) =>
      tf.pad(tf.tensor1d([1]), [[0, 1]], value).dataSync()[1]
    );
    assert.deepEqual(padded, [Infinity, -Infinity]);
  });
});

Deno.test("slices of one size share a program wherever they begin; known results need none", async () => {
  await onXla((xla) => {
    const x = ramp([10, 4]), before = xla.client.counts().executables;
    const wanted = x.dataSync();
    for (let i = 0; i < 9; i++) {
      assert.deepEqual([...tf.slice(x, [i, 1], [2, 3]).dataSync()].slice(0, 3), [
        ...wanted.slice(4 * i + 1, 4 * i + 4),
      ]);
    }
    assert.equal(xla.client.counts().executables, before + 1);
    tf.onesLike(x);
    tf.fill([3], 2);
    tf.range(0, 5);
    assert.equal(xla.client.counts().executables, before + 1);
  });
});

Deno.test("not-a-number goes through comparisons as in tfjs", async () => {
  await onXla((xla) => {
    const x = tf.tensor1d([1, NaN, 3]);
    assert.deepEqual([...tf.maximum(x, 2).dataSync()], [2, NaN, 3]);
    assert.ok(Number.isNaN(tf.max(x).dataSync()[0]));
    assert.deepEqual([...tf.clipByValue(x, 0, 2).dataSync()], [1, NaN, 2]);
    assert.deepEqual([...tf.sign(x).dataSync()], [1, 0, 1]);
    assert.equal(tf.argMax(x).dataSync()[0], 2);
    const large = tf.tensor2d(Float32Array.from({ length: 4096 }, (_, i) => i === 70 ? NaN : i), [64, 64]);
    const traced = xla.jit(({ x }: { x: tf.Tensor }) => tf.stack([tf.max(x), tf.min(tf.neg(x))]));
    assert.deepEqual([...traced({ x: large }).dataSync()], [NaN, NaN]);
    assert.deepEqual([...tf.max(large, 1).dataSync()].slice(0, 3), [63, NaN, 191]);
    traced.dispose();
    assert.deepEqual([...tf.relu(x).dataSync()], [1, NaN, 3]);
  });
});

Deno.test("wrong indices are told where the values are at hand", async () => {
  await onXla(() => {
    assert.throws(() => tf.gather(ramp([3]), int([3])), /index value 3 is not in \[0, 2\]/);
    assert.throws(
      () => tf.gatherND(ramp([3, 2]), int([[0, 2]])),
      /GatherNd: 2 is not an index inside of \[3,2\]/,
    );
    assert.throws(() => tf.scatterND(int([[4]]), tf.tensor1d([1]), [3]), /ScatterNd: 4/);
  });
});
