import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../../src/data/open/open_data.ts";
import { lmdbVersion, readLmdbHeader } from "../../../src/data/sources/lmdb/format.ts";
import { writeShard } from "../../../src/data/sources/shards/write.ts";
import {
  decodeRecord,
  encodeRecord,
  type Manifest,
  OBJECTS_VERSION,
  SHARD_VERSION,
} from "../../../src/data/sources/shards/format.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../../src/data/types.ts";
import { fakeJpeg, fixture } from "../helpers.ts";
import { withFolder } from "../pictures.ts";

const MANIFEST: Omit<Manifest, "count"> = {
  format: "semantic-ae shard",
  version: SHARD_VERSION,
  source: "test",
  shard: 0,
  last: true,
  labels: ["cat", "dog"],
};

/** Records of sizes that stand in a page, in pages of their own, and in between. */
function makeRecords(count: number): ImageRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `${i % 2 ? "dog" : "cat"}/${i}.jpg`,
    bytes: new Uint8Array([0, 60, 1500, 5000, 20_000][i % 5]).map((_, at) => (at * 7 + i * 13) % 251),
    ...(i % 3 === 2 ? {} : { label: i % 2 }),
  }));
}

async function makeShard(
  path: string,
  records: ImageRecord[],
  manifest: Partial<Manifest> = {},
): Promise<void> {
  const writer = writeShard(path, 1 << 24);
  for (const record of records) writer.add(record);
  await writer.finish({ ...MANIFEST, ...manifest });
}

async function readAll(source: Source): Promise<ImageRecord[]> {
  return await Promise.all(Array.from({ length: source.length }, (_, i) => source.get(i)));
}

Deno.test("a record's name may begin with what is a mark of byte order elsewhere", () => {
  const record: ImageRecord = { key: "\uFEFFcat/1.jpg", bytes: fakeJpeg(1), label: 0 };
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
});

Deno.test("a shard gives back what was written, in any order, and leaves no lock file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`, records = makeRecords(700);
    await makeShard(path, records);
    assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["a.lmdb"]);
    const source = await openSource(path);
    assert.deepEqual([source.length, source.labels], [700, ["cat", "dog"]]);
    assert.deepEqual(await readAll(source), records);
    for (const index of [699, 0, 350]) {
      assert.deepEqual(await source.get(index), records[index]);
      assert.equal(await source.key(index), records[index].key);
    }
    await assert.rejects(source.get(700), /record 700 is not one of 0 … 699/);
    await source.close();
    await source.close();
    await assert.rejects(source.get(0), /after close/);
  }));

