import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "npm:fast-check@4.10.2";
import { readingAhead } from "../../../src/data/io/read_ahead.ts";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { openFolder } from "../../../src/data/sources/folder.ts";
import { take } from "../../../src/data/iter.ts";
import { openSource } from "../../../src/data/open/open_data.ts";
import { pack } from "../../../src/data/pack.ts";
import { select } from "../../../src/data/sources/select.ts";
import { slots } from "../../../src/data/decode/batch_memory.ts";
import { streamBatches, type StreamOptions } from "../../../src/data/stream.ts";
import type { Batch, Source } from "../../../src/data/types.ts";
import { turboPath } from "../../../src/data/picture/turbo_library.ts";
import { smallStream } from "../helpers.ts";
import { jpeg, png, withFolder, writeFiles } from "../pictures.ts";

const SIZE = 24;
const OPTIONS = smallStream(SIZE, { batchSize: 5, seed: 1 });

async function makePictures(folder: string): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < 30; n++) {
    const name = `class${n % 3}/${n}`;
    files[n % 7 === 0 ? `${name}.png` : `${name}.jpg`] = n % 7 === 0
      ? await png(n)
      : await jpeg(n, 60 + n, 50);
  }
  await writeFiles(folder, files);
}

const plain = (source: Source): Source => ({ ...source, place: undefined });

async function batches(source: Source, options: Partial<StreamOptions> = {}): Promise<Batch[]> {
  return await Array.fromAsync(take(streamBatches(source, { ...OPTIONS, ...options }), 12));
}

Deno.test("threads that read by themselves give the batches that reads by the source give", () =>
  withFolder(async (folder) => {
    await makePictures(`${folder}/pictures`);
    const files = await openFolder(`${folder}/pictures`);
    await pack(files, `${folder}/shards`, { shardSize: 20_000 });
    await pack(files, `${folder}/raw`, { raw: SIZE });
    await pack(files, `${folder}/raw-larger`, { raw: 150 });
    for (
      const source of [
        files,
        ...await Promise.all(["shards", "raw", "raw-larger"].map((name) => openSource(`${folder}/${name}`))),
      ]
    ) {
      assert.deepEqual(
        await batches(source, { workers: 3 }),
        await batches(plain(source), { workers: 1 }),
        source.uri,
      );
      const half = select(source, [3, 4, 5, 20, 21, 22, 23, 24, 25, 9]);
      const one = { workers: 1 };
      assert.deepEqual(await batches(half, one), await batches(plain(half), one), `a part of ${source.uri}`);
      await source.close();
    }
  }));

Deno.test("what a thread cannot read is named as the source names it", () =>
  withFolder(async (folder) => {
    await makePictures(folder);
    const source = await openFolder(folder);
    await Deno.writeFile(`${folder}/class1/1.jpg`, (await jpeg(1)).subarray(0, 300));
    await Deno.writeTextFile(`${folder}/class2/2.jpg`, "no picture");
    await Deno.remove(`${folder}/class0/3.jpg`);
    for (const tried of [source, plain(source)]) {
      const bad: string[] = [];
      const onBadRecord = ({ key, reason }: { key: string; reason: string }) =>
        bad.push(`${key}: ${reason.slice(0, 12)}`);
      await assert.rejects(batches(tried, { onBadRecord }), /pictures of epoch 0 are bad/);
      assert.ok(
        bad.length >= 2 && bad.every((line) => /^class(1\/1|2\/2|0\/3)\.jpg: \S/.test(line)),
        bad.join(),
      );
    }
    await source.close();
  }));

Deno.test({
  name: "threads leave reading to the source where it fails, and try again later",
  ignore: turboPath() === null,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeFile(`${folder}/good.jpg`, await jpeg());
      const decoder = openDecoder({ size: SIZE, workers: 1 });
      const { base } = (await decoder.baseAt({ path: `${folder}/good.jpg` }))!;
      assert.deepEqual(base, await decoder.base(await jpeg()));
      assert.equal(decoder.reads, true);
      for (let i = 0; i < 64; i++) assert.equal(await decoder.baseAt({ path: `${folder}/none.jpg` }), null);
      assert.equal(decoder.reads, false);
      let asked = 0;
      while (!decoder.reads && asked < 1e5) asked++;
      assert.ok(asked > 100 && asked < 1e5, `tried again after ${asked}`);
      assert.equal(
        await decoder.baseAt({ path: `${folder}/good.jpg`, offset: 0, length: 50 }),
        null,
        "no shard's value",
      );
      decoder.close();
    }),
});

