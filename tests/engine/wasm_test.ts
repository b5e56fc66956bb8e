import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";

await openWasm();

/** Numbers, and what is none. */
const element = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0), fc.integer({ min: -9, max: 9 }));
const elements = (count: number) => fc.array(element, { minLength: count, maxLength: count });

/** Asserts that a computation gives these numbers and leaves nothing. */
function gives(compute: () => tf.Tensor, expected: number[]): void {
  const before = tf.memory();
  const result = compute(), values = [...result.dataSync()];
  result.dispose();
  assert.deepEqual(values.map((x) => x + 0), expected.map((x) => x + 0));
  assert.deepEqual(tf.memory(), before);
}

Deno.test("wasm: the larger and the smaller of two hand on what is no number, in any place and shape", () => {
  // A row and a column, of one element too.
  const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
  const operands = sizes.chain(([m, n]) => fc.tuple(elements(m), elements(n), fc.boolean()));
  fc.assert(fc.property(operands, ([column, row, whole]) => {
    const shape: [number, number] = [column.length, row.length];
    const pairs = column.flatMap((a) => row.map((b) => [a, b] as const));
    const a = tf.tensor2d(column, [column.length, 1]);
    const b = whole ? tf.tensor2d(pairs.map(([, b]) => b), shape) : tf.tensor1d(row);
    gives(() => tf.maximum(a, b), pairs.map(([a, b]) => Math.max(a, b)));
    gives(() => tf.minimum(b, a), pairs.map(([a, b]) => Math.min(a, b)));
    tf.dispose([a, b]);
  }));
});

Deno.test("wasm: clipping hands on what is no number; whole numbers are clipped as before", () => {
  fc.assert(fc.property(elements(9), (values) => {
    const x = tf.tensor1d(values);
    gives(() => tf.clipByValue(x, -3, 2), values.map((x) => Math.min(Math.max(x, -3), 2)));
    gives(() => tf.relu6(x), values.map((x) => Math.min(Math.max(x, 0), 6)));
    x.dispose();
  }));
  const whole = tf.tensor1d([-9, 0, 9], "int32"), other = tf.tensor1d([1, 1, 1], "int32");
  gives(() => tf.clipByValue(whole, -3, 2), [-3, 0, 2]);
  gives(() => tf.maximum(whole, other), [1, 1, 9]);
  tf.dispose([whole, other]);
});
