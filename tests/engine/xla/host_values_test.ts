/** Values that come from elsewhere: from other backends, and from arrays of the program's own. */
import assert from "node:assert/strict";
import * as tf from "../../../src/engine/xla/tf.ts";
import { int, onXla } from "./on_xla.ts";

Deno.test("tensors of TensorFlow.js's cpu backend go on on xla", async () => {
  await tf.setBackend("cpu");
  const picture = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const made = [
    tf.maxPoolWithArgmax(picture, 2, 1, "valid").indexes, // Its array is of another dtype there,
    tf.concat([tf.zeros([0, 3]), tf.zeros([0, 3])]), // and this one's no typed array.
    tf.cast(int([5, 6]), "float32"),
  ];
  await onXla(() => {
    const got = made.map((x) => [...tf.add(x, tf.onesLike(x)).dataSync()]);
    assert.deepEqual(got, [[4], [], [6, 7]]);
  });
});

Deno.test("clones of another backend's tensors, and variables that they are assigned to, outlive them", async () => {
  await tf.setBackend("cpu");
  const made = tf.tensor1d([1, 2]), given = tf.tensor1d([3, 4]), variable = tf.variable(tf.zeros([2]));
  await onXla(() => {
    const shared = [made.clone(), tf.reshape(made, [2, 1]), variable];
    variable.assign(given);
    tf.dispose([made, given]);
    assert.deepEqual(shared.map((x) => [...x.dataSync()]), [[1, 2], [1, 2], [3, 4]]);
    tf.dispose(shared);
    assert.throws(() => tf.square(tf.reshape(shared[0], [2, 1])), /has been disposed of/);
  });
});

Deno.test("any number but 0 stands for true", async () => {
  await onXla((xla) => {
    const f = ({ x }: { x: tf.Tensor }) =>
      tf.concat([
        tf.where(x, tf.ones([3]), tf.zeros([3])),
        tf.cast(tf.logicalNot(x), "float32"),
        tf.cast(x, "float32"),
      ]);
    const want = [...[1, 1, 0], ...[0, 0, 1], ...[1, 1, 0]];
    const mask = () => tf.tensor(new Uint8Array([2, 255, 0]), [3], "bool");
    assert.deepEqual([...f({ x: mask() }).dataSync()], want);
    const traced = xla.jit(f);
    assert.deepEqual([...traced({ x: mask() }).dataSync()], want);
    assert.deepEqual([...tf.where(tf.fill([2], 2, "bool" as "int32"), 1, 0).dataSync()], [1, 1]);
    traced.dispose();
  });
});

Deno.test("a value that leaves a compiled function by another way than its result is told", async () => {
  await onXla((xla) => {
    let kept: tf.Tensor | undefined;
    const f = xla.jit(({ x }: { x: tf.Tensor }) => {
      kept = tf.keep(tf.add(x, 1));
      return tf.mul(x, 2);
    });
    f({ x: tf.scalar(1) });
    assert.throws(() => kept!.dataSync(), /used outside of it.*let the function return it/);
    assert.throws(() => tf.add(kept!, 1), /used outside of it.*let the function return it/);
    f.dispose();
  });
});
