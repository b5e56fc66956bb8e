import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "npm:fast-check@4.10.2";
import { withFileReader } from "../../../src/data/io/reader/file.ts";
import { lmdbVersion, readLmdbHeader } from "../../../src/data/sources/lmdb/format.ts";
import { findRecord, indexLeaves, lastRecord } from "../../../src/data/sources/lmdb/leaves.ts";
import { nodesOf } from "../../../src/data/sources/lmdb/page.ts";
import { lmdbPieces, type LmdbRecords } from "../../../src/data/sources/lmdb/write.ts";
import { withFolder } from "../pictures.ts";

type Pair = [key: Uint8Array, value: Uint8Array];

const records = (pairs: readonly Pair[]): LmdbRecords => ({
  count: pairs.length,
  key: (index) => pairs[index][0],
  size: (index) => pairs[index][1].length,
  async *values() {
    for (const [, value] of pairs) yield await Promise.resolve(value);
  },
});

/** Bytes that tell their own number and length. */
const bytes = (seed: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7 + (i >> 8)) % 256);

/** Pairs with keys of so many bytes, the larger part of which is the same in all. */
const pairsOf = (count: number, keyBytes: number, size: (i: number) => number): Pair[] =>
  Array.from({ length: count }, (_, i) => {
    const key = new Uint8Array(keyBytes);
    new DataView(key.buffer).setUint32(keyBytes - 4, i);
    return [key, bytes(i, size(i))];
  });

async function fileOf(pairs: readonly Pair[], path: string): Promise<Uint8Array> {
  const whole = new Uint8Array(Buffer.concat(await Array.fromAsync(lmdbPieces(records(pairs)))));
  await Deno.writeFile(path, whole);
  return whole;
}

/** Reads a file with our own reader, which checks every number of its pages. */
async function readBack(path: string, keys: readonly Uint8Array[]) {
  return await withFileReader(path, async (reader) => {
    const header = readLmdbHeader(await reader.read(0, Math.min(reader.length, 66000)), reader.length);
    const places: { key: Uint8Array; offset: number; size: number }[] = [], branches: number[] = [];
    await indexLeaves(reader, header, header, () => true, ({ key }, _page, _bytes, extent) => {
      places.push({ key: key.slice(), ...extent! });
    });
    const found: Pair[] = [];
    for (const { key, offset, size } of places) found.push([key, await reader.read(offset, size)]);
    for (const key of keys) {
      const one = (await findRecord(reader, header, header, key))!;
      assert.deepEqual(one.key, key);
      const value = await reader.read(one.extent.offset, one.extent.size);
      assert.deepEqual(value, found[found.findIndex(([known]) => Buffer.compare(known, key) === 0)][1]);
    }
    // Every branch has at least two children.
    const walk = async (page: number, depth: number): Promise<void> => {
      if (depth <= 1) return;
      const nodes = nodesOf(
        header,
        page,
        await reader.read(page * header.pageSize, header.pageSize),
        "branch",
      );
      branches.push(nodes.length);
      for (const { value } of nodes) await walk(value, depth - 1);
    };
    await walk(header.root, header.depth);
    assert.ok(branches.every((children) => children >= 2), `${branches}`);
    assert.equal((await lastRecord(reader, header, header))!.key.length, found.at(-1)![0].length);
    assert.equal(await findRecord(reader, header, header, Uint8Array.of(255, 255)), null);
    assert.equal(await findRecord(reader, header, header, Uint8Array.of(0)), null);
    return { header, found };
  });
}

Deno.test("lmdb files that are written hold their records, whatever their sizes, on as many levels as it takes", () =>
  withFolder(async (folder) => {
    for (
      const [count, keyBytes, size, depth] of [
        [1, 4, () => 0, 1],
        [3, 4, (i: number) => 3000 * i, 1],
        // The largest values that stand in their leaf, and the smallest that do not.
        [40, 4, (i: number) => 2020 + i, 2],
        [700, 4, () => 1500, 3],
        [1200, 511, (i: number) => i % 7, 4],
      ] as const
    ) {
      const pairs = pairsOf(count, keyBytes, size), path = `${folder}/${count}.lmdb`;
      const whole = await fileOf(pairs, path);
      assert.equal(lmdbVersion(whole), 1);
      const keys = pairs.filter((_, i) => i % 97 === 0).map(([key]) => key);
      const { header, found } = await readBack(path, keys);
      assert.deepEqual([header.depth, header.entries], [depth, count]);
      assert.equal(whole.length, (header.lastPage + 1) * header.pageSize);
      assert.deepEqual(found, pairs);
      assert.deepEqual(await fileOf(pairs, path), whole, "the same records give the same bytes");
    }
  }));

