import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { drawErased, erasePictures, noiseRows, noiseTable } from "../../src/finetune/erase.ts";

const SIZE = 20, COUNT = 3000;
const erased = (chance: number, epoch = 0) =>
  Array.from({ length: COUNT }, (_, index) => drawErased(chance, 1, epoch, index, SIZE));

Deno.test("a quarter of the pictures lose a part of 2 to 33 %, inside the picture, never a whole side", () => {
  const some = erased(0.25).filter(({ height }) => height > 0);
  assert.ok(Math.abs(some.length / COUNT - 0.25) < 0.03);
  for (const { top, left, height, width } of some) {
    const area = height * width / SIZE ** 2;
    // Sides are whole pixels, so the share of the area is not exact.
    assert.ok(area > 0.01 && area < 0.42, String(area));
    assert.ok(top >= 0 && left >= 0 && top + height <= SIZE && left + width <= SIZE);
    assert.ok(height < SIZE && width < SIZE);
  }
  assert.equal(erased(0).filter(({ height }) => height > 0).length, 0);
  assert.deepEqual(erased(0.25, 3)[7], drawErased(0.25, 1, 3, 7, SIZE));
  assert.notDeepEqual(erased(1, 3), erased(1, 4));
});

Deno.test("only the erased part changes, into normal numbers; no two rows of it are alike", async () => {
  await openWasm();
  const one = { top: 2, left: 5, height: 9, width: 12, first: 2000, stride: 1001 };
  const none = { top: 0, left: 0, height: 0, width: 0, first: 0, stride: 1 };
  const images = tf.fill([2, SIZE, SIZE, 3], 7), table = noiseTable(1, SIZE);
  const boxes = tf.tensor([one, none].flatMap((e) => [e.top, e.left, e.height, e.width]), [2, 4]);
  const rows = tf.tensor(noiseRows([one, none], SIZE), [2 * SIZE], "int32");
  const out = erasePictures(images, boxes, rows, table).dataSync(),
    noise: number[] = [],
    seen = new Set<number>();
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const at = (y * SIZE + x) * 3, inside = y >= 2 && y < 11 && x >= 5 && x < 17;
      if (inside) noise.push(...out.slice(at, at + 3));
      else assert.equal(out[at], 7);
      if (inside && x === 5) seen.add(out[at]);
    }
  }
  assert.ok(out.slice(SIZE * SIZE * 3).every((value) => value === 7), "the other picture stays");
  assert.equal(seen.size, 9);
  const mean = noise.reduce((a, b) => a + b, 0) / noise.length;
  const variance = noise.reduce((sum, x) => sum + (x - mean) ** 2, 0) / noise.length;
  assert.ok(Math.abs(mean) < 0.2 && Math.abs(variance - 1) < 0.3, `${mean} ${variance}`);
});