Deno.test("reading ahead gives what reading gives, and reads less often", async () => {
  const bytes = Uint8Array.from({ length: 3 * 2 ** 20 + 77 }, (_, i) => (i * 2654435761) >>> 24);
  const readerOf = () => {
    const state = { reads: 0 };
    const read = (offset: number, length: number) => {
      state.reads++;
      return Promise.resolve(bytes.slice(offset, offset + length));
    };
    return {
      state,
      reader: readingAhead({ uri: "memory", length: bytes.length, read, close: () => Promise.resolve() }),
    };
  };
  const { reader, state } = readerOf(), step = 10_000;
  for (let at = 0; at < bytes.length; at += step) {
    const length = Math.min(step, bytes.length - at);
    assert.ok(same(await reader.read(at, length), bytes.subarray(at, at + length)), `${at}`);
  }
  assert.ok(state.reads < 20, `${state.reads} reads`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          run: fc.integer({ min: 1, max: 30 }),
          at: fc.integer({ min: 0, max: bytes.length - 1 }),
          length: fc.integer({ min: 0, max: 300_000 }),
        }),
        { maxLength: 8 },
      ),
      async (parts) => {
        const { reader } = readerOf();
        const wanted = parts.flatMap(({ run, at, length }) =>
          Array.from({ length: run }, (_, i) => [at + i * length, length]).filter(([at, length]) =>
            at + length <= bytes.length
          )
        );
        const got = await Promise.all(wanted.map(([at, length]) => reader.read(at, length)));
        wanted.forEach(([at, length], i) => assert.ok(same(got[i], bytes.subarray(at, at + length))));
        await reader.close();
      },
    ),
    { numRuns: 40 },
  );
});

const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a.buffer, a.byteOffset, a.length).equals(b);

Deno.test("with keep, a batch's pictures stay until so many more were handed out, and memory is used again", () =>
  withFolder(async (folder) => {
    await makePictures(`${folder}/mixed`);
    for (let n = 0; n < 30; n++) await writeFiles(folder, { [`jpegs/${n}.jpg`]: await jpeg(n, 50 + n, 60) });
    for (const [name, most] of [["mixed", 9], ["jpegs", 16]] as const) {
      const source = await openFolder(`${folder}/${name}`), expected = await batches(source);
      const held: Batch[] = [], memory = new Set<ArrayBufferLike>();
      for await (const batch of take(streamBatches(source, { ...OPTIONS, keep: 3, prefetch: 1 }), 40)) {
        held.push(batch);
        memory.add(batch.base.buffer);
        await new Promise((resolve) => setTimeout(resolve, 3));
        for (const old of held.slice(0, 12).slice(-3)) {
          if (held.length <= 12) assert.deepEqual(old.base.slice(), expected[held.indexOf(old)].base);
        }
      }
      assert.ok(memory.size <= most, `${memory.size} pieces of memory for 40 batches of ${name}`);
      if (name === "jpegs" && turboPath() !== null) {
        assert.ok(held.every(({ base }) => base.buffer instanceof SharedArrayBuffer), "nothing was copied");
      }
      await source.close();
    }
    const source = await openFolder(`${folder}/jpegs`);
    assert.throws(() => streamBatches(source, { ...OPTIONS, keep: 0 }), /keep must be/);
    await source.close();
  }));

Deno.test("places are taken in order, pieces again when nothing of them is in use, and handed on as they are", () => {
  const memory = slots(3, 4), taken = Array.from({ length: 6 }, () => memory.take());
  const parts = taken.slice(0, 4).map((slot) => memory.view(slot));
  assert.deepEqual([taken, memory.pieces.length], [[0, 1, 2, 3, 4, 5], 2]);
  const piece = memory.whole(parts)!;
  parts[2].fill(7);
  assert.deepEqual([...piece.slice(5, 10)], [0, 7, 7, 7, 0]);
  assert.equal(memory.whole(parts.toReversed()), null);
  assert.equal(memory.whole(parts.slice(1)), null);
  assert.equal(memory.whole(Array.from({ length: 4 }, () => new Uint8Array(3))), null);
  memory.give(new Uint8Array(3));
  memory.align();
  assert.equal(memory.take(), 8, "the first piece is lent, the second in use");
  memory.give(piece);
  memory.align();
  assert.equal(memory.take(), 0);
  memory.free(4);
  memory.give(memory.view(5));
  memory.align();
  assert.equal(memory.take(), 4);
  assert.equal(memory.pieces.length, 3);
});
