import fc from "npm:fast-check@4.10.2";
import assert from "node:assert/strict";
import { cachedReader, memo } from "../../../src/data/io/reader/cache.ts";

Deno.test("memo: remembers up to a weight, forgets what is not used first, loads once at a time", async () => {
  const loads: number[] = [];
  const square = memo<number, number>(30, (key) => {
    loads.push(key);
    return key < 0 ? Promise.reject(new Error("negative")) : Promise.resolve(key * key);
  }, () => 10);
  assert.deepEqual(await Promise.all([square(3), square(3), square(1), square(2)]), [9, 9, 1, 4]);
  assert.deepEqual([loads, square.weight], [[3, 1, 2], 30]);
  // 3 was used again by now, so 1 goes.
  await square(4);
  assert.equal(square.weight, 30);
  await Promise.all([square(2), square(3), square(4)]);
  assert.deepEqual(loads, [3, 1, 2, 4]);
  await square(1);
  assert.deepEqual(loads, [3, 1, 2, 4, 1]);
  // All were used: some go all the same.
  await Promise.all([1, 2, 3, 4, 5].map(square));
  assert.equal(square.weight, 30);
  await assert.rejects(square(-1), /negative/);
  await assert.rejects(square(-1), /negative/);
  assert.equal(loads.filter((key) => key < 0).length, 2, "a failure is not remembered");
  square.clear();
  assert.equal(square.weight, 0);
});

Deno.test("cachedReader: any reads give the file's bytes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 100 }),
      fc.array(fc.tuple(fc.nat(299), fc.nat(200)), { maxLength: 20 }),
      async (file, blockSize, maxBytes, places) => {
        const bytes = new Uint8Array(file);
        const reader = cachedReader({
          uri: "file",
          length: bytes.length,
          read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
          close: () => Promise.resolve(),
        }, { blockSize, maxBytes });
        for (const [from, size] of places) {
          const offset = Math.min(from, bytes.length), length = Math.min(size, bytes.length - offset);
          assert.deepEqual(await reader.read(offset, length), bytes.slice(offset, offset + length));
        }
        await assert.rejects(reader.read(bytes.length, 1), RangeError);
        await reader.close();
      },
    ),
    { numRuns: 100 },
  ));
