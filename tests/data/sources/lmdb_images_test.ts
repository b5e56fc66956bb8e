import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { readLmdbHeader } from "../../../src/data/sources/lmdb/format.ts";
import { classOf, isNote } from "../../../src/data/sources/lmdb/keys.ts";
import { openLmdbImages } from "../../../src/data/sources/lmdb/images.ts";
import { extentOf, isDatabase, nodesOf } from "../../../src/data/sources/lmdb/page.ts";
import { lmdbPieces } from "../../../src/data/sources/lmdb/write.ts";
import { isWithoutPicture, unwrap } from "../../../src/data/sources/lmdb/unwrap.ts";
import { damage, fakeJpeg, fixture, survives } from "../helpers.ts";
import { withFolder } from "../pictures.ts";

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
    assert.deepEqual(source.passedOver!(), [{
      what: "key",
      why: "holds a note",
      count: 1,
      example: "__len__",
    }]);
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
      checkColour(picture.data, seed);
    }
    assert.deepEqual([...sizes].sort(), [64, 8], "pictures inside leaves and in pages of their own");
    await assert.rejects(source.get(30), /record 30 is not one of 0 … 29/);
    await source.close();
    await source.close();
  });
});

Deno.test("lmdb: LSUN's WebP values, and a file instead of a folder", async () => {
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

Deno.test("lmdb: the usual packings of ImageNet: pickles, msgpack, Caffe's messages, with their classes", async () => {
  await withFile(await fixture("wrapped.mdb.gz"), async (path) => {
    for (
      const database of [
        ...["tuple", "list-2", "dict", "numpy", "numpy-5"],
        ...["msgpack", "msgpack-old", "tensorpack", "tensorpack-numpy", "datum", "datum-pixels"],
      ]
    ) {
      const source = await openLmdbImages(path, { database });
      assert.equal(source.length, 4, "the notes are no records");
      for (let i = 0; i < 4; i++) {
        const { key, bytes, label } = await source.get(i);
        assert.deepEqual([key, label], [String(i).padStart(8, "0"), i % 3], database);
        const picture = await decodePicture(bytes);
        assert.deepEqual([picture.width, picture.height], [8, 8]);
        checkColour(picture.data, i);
      }
      await source.close();
    }
    const named = await openLmdbImages(path, { database: "tuple", labels: ["cat", "dog"] });
    assert.deepEqual(named.labels, ["cat", "dog"]);
    assert.deepEqual((await named.get(1)).label, 1);
    await assert.rejects(named.get(2), /00000002 is of class 2, but the list of classes has 2 names/);
    await named.close();
  });
});

Deno.test("lmdb: a class beside a picture may be a name, under a label's key", () => {
  const picture = fakeJpeg(1, 20),
    encode = (text: string) => [0xa0 + text.length, ...new TextEncoder().encode(text)];
  const pack = (key: string, value: number[]) =>
    Uint8Array.of(0x82, ...encode("image"), 0xc4, picture.length, ...picture, ...encode(key), ...value);
  assert.deepEqual(unwrap(pack("label", encode("cat")))?.label, "cat");
  assert.deepEqual(unwrap(pack("label", [7]))?.label, 7);
  assert.deepEqual(unwrap(pack("label", [0xff]))?.label, undefined);
  assert.deepEqual(unwrap(pack("caption", encode("a cat")))?.label, undefined);
  const list = Uint8Array.of(0x92, 0xc4, picture.length, ...picture, ...encode("cat.jpg"));
  assert.deepEqual(unwrap(list)?.label, undefined);
});

Deno.test("lmdb: a mask is not taken for the picture, nor an index before it for its class", () => {
  const file = (seed: number) => [0xc4, 20, ...fakeJpeg(seed, 20)];
  const encode = (text: string) => [0xa0 + text.length, ...new TextEncoder().encode(text)];
  const map = (parts: Record<string, number[]>) =>
    Uint8Array.of(
      0x80 + Object.keys(parts).length,
      ...Object.entries(parts).flatMap(([name, part]) => [...encode(name), ...part]),
    );
  const list = (...parts: number[][]) => Uint8Array.of(0x90 + parts.length, ...parts.flat());
  const image = fakeJpeg(1, 20);
  assert.deepEqual(unwrap(map({ mask: file(2), img: file(1), category: [5], label: [3] })), {
    bytes: image,
    label: 3,
  });
  assert.deepEqual(unwrap(map({ depth: file(2), rgb: file(1), y: [4] })), { bytes: image, label: 4 });
  assert.deepEqual(unwrap(list([9], file(1), [3])), { bytes: image, label: 3 });
  assert.deepEqual(unwrap(list([3], file(1))), { bytes: image, label: 3 });
  // Two classes as a truth.
  assert.deepEqual(unwrap(list(file(1), [0xc3])), { bytes: image, label: 1 });
  assert.deepEqual(unwrap(map({ image: file(1), label: [0xc2] })), { bytes: image, label: 0 });
  assert.deepEqual(unwrap(list(file(1), [0xc3], [7])), { bytes: image, label: 7 });
});

Deno.test("lmdb: a label that is no class is told once, however often its record is read", () =>
  withFolder(async (folder) => {
    const picture = fakeJpeg(1, 20), labels = ["cat", "dog"], stated = ["dog", "emu", "cat", "yak"];
    const text = (words: string) => [0xa0 + words.length, ...new TextEncoder().encode(words)];
    const values = stated.map((name) =>
      Uint8Array.of(0x82, ...text("image"), 0xc4, 20, ...picture, ...text("label"), ...text(name))
    );
    const records = {
      count: values.length,
      key: (index: number) => new TextEncoder().encode(`${index}`),
      size: (index: number) => values[index].length,
      values: async function* () {
        for (const value of values) yield await Promise.resolve(value);
      },
    };
    await Deno.writeFile(`${folder}/data.mdb`, ReadableStream.from(lmdbPieces(records)));
    const source = await openLmdbImages(folder, { labels });
    for (let epoch = 0; epoch < 3; epoch++) {
      const read = await Promise.all(stated.map((_, i) => source.get(i)));
      assert.deepEqual(read.map(({ label }) => label), [1, undefined, 0, undefined]);
    }
    assert.deepEqual(source.passedOver!().map(({ what, count }) => [what, count]), [["label", 2]]);
    await source.close();
  }));

Deno.test("lmdb: a wrapper with a null has no picture; whatever else holds none is bad", () => {
  const none: Record<string, number[]> = {
    "pickle of (None, 3)": [0x80, 2, 0x4e, 0x4b, 3, 0x86, 0x2e],
    "msgpack of [null, 3]": [0x92, 0xc0, 3],
    "msgpack of {a: null}": [0x81, 0xa1, 0x61, 0xc0],
  };
  const bad: Record<string, number[]> = {
    "nothing at all": [],
    "pickle of 3": [0x80, 2, 0x4b, 3, 0x2e],
    "msgpack of [3]": [0x91, 3],
    "msgpack of [zero bytes, null]": [0x92, 0xc4, 0, 0xc0],
    "msgpack of [an extension]": [0x91, 0xd4, 5, 0],
  };
  for (const [name, bytes] of Object.entries({ ...none, ...bad })) {
    assert.equal(unwrap(Uint8Array.from(bytes)), null, name);
    assert.equal(isWithoutPicture(Uint8Array.from(bytes)), name in none, name);
  }
});

Deno.test("lmdb: damaged and hostile wrappers are bad values, in bounded memory and time", async () => {
  const values = valuesOf(await fixture("wrapped.mdb.gz"));
  assert.ok(values.filter((value) => unwrap(value)).length >= 44);
  const tries = (value: Uint8Array) => {
    try {
      const found = unwrap(value);
      assert.ok(
        found === null ||
          found.bytes.length <= Math.max(value.length, 3 * value.length + 32),
      );
    } catch (error) {
      assert.equal((error as Error).name, "DamagedError", String((error as Error).stack));
    }
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...values),
      fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat({ max: 255 }) }), {
        maxLength: 6,
      }),
      fc.array(fc.record({ at: fc.nat({ max: 40 }), value: fc.nat({ max: 255 }) }), { maxLength: 4 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (value, writes, early, keep) => {
        const bytes = damage(value, { writes, keep: 1 });
        for (const { at, value } of early) bytes[at] = value;
        tries(bytes);
        tries(bytes.subarray(0, Math.ceil(keep * bytes.length)));
      },
    ),
    { numRuns: 3000 },
  );
  // A hundred million lists, nested or side by side; and references that double a structure forty times.
  const filled = (start: number[], byte: number) => {
    const bytes = new Uint8Array(1e7).fill(byte);
    bytes.set(start);
    return bytes;
  };
  assert.throws(() => unwrap(filled([0x80, 4], 0x5d)), /too many instructions/);
  assert.throws(() => unwrap(filled([0x91], 0x91)), /too many values/);
  assert.throws(() => unwrap(filled([0xdc, 0xff, 0xff], 0x90)), /too many values/);
  const doubling = [0x80, 4, 0x5d, 0x94];
  for (let i = 0; i < 40; i++) doubling.push(0x68, i, 0x86, 0x94);
  assert.equal(unwrap(Uint8Array.from([...doubling, 0x2e])), null);
});

