import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { decodePicture } from "../../src/data/decode.ts";
import { openLmdbImages } from "../../src/data/lmdb1/open.ts";
import { damage, fixture, survives } from "./helpers.ts";
import { withFolder } from "./pictures.ts";

async function withFile(
  bytes: Uint8Array,
  work: (path: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/data.mdb`, bytes);
    await work(folder);
  });
}

async function refused(bytes: Uint8Array, words: RegExp, database?: string): Promise<void> {
  await withFile(bytes, async (path) => {
    await assert.rejects(openLmdbImages(path, { database }), (error: Error) => {
      assert.match(error.message, words);
      assert.ok(error.message.startsWith(path), error.message);
      return true;
    });
  });
}

Deno.test("lmdb: reads what Python's lmdb wrote, in the keys' order, with classes", async () => {
  await withFile(await fixture("images.mdb.gz"), async (path) => {
    const source = await openLmdbImages(path);
    assert.equal(source.length, 30, "the note __len__ is no record");
    assert.deepEqual(source.labels, ["n01440764", "n02102040", "n03000684"]);
    const keys = await Promise.all(Array.from({ length: 30 }, (_, i) => source.key(i)));
    assert.deepEqual(keys, keys.toSorted());
    const sizes = new Set<number>();
    for (let i = 29; i >= 0; i--) {
      const { key, bytes, label } = await source.get(i);
      assert.equal(key, keys[i]);
      assert.equal(source.labels[label!], key.split("/")[0]);
      const picture = await decodePicture(bytes), seed = Number(key.slice(10, 14));
      sizes.add(picture.width);
      const mean = (channel: number) => {
        let sum = 0;
        for (let at = channel; at < picture.data.length; at += 3) sum += picture.data[at];
        return sum / (picture.data.length / 3);
      };
      [7, 13, 29].forEach((factor, channel) =>
        assert.ok(Math.abs(mean(channel) - 29.5 - seed * factor % 190) < 16, `record ${i} is another picture`)
      );
    }
    assert.deepEqual([...sizes].sort(), [64, 8], "pictures inside leaves and in pages of their own");
    await assert.rejects(source.get(30), /record 30 is not one of 0 … 29/);
    await source.close();
    await source.close();
  });
});

Deno.test("lmdb: LSUN's WebP values, and a file in place of a folder", async () => {
  await withFile(await fixture("lsun.mdb.gz"), async (path) => {
    const source = await openLmdbImages(`${path}/data.mdb`);
    assert.equal(source.length, 5);
    assert.deepEqual(source.labels, []);
    const { key, bytes, label } = await source.get(2);
    assert.match(key, /^[0-9a-f]{40}$/);
    assert.equal(label, undefined);
    assert.equal((await decodePicture(bytes)).width, 32);
    await source.close();
  });
});

Deno.test("lmdb: named databases", async () => {
  const bytes = await fixture("named.mdb.gz");
  await refused(bytes, /2 named databases \(train, val\); choose one as lmdb:PATH#NAME/);
  await refused(bytes, /no database named "test"; there are: train, val/, "test");
  await withFile(bytes, async (path) => {
    const source = await openLmdbImages(path, { database: "val" });
    assert.equal(source.length, 3);
    assert.equal(await source.key(0), "val-0");
    await source.close();
  });
  await refused(await fixture("images.mdb.gz"), /no database named "x"; it has none/, "x");
});

Deno.test("lmdb: what is no LMDB of pictures is refused in words", async () => {
  await refused(
    await fixture("pickles.mdb.gz"),
    /no LMDB of picture files: 0: the value is no picture but a Python pickle/,
  );
  await refused(new TextEncoder().encode("hello".repeat(100)), /no LMDB file/);
  await refused(new Uint8Array(0), /no LMDB file/);
  await assert.rejects(openLmdbImages("/nowhere"), /nowhere: no such file/);
});

Deno.test("lmdb: a file cut short is refused", async () => {
  const bytes = await fixture("images.mdb.gz");
  for (const length of [300, 5000, 9000, bytes.length - 4096, bytes.length - 1]) {
    await refused(bytes.slice(0, length), /cut short|ends after/);
  }
});

/** Places of branch and leaf pages by their flags. */
function pagesOf(bytes: Uint8Array, flag: number): number[] {
  const data = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4096 }, (_, page) => page).slice(2)
    .filter((page) =>
      data.getBigUint64(page * 4096, true) === BigInt(page) &&
      data.getUint16(page * 4096 + 10, true) === flag
    );
}

Deno.test("lmdb: a tree that runs in a circle is refused", async () => {
  const bytes = await fixture("images.mdb.gz");
  const data = new DataView(bytes.buffer);
  const [branch] = pagesOf(bytes, 1);
  assert.ok(branch, "the fixture has a branch page");
  const node = branch * 4096 + data.getUint16(branch * 4096 + 16, true);
  const saved = data.getUint16(node, true);
  data.setUint16(node, branch, true);
  await refused(bytes, /is no leaf page/);
  // Twice the same leaf: the number of records gives it away.
  const other = branch * 4096 + data.getUint16(branch * 4096 + 18, true);
  data.setUint16(node, data.getUint16(other, true), true);
  await refused(bytes, /damaged LMDB index/);
  data.setUint16(node, 60_000, true);
  await refused(bytes, /page 60000 lies outside the file/);
  data.setUint16(node, saved, true);
  // A depth that would lead from leaf to leaf.
  for (const meta of [0, 4096]) data.setUint16(meta + 94, 30, true);
  await refused(bytes, /is no leaf page|is no branch page/);
});

Deno.test("lmdb: a value elsewhere than its record says is a bad record", async () => {
  const bytes = await fixture("images.mdb.gz");
  const [page] = pagesOf(bytes, 4);
  bytes[page * 4096] ^= 1;
  await withFile(bytes, async (path) => {
    const source = await openLmdbImages(path);
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => source.get(i)));
    const bad = results.filter((result) => result.status === "rejected");
    assert.equal(bad.length, 1);
    assert.match(String(bad[0].reason), /BadRecordError.*is not the value that a record says it is/);
    await source.close();
  });
});

Deno.test("lmdb: values over the limit are bad records", async () => {
  await withFile(await fixture("images.mdb.gz"), async (path) => {
    const source = await openLmdbImages(path, { maxRecordBytes: 2500 });
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => source.get(i)));
    const bad = results.filter((result) => result.status === "rejected");
    assert.equal(bad.length, 6);
    assert.match(String(bad[0].reason), /over the limit of 2500/);
    await source.close();
  });
});

Deno.test("lmdb: any damage gives an error or another record, never a crash or a hang", async () => {
  const whole = [await fixture("images.mdb.gz"), await fixture("named.mdb.gz")];
  // Damage where the structure is: page headers, pointers, node headers.
  const places = whole.map((bytes) => {
    const found: number[] = [];
    for (let page = 0; page < bytes.length / 4096; page++) {
      for (let at = 0; at < 200; at++) found.push(page * 4096 + at);
    }
    return found;
  });
  await withFolder(async (folder) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 1 }),
        fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat({ max: 255 }) }), {
          maxLength: 8,
        }),
        fc.array(fc.record({ place: fc.nat(), value: fc.constantFrom(0, 1, 2, 4, 5, 127, 255) }), {
          maxLength: 4,
        }),
        fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
        async (which, writes, structural, keep) => {
          const bytes = damage(whole[which], { writes, keep: 1 });
          for (const { place, value } of structural) {
            bytes[places[which][place % places[which].length]] = value;
          }
          const path = `${folder}/${run++}.mdb`;
          await Deno.writeFile(path, bytes.subarray(0, Math.ceil(keep * bytes.length)));
          await survives(() => openLmdbImages(path, which === 1 ? { database: "train" } : {}));
          await Deno.remove(path);
        },
      ),
      { numRuns: 400 },
    );
  });
});
