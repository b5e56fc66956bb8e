/** Kernels that TensorFlow.js measures: `tf.profile`, `tf.time` and debug mode. */
import assert from "node:assert/strict";
import * as tf from "../../../src/engine/xla/tf.ts";
import { onXla } from "./on_xla.ts";

/** Runs work in TensorFlow.js's debug mode, which prints each kernel with its values; gives what it printed. */
async function inDebugMode(work: () => void | Promise<void>): Promise<string[]> {
  const { log, warn } = console, said: string[] = [];
  console.log = (...words: unknown[]) => void said.push(words.join(" "));
  console.warn = () => {};
  try {
    tf.env().set("DEBUG", true);
    await work();
    await new Promise((resolve) => setTimeout(resolve, 50)); // It prints, and fails, later.
  } finally {
    tf.env().set("DEBUG", false);
    Object.assign(console, { log, warn });
  }
  return said;
}

Deno.test("functions are compiled while kernels are measured", async () => {
  await onXla(async (xla) => {
    const x = tf.tensor1d([1, 2]);
    const f = () => xla.jit(({ x }: { x: tf.Tensor }) => tf.add(tf.square(x), 1));
    const seen = await tf.profile(() => f()({ x }));
    assert.deepEqual([...(seen.result as unknown as tf.Tensor).dataSync()], [2, 5]);
    const said = await inDebugMode(() => {
      assert.deepEqual([...f()({ x }).dataSync()], [2, 5]);
      tf.neg(x).dispose();
    });
    assert.match(said.join("\n"), /Neg/); // Kernels that are run go on being printed.
    assert.doesNotMatch(said.join("\n"), /Square/);
  });
});

Deno.test("what a measured kernel throws is thrown where it was called", async () => {
  await onXla(async () => {
    const joined = () => tf.concat([tf.ones([2, 3]), tf.ones([3, 2])]),
      told = /cannot be joined along axis 0/;
    await inDebugMode(() => assert.throws(joined, told));
    await assert.rejects(tf.time(() => void joined()), told);
  });
});