Deno.test("the file is an LMDB that npm:lmdb reads, too", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`, records = makeRecords(12);
    await makeShard(path, records);
    const { open } = await import("npm:lmdb@3.5.6");
    const database = open<Uint8Array, Uint8Array>({
      path,
      noSubdir: true,
      readOnly: true,
      encoding: "binary",
      keyEncoding: "binary",
    });
    const value = database.get(new Uint8Array([0, 0, 0, 7]));
    assert.deepEqual(decodeRecord(new Uint8Array(value!)), records[7]);
    await database.close();
    // The library leaves a timer of 0 ms behind.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }));

Deno.test("a folder of shards is one source, its labels joined by name", () =>
  withFolder(async (folder) => {
    const records = makeRecords(9);
    await makeShard(`${folder}/b.lmdb`, records.slice(0, 4), { last: false });
    await makeShard(`${folder}/a.lmdb`, records.slice(4), { shard: 1, labels: ["dog", "eel"] });
    const source = await openSource(folder);
    assert.deepEqual(source.labels, ["cat", "dog", "eel"]);
    const all = await readAll(source);
    assert.deepEqual(all.map((record) => record.key), records.map((record) => record.key));
    const names = (record: ImageRecord) => record.label === undefined ? null : source.labels[record.label];
    assert.deepEqual(all.map(names), ["cat", "dog", null, "dog", "dog", null, "dog", "eel", null]);
    await source.close();
  }));

Deno.test("shards whose classes have equal names keep them apart; lists that only grew keep their numbers", () =>
  withFolder(async (folder) => {
    const labels = ["crane", "finch", "crane"];
    const records = [0, 1, 2, 2].map((label, i) => ({ key: `${i}`, bytes: fakeJpeg(i), label }));
    await makeShard(`${folder}/a.lmdb`, records.slice(0, 2), { last: false, labels: labels.slice(0, 2) });
    await makeShard(`${folder}/b.lmdb`, records.slice(2), { shard: 1, labels });
    const source = await openSource(folder);
    assert.deepEqual(source.labels, labels);
    assert.deepEqual((await readAll(source)).map(({ label }) => label), [0, 1, 2, 2]);
    await source.close();
    await makeShard(`${folder}/b2.lmdb`, records.slice(2), { shard: 1, labels: ["finch", "crane", "emu"] });
    await Deno.remove(`${folder}/b.lmdb`);
    await makeShard(`${folder}/a2.lmdb`, records.slice(0, 2), { last: false, labels });
    await Deno.remove(`${folder}/a.lmdb`);
    await assert.rejects(openSource(folder), /"crane" stands more than once in .*a2\.lmdb/);
  }));

Deno.test("a set with a missing shard is refused, one shard by its name is not", () =>
  withFolder(async (folder) => {
    const records = makeRecords(3);
    await makeShard(`${folder}/0.lmdb`, records, { last: false });
    await assert.rejects(openSource(folder), /shards after number 0 are missing/);
    await makeShard(`${folder}/2.lmdb`, records, { shard: 2 });
    await assert.rejects(openSource(folder), /shard 1 is missing \(found: 0, 2\)/);
    const source = await openSource(`${folder}/2.lmdb`);
    assert.equal(source.length, 3);
    await source.close();
  }));

Deno.test("data.mdb in a folder is found", () =>
  withFolder(async (folder) => {
    await makeShard(`${folder}/data.mdb`, makeRecords(3));
    const source = await openSource(folder);
    assert.equal(source.length, 3);
    await source.close();
  }));

Deno.test("a shard cut anywhere is refused at opening", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`;
    await makeShard(path, makeRecords(50));
    const whole = await Deno.readFile(path);
    for (
      const length of [0, 1, 100, 4096, 8191, 8192, whole.length >> 1, whole.length - 4096, whole.length - 1]
    ) {
      await Deno.writeFile(path, whole.subarray(0, length));
      await assert.rejects(openSource(path), /a\.lmdb: .*(cut short|no LMDB file)/, `${length} bytes`);
    }
  }));

