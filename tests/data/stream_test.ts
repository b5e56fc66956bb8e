import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { take } from "../../src/data/iter.ts";
import { basePicture } from "../../src/data/picture/resize.ts";
import { streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Batch, type Source } from "../../src/data/types.ts";
import { unpackView } from "../../src/views/pack.ts";
import { DEFAULT_VIEWS, sampleView } from "../../src/views/sample.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { png } from "./pictures.ts";

const SIZE = 16;
const FILES = await Promise.all(Array.from({ length: 8 }, (_, tone) => png(tone, 18 + tone, 14)));

/** A source in memory; `bad` records are no pictures, `delay` makes the order of arrival random. */
function memorySource(length: number, options: { bad?: number[]; delay?: boolean } = {}) {
  const state = { reads: 0, running: 0 };
  const source: Source = {
    uri: "memory",
    length,
    labels: [],
    async get(index) {
      state.reads++;
      state.running++;
      if (options.delay) await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      state.running--;
      const bad = options.bad?.includes(index);
      if (bad && index % 2) throw new BadRecordError("memory", `key${index}`, "wrong checksum");
      return { key: `key${index}`, bytes: bad ? new Uint8Array([1, 2, 3]) : FILES[index % FILES.length] };
    },
    key: (index) => Promise.resolve(`key${index}`),
    close: () => Promise.resolve(),
  };
  return { source, state };
}

const views = { ...DEFAULT_VIEWS, imageSize: SIZE };
const OPTIONS: StreamOptions = { imageSize: SIZE, batchSize: 4, seed: 3, views };

async function first(source: Source, count: number, options: Partial<StreamOptions> = {}): Promise<Batch[]> {
  return await Array.fromAsync(take(streamBatches(source, { ...OPTIONS, ...options }), count));
}

function hash({ epoch, indices, keys, base, views, next, bad }: Batch): string {
  const bytes = new Uint8Array(views.buffer);
  return createHash("sha256").update(JSON.stringify({ epoch, indices, keys, next, bad })).update(base).update(
    bytes,
  )
    .digest("hex");
}

Deno.test("a batch holds each picture's base and its two sampled views", async () => {
  const { source } = memorySource(10);
  const [batch, second, third] = await first(source, 3);
  assert.deepEqual([batch.epoch, second.epoch, third.epoch], [0, 0, 1]);
  assert.deepEqual([batch.next, second.next], [{ epoch: 0, position: 4 }, { epoch: 1, position: 0 }]);
  assert.equal(new Set([...batch.indices, ...second.indices]).size, 8, "a picture came twice in an epoch");
  assert.equal(batch.base.length, 4 * SIZE * SIZE * 3);
  assert.equal(third.views.length, 2 * 4 * VIEW_FIELDS);
  for (let i = 0; i < 4; i++) {
    const index = third.indices[i];
    assert.equal(third.keys[i], `key${index}`);
    const expected = basePicture(await decodePicture(FILES[index % FILES.length]), SIZE);
    assert.deepEqual(third.base.subarray(i * SIZE * SIZE * 3, (i + 1) * SIZE * SIZE * 3), expected);
    for (const viewNumber of [0, 1] as const) {
      assert.deepEqual(
        unpackView(third.views, (viewNumber * 4 + i) * VIEW_FIELDS),
        sampleView(views, 3, 1, index, viewNumber),
      );
    }
  }
});

Deno.test("each epoch shows each picture at most once, in an order of its own", async () => {
  const { source } = memorySource(13);
  const batches = await first(source, 9);
  const epochs = [0, 1, 2].map((epoch) => batches.filter((b) => b.epoch === epoch).flatMap((b) => b.indices));
  for (const indices of epochs) assert.deepEqual([indices.length, new Set(indices).size], [12, 12]);
  assert.notDeepEqual(epochs[0], epochs[1]);
  const other = await first(source, 3, { seed: 4 });
  assert.notDeepEqual(other.flatMap((b) => b.indices), epochs[0]);
});

Deno.test("batches are the same for any concurrency and timing, bad records among them or not", async () => {
  for (const bad of [[], [2, 7, 130]]) {
    const { source } = memorySource(300, { delay: true, bad });
    const runs = await Promise.all(
      [[1, 1], [8, 2], [3, 5]].map(([concurrency, prefetch]) => first(source, 80, { concurrency, prefetch })),
    );
    const hashes = runs.map((batches) => batches.map(hash));
    assert.deepEqual(hashes[1], hashes[0]);
    assert.deepEqual(hashes[2], hashes[0]);
    assert.equal(new Set(hashes[0]).size, 80);
  }
});

Deno.test("going on from any batch's cursor gives the same rest", async () => {
  for (const bad of [[], [5, 6]]) {
    const { source } = memorySource(230, { bad });
    const whole = await first(source, 12, { batchSize: 50 });
    const hashes = whole.map(hash);
    for (let from = 0; from < 8; from++) {
      const rest = await first(source, 3, { batchSize: 50, from: whole[from].next, bad: whole[from].bad });
      assert.deepEqual(rest.map(hash), hashes.slice(from + 1, from + 4), `from batch ${from}`);
    }
  }
});