/** All values of a file, from its leaf pages alone. */
function valuesOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array[] {
  const header = readLmdbHeader(bytes, bytes.length);
  return pagesOf(bytes, 2).flatMap((page) => {
    const leaf = bytes.subarray(page * 4096, page * 4096 + 4096);
    return nodesOf(header, page, leaf, "leaf").filter((node) => !isDatabase(node)).map((node) => {
      const { offset, size } = extentOf(header, page, leaf, node);
      return bytes.slice(offset, offset + size);
    });
  });
}

/** The average colour of a fixture's picture tells its number; see make.py. */
function checkColour(data: Uint8Array, seed: number): void {
  [7, 13, 29].forEach((factor, channel) => {
    let sum = 0;
    for (let at = channel; at < data.length; at += 3) sum += data[at];
    const mean = sum / (data.length / 3);
    assert.ok(
      Math.abs(mean - 29.5 - seed * factor % 190) < 20,
      `picture ${seed}: channel ${channel} is ${mean}`,
    );
  });
}

Deno.test("lmdb: values beyond four gigabytes are reached", async () => {
  const bytes = await fixture("images.mdb.gz"), data = new DataView(bytes.buffer);
  // Values in pages of their own move 8 GiB away, in a file with a hole.
  const far = 2 ** 21, moved = pagesOf(bytes, 4);
  for (const leaf of pagesOf(bytes, 2)) {
    const page = leaf * 4096, count = (data.getUint16(page + 12, true) - 16) / 2;
    for (let i = 0; i < count; i++) {
      const node = page + data.getUint16(page + 16 + 2 * i, true);
      if (data.getUint16(node + 4, true) !== 1) continue;
      const at = node + 8 + data.getUint16(node + 6, true);
      data.setBigUint64(at, data.getBigUint64(at, true) + BigInt(far), true);
    }
  }
  const last = bytes.length / 4096 - 1;
  for (const meta of [0, 4096]) data.setBigUint64(meta + 16 + 120, BigInt(far + last), true);
  await withFolder(async (folder) => {
    const path = `${folder}/far.mdb`;
    {
      using file = await Deno.open(path, { write: true, create: true });
      await file.write(bytes);
      await file.truncate((far + last + 1) * 4096);
      for (const page of moved) {
        const size = data.getUint32(page * 4096 + 12, true) * 4096;
        const value = bytes.slice(page * 4096, page * 4096 + size);
        new DataView(value.buffer).setBigUint64(0, BigInt(page + far), true);
        await file.seek((page + far) * 4096, Deno.SeekMode.Start);
        await file.write(value);
      }
    }
    await Deno.writeFile(`${folder}/data.mdb`, await fixture("images.mdb.gz"));
    const [source, plain] = [await openLmdbImages(path), await openLmdbImages(folder)];
    assert.ok(moved.length >= 6);
    for (let i = 0; i < 30; i++) assert.deepEqual(await source.get(i), await plain.get(i));
    await source.close();
    await plain.close();
  });
});

Deno.test("lmdb: the words beside pictures of text recognition are no records", () => {
  const is = (key: string) => isNote(new TextEncoder().encode(key));
  assert.deepEqual(
    ["num-samples", "label-000000001", "label", "labels/1.jpg", "image-000000001", "__keys__"].map(is),
    [true, true, false, false, false, true],
  );
  const classes = ["n01440764_1.JPEG", "00000000_n01440764/n01440764_1.JPEG", "cat/1.jpg", "00000012"];
  assert.deepEqual(classes.map(classOf), ["n01440764", "n01440764", "cat", null]);
});

Deno.test("lmdb: what is no LMDB of pictures is refused in words", async () => {
  await refused(
    await fixture("pickles.mdb.gz"),
    /no LMDB of picture files: 0: the value is no picture but a Python pickle without a picture/,
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
  const whole = [
    await fixture("images.mdb.gz"),
    await fixture("named.mdb.gz"),
    await fixture("wrapped.mdb.gz"),
  ];
  const databases = [undefined, "train", "tuple"];
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
        fc.nat({ max: 2 }),
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
          await survives(() => openLmdbImages(path, { database: databases[which] }));
          await Deno.remove(path);
        },
      ),
      { numRuns: 400 },
    );
  });
});