Deno.test("a flipped bit in a record is that record's fault alone, found by its checksum", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`, records = makeRecords(40);
    await makeShard(path, records);
    const bytes = await Deno.readFile(path);
    // Inside the picture of record 4: 20,000 bytes in pages of their own, after its name.
    const name = new TextEncoder().encode(records[4].key);
    const at = bytes.findIndex((_, i) => name.every((byte, k) => bytes[i + k] === byte));
    assert.ok(at > 0);
    bytes[at + 5000] ^= 1;
    await Deno.writeFile(path, bytes);
    const source = await openSource(path);
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => source.get(i)));
    results.forEach((result, i) => {
      if (i !== 4) return assert.equal(result.status, "fulfilled", `record ${i}`);
      assert.ok(result.status === "rejected" && result.reason instanceof BadRecordError);
      assert.match(result.reason.message, /a\.lmdb#4: damaged: its bytes do not fit its checksum/);
    });
    await source.close();
  }));

Deno.test("files that are no LMDB are refused by name", () =>
  withFolder(async (folder) => {
    const noise = new Uint8Array(20_000).map((_, i) => (i * i) % 253);
    for (const bytes of [new Uint8Array(0), new Uint8Array(9000), noise, new TextEncoder().encode("hello")]) {
      await Deno.writeFile(`${folder}/x.lmdb`, bytes);
      await assert.rejects(openSource(`${folder}/x.lmdb`), /x\.lmdb: no LMDB file/);
      await assert.rejects(openSource(folder), /x\.lmdb: no LMDB file/);
    }
  }));

Deno.test("an LMDB of Python's is opened as such, as a file and as a folder, and is no shard", () =>
  withFolder(async (folder) => {
    const packed = await Deno.readFile(new URL("../../fixtures/python-lmdb.mdb.gz", import.meta.url));
    const bytes = new Uint8Array(gunzipSync(packed));
    assert.equal(lmdbVersion(bytes), 1);
    assert.equal(readLmdbHeader(bytes, bytes.length).entries, 3);
    await Deno.writeFile(`${folder}/data.mdb`, await fixture("images.mdb.gz"));
    for (const uri of [folder, `${folder}/data.mdb`]) {
      const source = await openSource(uri);
      assert.equal(source.length, 30);
      await source.close();
    }
    // Two of them in a folder are opened together.
    await Deno.writeFile(`${folder}/shard-00000.lmdb`, bytes);
    const both = await openSource(folder);
    assert.equal(both.length, 33);
    await both.close();
  }));

Deno.test("an LMDB of npm:lmdb that is no shard, and an unfinished shard, are refused", () =>
  withFolder(async (folder) => {
    const writer = writeShard(`${folder}/a.lmdb`, 1 << 20);
    writer.add(makeRecords(1)[0]);
    await writer.abandon();
    await assert.rejects(openSource(`${folder}/a.lmdb`), /without a shard's manifest: unfinished|cut short/);
    await makeShard(`${folder}/b.lmdb.partial`, makeRecords(2));
    await assert.rejects(openSource(`${folder}/b.lmdb.partial`), /an unfinished shard/);
  }));

Deno.test("a shard of a newer format is refused with both versions", () =>
  withFolder(async (folder) => {
    await makeShard(`${folder}/a.lmdb`, makeRecords(2), { version: OBJECTS_VERSION + 6 });
    await assert.rejects(
      openSource(folder),
      new RegExp(
        `shard format version ${
          OBJECTS_VERSION + 6
        }, but this program reads versions 1 to ${OBJECTS_VERSION}; update`,
      ),
    );
  }));

Deno.test("records of any name, label and bytes come back", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.option(fc.nat(2 ** 31 - 1), { nil: undefined }),
      fc.uint8Array({ maxLength: 2000 }),
      (key, label, bytes) => {
        const record: ImageRecord = label === undefined ? { key, bytes } : { key, bytes, label };
        const value = encodeRecord(record);
        assert.deepEqual(decodeRecord(value), record);
        value[value.length >> 1] ^= 0x10;
        assert.throws(() => decodeRecord(value), /damaged/);
      },
    ),
  );
});

Deno.test("whatever bits are flipped in a shard, each record is right or refused and nothing crashes", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.lmdb`, records = makeRecords(160);
    await makeShard(path, records);
    const whole = await Deno.readFile(path), pages = whole.length / 4096;
    // Half of the damage goes to the beginnings of pages, where the structure is.
    const place = fc.oneof(
      fc.nat(whole.length - 1),
      fc.tuple(fc.nat(pages - 1), fc.nat(200)).map(([page, at]) => page * 4096 + at),
      fc.nat(8191),
    );
    const seen = { right: 0, refused: 0, closed: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 30 }),
        async (flips) => {
          const bytes = whole.slice();
          for (const [at, mask] of flips) bytes[at] ^= mask;
          await Deno.writeFile(path, bytes);
          let source: Source;
          try {
            source = await openSource(path);
          } catch (error) {
            assert.ok((error as Error).message.startsWith(path), String(error));
            seen.closed++;
            return;
          }
          for (let i = 0; i < source.length; i++) {
            try {
              assert.deepEqual(await source.get(i), records[i]);
              seen.right++;
            } catch (error) {
              assert.ok(error instanceof BadRecordError, String((error as Error).stack));
              seen.refused++;
            }
          }
          await source.close();
        },
      ),
      { numRuns: 40 },
    );
    assert.ok(seen.right > 0 && seen.refused > 0 && seen.closed > 0, JSON.stringify(seen));
  }));