Deno.test("lmdb files: any records", () =>
  withFolder(async (folder) => {
    const pair = fc.tuple(
      fc.uint8Array({ minLength: 2, maxLength: 40 }),
      fc.oneof(fc.nat(50), fc.nat(9000)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(pair, { minLength: 1, maxLength: 60, selector: ([key]) => key.toHex() }),
        async (given) => {
          const pairs = given.map(([key, size], i): Pair => [key, bytes(i, size)])
            .filter(([key]) => key.some((byte) => byte !== 255))
            .sort(([a], [b]) => Buffer.compare(a, b));
          if (pairs.length === 0) return;
          await fileOf(pairs, `${folder}/a.lmdb`);
          assert.deepEqual((await readBack(`${folder}/a.lmdb`, pairs.map(([key]) => key))).found, pairs);
        },
      ),
      { numRuns: 25 },
    );
  }));

Deno.test("lmdb files: what cannot be stored is refused", async () => {
  const value = new Uint8Array(3),
    of = (pairs: Pair[], change: Partial<LmdbRecords> = {}) => lmdbPieces({ ...records(pairs), ...change });
  assert.throws(() => of([]), /without records/);
  assert.throws(() => of([[new Uint8Array(0), value]]), /record 0 has a key of 0 bytes; LMDB takes 1 to 511/);
  assert.throws(() => of([[new Uint8Array(512), value]]), /a key of 512 bytes/);
  assert.throws(() => of([[new Uint8Array(1), value]], { size: () => 2 ** 32 }), /less than 4 GiB/);
  const wrong = of([[new Uint8Array(1), value]], { size: () => 4 });
  await assert.rejects(Array.fromAsync(wrong), /record 0 has a value of 3 bytes instead of 4/);
});

/** Why Python's lmdb cannot be asked here; undefined where it can. */
async function withoutPython(): Promise<string | undefined> {
  try {
    const asked = new Deno.Command("python3", {
      args: ["-c", "import lmdb"],
      stdout: "null",
      stderr: "null",
    });
    return (await asked.output()).success ? undefined : "python3 has no lmdb";
  } catch {
    return "there is no python3";
  }
}

const READER = `
import hashlib, json, lmdb, sys
with lmdb.open(sys.argv[1], subdir=False, readonly=True, lock=False) as env, env.begin() as txn:
    whole, found = hashlib.sha256(), 0
    for key, value in txn.cursor():
        whole.update(key + value)
        found += txn.get(key) == value
    none = txn.get(b"none")
    print(json.dumps([env.stat()["entries"], env.stat()["depth"], found, whole.hexdigest(), none]))
`;

const missing = await withoutPython();

Deno.test({
  name: `lmdb files are read by Python's lmdb${missing ? ` (${missing})` : ""}`,
  ignore: missing !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      for (const [count, keyBytes] of [[1, 4], [700, 4], [1200, 511]]) {
        const pairs = pairsOf(count, keyBytes, (i) => [0, 60, 1500, 5000][i % 4]), path = `${folder}/a.lmdb`;
        await fileOf(pairs, path);
        const { stdout } = await new Deno.Command("python3", { args: ["-c", READER, path] }).output();
        const [entries, depth, found, digest, none] = JSON.parse(new TextDecoder().decode(stdout));
        const whole = createHash("sha256");
        for (const [key, value] of pairs) whole.update(key).update(value);
        assert.deepEqual([entries, found, digest, none], [count, count, whole.digest("hex"), null]);
        assert.ok(depth >= 1);
      }
    }),
});
