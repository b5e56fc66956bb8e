import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  streamRecords,
  type StreamRecordsOptions,
  type StreamSource,
} from "../../../src/data/epoch/shuffle.ts";
import { BadRecordError, type ImageRecord } from "../../../src/data/types.ts";

/** Shards in memory that count what is open. */
function memorySource(
  sizes: readonly number[],
  length = 10,
): StreamSource & { open: StreamSource["open"]; running: number } {
  const source = {
    uri: "memory",
    labels: [],
    shards: sizes.map((_, i) => String(i)),
    running: 0,
    async *open(shard: string): AsyncGenerator<ImageRecord, void, void> {
      source.running++;
      try {
        for (let i = 0; i < sizes[Number(shard)]; i++) {
          await Promise.resolve();
          yield { key: `${shard}/${i}`, bytes: new Uint8Array(length) };
        }
      } finally {
        source.running--;
      }
    },
    close: () => Promise.resolve(),
  };
  return source;
}

async function keys(
  sizes: readonly number[],
  options: Partial<StreamRecordsOptions>,
  length?: number,
): Promise<string[]> {
  const source = memorySource(sizes, length);
  const records = await Array.fromAsync(streamRecords(source, { seed: 1, epoch: 0, ...options }));
  assert.equal(source.running, 0);
  return records.map(({ record }) => record.key);
}

const SIZES = [13, 7, 0, 20, 5];

Deno.test("streamRecords: every record once, the same order each time, another for another seed or epoch", async () => {
  const order = await keys(SIZES, { shuffleBuffer: 8 });
  assert.equal(new Set(order).size, 45);
  assert.deepEqual(await keys(SIZES, { shuffleBuffer: 8 }), order);
  assert.notDeepEqual(await keys(SIZES, { shuffleBuffer: 8, epoch: 1 }), order);
  assert.notDeepEqual(await keys(SIZES, { shuffleBuffer: 8, seed: 2 }), order);
  const plain = await keys(SIZES, { shuffleBuffer: 1, keepOrder: true });
  assert.deepEqual(plain, SIZES.flatMap((n, shard) => Array.from({ length: n }, (_, i) => `${shard}/${i}`)));
});

Deno.test("streamRecords: the buffer is bounded in bytes too", async () => {
  // 10 bytes a record, 40 bytes at most: never further back than four records.
  const order = await keys([200], { shuffleBuffer: 1000, shuffleBytes: 40 }, 10);
  assert.equal(new Set(order).size, 200);
  order.forEach((key, place) => assert.ok(Number(key.slice(2)) <= place + 4, `${key} at ${place}`));
  assert.notDeepEqual(order, await keys([200], { shuffleBuffer: 1, keepOrder: true }));
  assert.equal((await keys([50], { shuffleBytes: 1 }, 10)).length, 50);
});

Deno.test("streamRecords: processes share out the common order; skip goes on where a run stopped", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat({ max: 20 }),
      async (sizes, count, shuffleBuffer, skip) => {
        const whole = await keys(sizes, { shuffleBuffer });
        const parts: string[][] = [];
        for (let index = 0; index < count; index++) {
          const mine = await keys(sizes, { shuffleBuffer, process: { index, count } });
          assert.deepEqual(
            await keys(sizes, { shuffleBuffer, process: { index, count }, skip }),
            mine.slice(skip),
          );
          parts.push(mine);
        }
        const each = Math.floor(whole.length / count);
        assert.ok(parts.every((part) => part.length === each));
        const dealt = Array.from({ length: each * count }, (_, i) => parts[i % count][Math.floor(i / count)]);
        assert.deepEqual(dealt, whole.slice(0, each * count));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("streamRecords: places name records uniquely over all processes", async () => {
  const places: number[] = [];
  for (let index = 0; index < 3; index++) {
    for await (
      const { place } of streamRecords(memorySource(SIZES), {
        seed: 0,
        epoch: 0,
        process: { index, count: 3 },
      })
    ) {
      places.push(place);
    }
  }
  assert.deepEqual(places.sort((a, b) => a - b), Array.from({ length: 45 }, (_, i) => i));
});

Deno.test("streamRecords: stopping early closes the shard; errors come through", async () => {
  const source = memorySource([100]);
  for await (const _ of streamRecords(source, { seed: 0, epoch: 0, shuffleBuffer: 5 })) break;
  assert.equal(source.running, 0);
  const broken: StreamSource = {
    ...memorySource([1]),
    // deno-lint-ignore require-yield
    async *open() {
      await Promise.resolve();
      throw new BadRecordError("memory", "k", "broken");
    },
  };
  await assert.rejects(Array.fromAsync(streamRecords(broken, { seed: 0, epoch: 0 })), {
    name: "BadRecordError",
  });
  assert.throws(
    () => streamRecords(source, { seed: 0, epoch: 0, shuffleBuffer: 0 }),
    /shuffleBuffer must be/,
  );
  assert.throws(
    () => streamRecords(source, { seed: 0, epoch: 0, process: { index: 2, count: 2 } }),
    /process 2 of 2/,
  );
});