Deno.test("resuming reads nothing of what was consumed", async () => {
  const { source, state } = memorySource(100);
  await first(source, 1, { from: { epoch: 7, position: 92 }, concurrency: 1, prefetch: 1 });
  assert.ok(state.reads <= 4 + 2 * 4 + 1, `${state.reads} records read for one batch of 4`);
});

Deno.test("a set that fits in the cache is decoded once, and the batches are the same", async () => {
  const bytes = 20 * SIZE * SIZE * 3;
  const [kept, fresh] = [memorySource(20, { bad: [3] }), memorySource(20, { bad: [3] })];
  const hashes = async (source: Source, cacheBytes: number) =>
    (await first(source, 16, { cacheBytes, prefetch: 1 })).map(hash);
  assert.deepEqual(await hashes(kept.source, bytes), await hashes(fresh.source, bytes - 1));
  assert.ok(
    kept.state.reads <= 19 + 5,
    `${kept.state.reads} reads: each good picture once, the bad one each epoch`,
  );
  assert.ok(fresh.state.reads >= 64);
});

Deno.test("bad records are skipped, counted and named once an epoch, their places filled", async () => {
  const bad = [10, 11, 50];
  const { source } = memorySource(301, { bad });
  const named: string[] = [];
  const batches = await first(source, 75, {
    onBadRecord: ({ source, key, reason }) => named.push(`${source} ${key} ${reason.slice(0, 14)}`),
    prefetch: 1,
  });
  const epoch0 = batches.filter((batch) => batch.epoch === 0);
  assert.equal(epoch0.length, 74, "298 good pictures make 74 batches of 4");
  assert.equal(epoch0.at(-1)!.bad, 3);
  assert.ok(epoch0.every((batch) => batch.indices.every((index) => !bad.includes(index))));
  assert.deepEqual(named.slice(0, 3).sort(), [
    "memory key10 no JPEG, PNG, ",
    "memory key11 wrong checksum",
    "memory key50 no JPEG, PNG, ",
  ]);
});

Deno.test("one bad record in a small set is skipped, over 1 % fails with a count and an example", async () => {
  assert.equal((await first(memorySource(20, { bad: [3] }).source, 10)).at(-1)!.bad, 2);
  await assert.rejects(
    first(memorySource(20, { bad: [3, 5] }).source, 10),
    /memory: 2 of the first \d+ pictures of epoch 0 are bad, more than 1 % of 20; the last is key[35]: /,
  );
  const third = Array.from({ length: 1000 }, (_, i) => 3 * i);
  const { source, state } = memorySource(3000, { bad: third });
  await assert.rejects(first(source, 700), /of the first 1\d\d pictures of epoch 0 are bad/);
  assert.ok(state.reads < 200, "a bad set fails early");
  const half = memorySource(1000, { bad: [1, 2, 3, 4, 5] });
  assert.equal((await first(half.source, 248)).at(-1)!.bad, 5);
});

Deno.test("--on-bad fail stops at the first bad record, after the batches before it", async () => {
  const { source } = memorySource(40, { bad: [17] });
  const clean = await first(memorySource(40).source, 10);
  const at = clean.findIndex((batch) => batch.indices.includes(17));
  const got: Batch[] = [];
  await assert.rejects(async () => {
    for await (const batch of streamBatches(source, { ...OPTIONS, onBad: "fail" })) got.push(batch);
  }, (error) => error instanceof BadRecordError && error.key === "key17");
  assert.deepEqual(got.map(hash), clean.slice(0, at).map(hash));
});

Deno.test("an error that is no record's fault ends the stream as it is", async () => {
  const { source } = memorySource(40);
  const broken: Source = { ...source, get: () => Promise.reject(new Error("the disk is gone")) };
  await assert.rejects(first(broken, 1), /^Error: the disk is gone/);
});

Deno.test("a set whose good pictures do not fill a batch fails instead of spinning", async () => {
  const { source } = memorySource(4, { bad: [1] });
  await assert.rejects(first(source, 1), /too few good pictures for one batch of 4/);
});

Deno.test("impossible options are refused before any work", () => {
  const { source, state } = memorySource(10);
  const refuse = (options: Partial<StreamOptions>, reason: RegExp) =>
    assert.throws(() => streamBatches(source, { ...OPTIONS, ...options }), reason);
  refuse({ batchSize: 11 }, /a batch of 11 is larger than the data set of 10 pictures; take .* at most 10/);
  refuse({ batchSize: 0 }, /batch size must be/);
  refuse({ seed: -1 }, /seed must be/);
  refuse({ concurrency: -1 }, /concurrency must be/);
  refuse({ prefetch: 0.5 }, /prefetch must be/);
  refuse({ from: { epoch: 0, position: 11 } }, /cursor's position/);
  refuse({ imageSize: 32 }, /views are drawn for 16 pixels, base pictures have 32/);
  assert.equal(state.reads, 0);
});

Deno.test("a consumer that stops early leaves nothing running", async () => {
  const { source, state } = memorySource(100, { delay: true });
  for await (const _ of streamBatches(source, { ...OPTIONS, concurrency: 8, prefetch: 3 })) break;
  const { reads } = state;
  assert.equal(state.running, 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(state.reads, reads);
});
