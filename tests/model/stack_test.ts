import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openWasm } from "../../src/engine/wasm.ts";
import * as tf from "../../src/engine/tensors.ts";
import { stackViews, viewOf } from "../../src/model/stack.ts";

await openWasm();

Deno.test("each part of a stack holds both views of its own pictures, and a view comes out in the pictures' order", () => {
  const sizes = fc.record({
    parts: fc.integer({ min: 1, max: 4 }),
    each: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(fc.property(sizes, ({ parts, each, width }) => {
    tf.tidy(() => {
      const count = parts * each, name = (view: number, picture: number) => 100 * view + picture;
      const numbers = [0, 1].flatMap((view) =>
        Array.from({ length: count }, (_, picture) => Array(width).fill(name(view, picture)))
      );
      const views = tf.reshape(tf.tensor2d(numbers), [2, count, width]), stack = stackViews(views, parts);
      assert.deepEqual(stack.shape, [2 * count, width]);
      const rows = stack.arraySync() as number[][];
      for (let part = 0; part < parts; part++) {
        const own = rows.slice(2 * each * part, 2 * each * (part + 1)).map(([number]) => number);
        const pictures = Array.from({ length: each }, (_, i) => each * part + i);
        assert.deepEqual(own, [0, 1].flatMap((view) => pictures.map((picture) => name(view, picture))));
      }
      for (const view of [0, 1] as const) {
        assert.deepEqual(
          viewOf(stack, view, parts).arraySync(),
          numbers.slice(view * count, (view + 1) * count),
        );
      }
    });
  }));
});
