import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "npm:fast-check@4.10.2";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { openParquet, type ParquetOptions } from "../../../src/data/sources/parquet/open.ts";
import { openFileReader } from "../../../src/data/io/reader/file.ts";
import type { ByteReader } from "../../../src/data/io/reader/types.ts";
import { unpack } from "../../../src/data/sources/parquet/compression.ts";
import { readDeltaBytes, readDeltaLengths, readDeltas } from "../../../src/data/sources/parquet/delta.ts";
import { readPictureTable } from "../../../src/data/sources/parquet/metadata.ts";
import { pictureStore } from "../../../src/data/sources/parquet/store.ts";
import { readHybrid } from "../../../src/data/sources/parquet/values.ts";
import { NoPictureError } from "../../../src/data/types.ts";
import { damage, fixture, fixturePath, survives } from "../helpers.ts";
import { serveBytes, server } from "../http_servers.ts";
import { withFolder } from "../pictures.ts";

/** Average colour of a fixture's picture tells its number; see make.py. */
async function checkPicture(bytes: Uint8Array, seed: number): Promise<void> {
  const picture = await decodePicture(bytes);
  assert.equal(picture.width, 8);
  [7, 13, 29].forEach((factor, channel) => {
    let sum = 0;
    for (let at = channel; at < picture.data.length; at += 3) sum += picture.data[at];
    const mean = sum / 64;
    assert.ok(
      Math.abs(mean - 29.5 - seed * factor % 190) < 20,
      `picture ${seed}: channel ${channel} is ${mean}`,
    );
  });
}

async function refused(uri: string, words: RegExp, options?: ParquetOptions): Promise<void> {
  await assert.rejects(openParquet(uri, options), (error: Error) => {
    assert.match(error.message, words);
    return true;
  });
}

Deno.test("parquet: snappy with a dictionary, several row groups, a null", async () => {
  const source = await openParquet(fixturePath("snappy.parquet"));
  assert.equal(source.length, 20);
  assert.deepEqual(source.labels, ["cat", "dog", "emu"]);
  for (let i = 19; i >= 0; i--) {
    assert.equal(await source.key(i), `snappy.parquet:${i}`);
    if (i === 7) {
      await assert.rejects(
        source.get(i),
        (error) => error instanceof NoPictureError && /null/.test(error.reason),
      );
      continue;
    }
    const record = await source.get(i);
    assert.equal(record.label, i % 3);
    await checkPicture(record.bytes, i);
  }
  await assert.rejects(source.get(20), /record 20 is not one of 0 … 19/);
  await source.close();
  await source.close();
});

Deno.test("parquet: a null is no picture, a path without bytes or zero bytes are a bad one", async () => {
  const source = await openParquet(fixturePath("absent.parquet"));
  for (const i of [0, 1, 2]) {
    await assert.rejects(source.get(i), { name: "NoPictureError", key: `absent.parquet:${i}` });
  }
  await assert.rejects(source.get(3), {
    name: "BadRecordError",
    reason: "no bytes: the picture is outside of the file, at x.jpg",
  });
  assert.equal((await source.get(4)).bytes.length, 0);
  await checkPicture((await source.get(5)).bytes, 5);
  assert.deepEqual(source.origin!(3), { part: 0, shard: fixturePath("absent.parquet") });
  await source.close();
});

Deno.test("parquet: zstd with a page index, gzip in version 2 pages, plain bytes", async () => {
  const zstd = await openParquet(fixturePath("zstd-index.parquet"));
  for (const i of [0, 19, 10, 9, 5]) {
    const record = await zstd.get(i);
    assert.equal(record.label, (20 + i) % 3);
    await checkPicture(record.bytes, 20 + i);
  }
  await zstd.close();
  const gzip = await openParquet(fixturePath("gzip-v2.parquet"));
  for (let i = 0; i < 6; i++) {
    const record = await gzip.get(i);
    assert.equal(record.label, (40 + i) % 3);
    await checkPicture(record.bytes, 40 + i);
  }
  await gzip.close();
  const only = await openParquet(fixturePath("only-bytes.parquet"));
  await checkPicture((await only.get(2)).bytes, 2);
  await only.close();
  const plain = await openParquet(fixturePath("plain.parquet"));
  assert.deepEqual(plain.labels, []);
  const record = await plain.get(3);
  assert.equal(record.label, undefined);
  await checkPicture(record.bytes, 3);
  await plain.close();
});

Deno.test("parquet: brotli and lz4 are read", async () => {
  for (const codec of ["brotli", "lz4"]) {
    const source = await openParquet(fixturePath(`${codec}.parquet`));
    for (let i = 0; i < 4; i++) await checkPicture((await source.get(i)).bytes, i);
    await source.close();
  }
});

Deno.test("parquet: sizes and numbers stored as differences, in version 2 pages", async () => {
  const source = await openParquet(fixturePath("delta.parquet"));
  for (let i = 0; i < 12; i++) {
    if (i === 4) {
      await assert.rejects(source.get(i), { name: "NoPictureError" });
      continue;
    }
    const record = await source.get(i);
    assert.equal(record.label, (30 + i) % 3);
    await checkPicture(record.bytes, 30 + i);
  }
  await source.close();
});

Deno.test("parquet: pages that claim more than their bytes can hold get no memory", () => {
  for (const codec of ["SNAPPY", "LZ4", "LZ4_RAW", "GZIP", "ZSTD", "BROTLI"] as const) {
    const rss = Deno.memoryUsage().rss;
    assert.throws(() => unpack(codec, new Uint8Array(1000), 2 ** 30), {
      name: "DamagedError",
      message: /cannot be|instead of/,
    });
    assert.ok(Deno.memoryUsage().rss - rss < 1e8, codec);
  }
});

Deno.test("parquet: a page of nothing, as a dictionary of nulls alone is, unpacks to nothing", () => {
  const packed = {
    SNAPPY: [0],
    // Blocks of a byte that announces neither letters nor repeats; Hadoop's has both lengths before it.
    LZ4_RAW: [0],
    LZ4: [0, 0, 0, 0, 0, 0, 0, 1, 0],
    GZIP: gzipSync(new Uint8Array()),
    ZSTD: zstdCompressSync(new Uint8Array()),
    BROTLI: brotliCompressSync(new Uint8Array()),
  };
  for (const [codec, bytes] of Object.entries(packed)) {
    assert.equal(unpack(codec as keyof typeof packed, Uint8Array.from(bytes), 0).length, 0, codec);
  }
});

Deno.test("parquet: several files are one source", async () => {
  const folder = fixturePath("");
  const source = await openParquet(`${folder}{snappy,zstd-index}.parquet`);
  assert.equal(source.length, 40);
  assert.equal(await source.key(20), "zstd-index.parquet:0");
  await checkPicture((await source.get(25)).bytes, 25);
  await source.close();
  // One without classes beside one with them.
  const mixed = await openParquet(`${folder}{plain,snappy}.parquet`);
  assert.deepEqual(mixed.labels, ["cat", "dog", "emu"]);
  assert.deepEqual([(await mixed.get(3)).label, (await mixed.get(5)).label], [undefined, 1]);
  await mixed.close();
});

Deno.test("parquet: over http, with and without a page index", async () => {
  const names = ["snappy.parquet", "zstd-index.parquet"];
  const files = new Map(await Promise.all(names.map(async (name) => [name, await fixture(name)] as const)));
  let sent = 0;
  await using running = server((request) => {
    const bytes = files.get(new URL(request.url).pathname.slice("/data/".length));
    if (!bytes) return new Response("no", { status: 404 });
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.get("range") ?? "") ?? [];
    sent += Number(to) - Number(from) + 1;
    return serveBytes(request, bytes);
  });
  const http = { retries: 0, blockSize: 1000, maxBytes: 8000 };
  for (const [i, name] of names.entries()) {
    sent = 0;
    const source = await openParquet(`${running.url}/${name}`, { http });
    await checkPicture((await source.get(12)).bytes, 20 * i + 12);
    assert.ok(sent < files.get(name)!.length, `${name}: ${sent} bytes were sent for one picture`);
    for (const at of [0, 19]) await checkPicture((await source.get(at)).bytes, 20 * i + at);
    assert.equal(await source.key(3), `${name}:3`);
    await source.close();
  }
  await refused(`${running.url}/nothing.parquet`, /404: no such file/, { http });
});

Deno.test("parquet: without a page index, a row group comes whole where the cache can hold it; otherwise page by page", async () => {
  const file = await openFileReader(fixturePath("zstd-index.parquet")), table = await readPictureTable(file);
  const groups = table.groups.map((group) => ({ ...group, picture: { ...group.picture, index: null } }));
  const size = Math.min(...groups.map(({ picture: { start, end } }) => end - start));
  let longest = 0;
  const watched: ByteReader = {
    ...file,
    read(offset, length) {
      longest = Math.max(longest, length);
      return file.read(offset, length);
    },
  };
  for (const [cacheBytes, whole] of [[2 ** 20, true], [size, false]] as const) {
    longest = 0;
    const store = pictureStore(groups, {
      ...{ use: (_, work) => work(watched), columnOf: () => table.picture, sequential: () => true },
      ...{ cacheBytes, maxPageBytes: 2 ** 20 },
    });
    for (let i = 0; i < 20; i++) {
      await checkPicture(await store.value(Math.floor(i / 10), i % 10) as Uint8Array, 20 + i);
    }
    assert.equal(longest >= size, whole, `${longest} bytes were read at once, with a cache of ${cacheBytes}`);
  }
  await file.close();
});

/** Class names of all rows of labels.parquet. */
async function classesOf(label: string | undefined, options: ParquetOptions = {}) {
  const source = await openParquet(fixturePath("labels.parquet"), { ...options, label });
  const rows = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => source.get(i)));
  await source.close();
  return {
    names: rows.map((row) => row.label === undefined ? null : source.labels[row.label]),
    labels: source.labels,
    passedOver: source.passedOver?.() ?? [],
  };
}

Deno.test("parquet: classes in columns of texts and numbers of every kind", async () => {
  const words = ["cat", null, "dog", "cat", null, "emu"];
  for (
    const column of [
      "text",
      "large",
      "dictionary",
      "dictionary_large",
      "binary",
      "fixed",
      "meta.class",
      "with.dot",
    ]
  ) {
    const { names, labels, passedOver } = await classesOf(column);
    assert.deepEqual([names, labels, passedOver], [words, ["cat", "dog", "emu"], []], column);
  }
  for (const column of ["int8", "unknown", "float", "dictionary_int"]) {
    const { names, labels } = await classesOf(column);
    assert.deepEqual([names, labels], [["0", null, "1", "0", null, "2"], ["0", "1", "2"]], column);
  }
  assert.deepEqual((await classesOf("uint8")).names, ["0", null, "1", "0", null, "200"]);
  assert.deepEqual((await classesOf("uint64")).names, ["0", null, "1", "0", null, "18446744073709551615"]);
  assert.deepEqual((await classesOf("bool")).names, ["0", null, "1", "0", null, "1"]);
});

Deno.test("parquet: of several columns of pictures and of classes the most telling is taken, and the others are told", async () => {
  const path = fixturePath("several.parquet");
  const source = await openParquet(path);
  assert.deepEqual(source.labels, ["cat", "dog", "emu"]);
  for (let i = 0; i < 4; i++) {
    const record = await source.get(i);
    assert.equal(record.label, i % 3);
    await checkPicture(record.bytes, i);
  }
  assert.deepEqual(
    source.passedOver!().map(({ what, example, why }) => [what, example, why.split("; ")[0]]),
    [
      ["column", "photo", "could hold pictures too"],
      ["column", "mask", "could hold pictures too"],
      ["column", "coarse_label", "holds classes too"],
    ],
  );
  await source.close();
  const other = await openParquet(path, { column: "mask", label: "coarse_label" });
  assert.deepEqual([other.labels, other.passedOver!()], [["cat", "emu"], []]);
  await checkPicture((await other.get(1)).bytes, 51);
  await other.close();
});

Deno.test("parquet: pictures of one length, and a column that is told by a word of its name", async () => {
  const source = await openParquet(fixturePath("fixed.parquet"));
  assert.deepEqual([source.length, source.labels], [4, ["0", "1", "2", "3"]]);
  for (let i = 0; i < 4; i++) await checkPicture((await source.get(i)).bytes, i);
  await source.close();
  await refused(fixturePath("two-of-bytes.parquet"), /say which one by #column=NAME: first, second$/);
  await refused(
    fixturePath("lists.parquet"),
    /column images holds lists of pictures; write a row for each picture/,
  );
});

Deno.test("parquet: the class that a folder's name states where tables are divided by it", async () => {
  await withFolder(async (root) => {
    const plain = await fixture("plain.parquet"), labelled = await fixture("snappy.parquet");
    const files: string[] = [];
    for (
      const [folder, bytes] of Object.entries({
        "label=wild%20cat": plain,
        "label=dog": plain,
        "label=__HIVE_DEFAULT_PARTITION__": plain,
        "label=zebra": labelled,
        "species=emu": plain,
        "species=7": plain,
      })
    ) {
      await Deno.mkdir(`${root}/${folder}`);
      await Deno.writeFile(`${root}/${folder}/part-0.parquet`, bytes);
      files.push(`${root}/${folder}/part-0.parquet`);
    }
    const read = async (some: string[], options: ParquetOptions = {}) => {
      const source = await openParquet(some, options), names: (string | null)[] = [];
      for (let i = 0; i < source.length; i += 4) {
        const { label } = await source.get(i);
        names.push(label === undefined ? null : source.labels[label]);
      }
      await source.close();
      return names;
    };
    assert.deepEqual(await read(files.slice(0, 3)), ["wild cat", "dog", null]);
    // A column in the file goes before its folder.
    assert.deepEqual((await read(files.slice(3, 4)))[0], "cat");
    assert.deepEqual(await read(files.slice(4)), [null, null]);
    assert.deepEqual(await read(files.slice(4), { label: "species" }), ["emu", "7"]);
    await refused(files[0], /column "species" is not there/, { label: "species" });
  });
});

Deno.test("parquet: labels that are no classes are told of, and a column that can hold none is refused", async () => {
  const fraction = await classesOf("fraction"), latin = await classesOf("latin");
  assert.deepEqual(fraction.passedOver, [
    { what: "label", why: "is no class: a number with a fraction", count: 6, example: "labels.parquet:0" },
  ]);
  assert.match(latin.passedOver[0].why, /no text in UTF-8/);
  const guessed = await classesOf(undefined);
  assert.deepEqual(guessed.labels, []);
  assert.deepEqual([guessed.passedOver[0].example, guessed.passedOver[0].count], ["labels", 1]);
  assert.match(
    guessed.passedOver[0].why,
    /holds lists, of which none .*; another column can be named by #label=NAME/,
  );
  assert.deepEqual((await classesOf(undefined, { classes: false })).passedOver, []);
  const path = fixturePath("labels.parquet");
  await refused(path, /labels\.parquet: column "labels" holds lists/, { label: "labels" });
  await refused(path, /column "meta" holds structs; name one of their parts \(meta\.class, meta\.id\)/, {
    label: "meta",
  });
  await refused(path, /column "date" holds values of type DATE/, { label: "date" });
  await refused(path, /column "nothing" is not there; the file has: image, text/, { label: "nothing" });
});

Deno.test("parquet: files that list their classes in other orders are matched by name", async () => {
  const bytes = await fixture("snappy.parquet"), text = Buffer.from(bytes).toString("latin1");
  const write = async (path: string, names: string) => {
    const other = text.replace('["cat", "dog", "emu"]', names);
    assert.equal(other.length, text.length);
    await Deno.writeFile(path, new Uint8Array(Buffer.from(other, "latin1")));
  };
  await withFolder(async (folder) => {
    await write(`${folder}/b.parquet`, '["emu", "cat", "dog"]');
    const one = await openParquet([fixturePath("snappy.parquet"), `${folder}/b.parquet`]);
    assert.deepEqual(one.labels, ["cat", "dog", "emu"]);
    // Row 20 + i is row i of the second file, whose classes are i % 3 of its own list.
    const names = await Promise.all(
      [0, 1, 2, 20, 21, 22].map(async (i) => one.labels[(await one.get(i)).label!]),
    );
    assert.deepEqual(names, ["cat", "dog", "emu", "emu", "cat", "dog"]);
    await one.close();
    await write(`${folder}/c.parquet`, '["emu", "dog", "emu"]');
    await refused(
      `{${folder}/b.parquet,${folder}/c.parquet}`,
      /the class "emu" stands more than once in .*c\.parquet/,
    );
  });
});

Deno.test("parquet: numbers get given names, which must fit", async () => {
  const labels = ["dog", "crane", "crane"];
  const { names } = await classesOf("int8", { labels });
  assert.deepEqual(names, ["dog", null, "crane", "dog", null, "crane"]);
  const path = fixturePath("labels.parquet");
  await refused(path, /labels\.parquet:5 is of class 2, but the list of classes has 2 names/, {
    label: "int8",
    labels: ["cat", "dog"],
  });
  const other = await classesOf("text", { labels: ["emu", "cat"] });
  assert.deepEqual(other.names, ["cat", null, null, "cat", null, "emu"]);
  assert.match(other.passedOver[0].why, /a name that the list of classes lacks/);
  // Where the file names its classes, they are its own.
  const named = await openParquet(fixturePath("snappy.parquet"), { labels: ["x"] });
  assert.deepEqual(named.labels, ["cat", "dog", "emu"]);
  await named.close();
});

Deno.test("parquet: every encoding, in pages of both versions, as pictures and as labels", async () => {
  for (const version of [1, 2]) {
    const path = fixturePath(`encodings-v${version}.parquet`);
    for (const column of ["image", "plain", "lengths"]) {
      const source = await openParquet(path, { column });
      for (let i = 11; i >= 0; i--) await checkPicture((await source.get(i)).bytes, i);
      await source.close();
    }
    const id = (i: number) => (i * 7919) % 12 - 1,
      positive = (value: number) => value < 0 ? null : `${value}`;
    const expected: Record<string, (i: number) => string | null> = {
      text: (i) => `a class ${i % 3}`,
      fixed: (i) => i < 6 ? "abcd" : "abef",
      fixed_split: (i) => i < 6 ? "abcd" : "efgh",
      int32: (i) => positive(id(i)),
      int64: (i) => positive(id(i) * 2 ** 40),
      uint32: (i) => id(i) < 0 ? "4294967295" : `${id(i)}`,
      int_split: (i) => positive(id(i)),
      float_split: (i) => positive(id(i)),
      double_split: (i) => positive(id(i)),
      bool: (i) => id(i) > 4 ? "1" : "0",
      bool_plain: (i) => id(i) > 4 ? "1" : "0",
    };
    for (const [label, name] of Object.entries(expected)) {
      const source = await openParquet(path, { column: "image", label });
      for (let i = 0; i < 12; i++) {
        const { label: number } = await source.get(i);
        assert.equal(number === undefined ? null : source.labels[number], name(i), `${label} of row ${i}`);
      }
      await source.close();
    }
  }
});

Deno.test("parquet: a file with a codec or an encoding that is not read is refused when it is opened", async () => {
  const bytes = await fixture("snappy.parquet");
  // In the metadata: …, encodings [PLAIN, RLE, RLE_DICTIONARY], path [image, bytes], codec SNAPPY.
  const path = new TextEncoder().encode("\x05image\x05bytes\x15");
  const at = bytes.findLastIndex((_, i) => path.every((byte, k) => bytes[i + k] === byte));
  const patched = async (offset: number, value: number, words: RegExp) => {
    const copy = bytes.slice();
    copy[at + offset] = value;
    await withFolder(async (folder) => {
      await Deno.writeFile(`${folder}/a.parquet`, copy);
      await refused(`${folder}/a.parquet`, words);
    });
  };
  await patched(
    path.length,
    6,
    /a\.parquet: column image\.bytes is compressed by LZO, which is not supported; write/,
  );
  await patched(-3, 50, /a\.parquet: column image\.bytes is encoded by an encoding of no known number/);
  await patched(
    -3,
    10,
    /a\.parquet: column image\.bytes is encoded by DELTA_BINARY_PACKED, which is not supported/,
  );
});

Deno.test("parquet: differences that lie get no memory and no time", () => {
  // Blocks of 128 in 4 parts; how many; the first; then the least difference and a width for each part.
  const head = (count: number, first: number) => [128, 1, 4, count, 2 * first];
  const same = (count: number, value: number) => [...head(count, value), 0, 0, 0, 0, 0];
  assert.deepEqual(readDeltas(Uint8Array.from([...same(3, 5), 9]), 32, 3).numbers, [5n, 5n, 5n]);
  const page = Uint8Array.from([
    ...head(3, 0),
    4,
    0,
    0,
    0,
    0,
    ...head(3, 2),
    0,
    0,
    0,
    0,
    0,
    97,
    98,
    99,
    100,
    101,
    102,
  ]);
  const texts = readDeltaBytes(page, 3, 100).map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual(texts, ["ab", "abcd", "abcdef"]);
  assert.throws(() => readDeltaBytes(page, 3, 11), /values of 12 bytes, over the limit of 11/);
  const wrong: [number[], RegExp][] = [
    [[0, 4, 1, 0], /blocks of 0 in 4 parts/],
    [[128, 1, 0, 1, 0], /blocks of 128 in 0 parts/],
    [head(2, 0), /2 numbers instead of 1/],
    [[255, 255, 255, 255, 15, 4, 1, 0], /blocks of 4294967295/],
    [[128, 1, 4], /ends too early/],
  ];
  for (const [numbers, words] of wrong) {
    assert.throws(() => readDeltas(Uint8Array.from(numbers), 32, 1), words);
  }
  assert.throws(
    () => readDeltas(Uint8Array.from([...head(9, 0), 0, 33, 0, 0, 0]), 32, 9),
    /numbers of 33 bits/,
  );
  assert.throws(() => readDeltaLengths(Uint8Array.from([...same(3, 5), 9]), 3), /a value reaches beyond it/);
  assert.throws(() => readDeltaLengths(Uint8Array.from([128, 1, 4, 1, 1]), 1), /a length of -1/);
  const repeats = Uint8Array.from([...same(2, 3), ...same(2, 0), 97]);
  assert.throws(() => readDeltaBytes(repeats, 2, 100), /repeats more of the one before than there is/);
});

Deno.test("parquet: pictures in a part of a struct are taken by their path", async () => {
  const path = fixturePath("nested.parquet");
  await refused(
    path,
    /pictures may be in a part of a struct; name it: #column=sample\.image\. it has: sample/,
  );
  const source = await openParquet(path, { column: "sample.image", label: "sample.label" });
  assert.deepEqual([source.length, source.labels], [2, ["0", "1"]]);
  await checkPicture((await source.get(1)).bytes, 1);
  await source.close();
});

Deno.test("parquet: what has no pictures is refused in words", async () => {
  await refused(
    fixturePath("paths.parquet"),
    /column image holds texts, such as files' names, and no pictures; name/,
  );
  await refused(fixturePath("text.parquet"), /text\.parquet: no column of pictures.*it has: caption/);
  await refused(
    fixturePath("snappy.parquet"),
    /column "label" holds no pictures' bytes; it has: image, label/,
    {
      column: "label",
    },
  );
  await refused(fixturePath("make.py"), /make\.py: no Parquet file, or cut short/);
  await refused("/nowhere.parquet", /no such file/);
  const bytes = await fixture("snappy.parquet");
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.parquet`, bytes.subarray(0, bytes.length - 100));
    await refused(`${folder}/a.parquet`, /no Parquet file, or cut short/);
    await Deno.writeFile(`${folder}/a.parquet`, bytes.subarray(bytes.length - 5700));
    await refused(`${folder}/a.parquet`, /damaged Parquet metadata/);
    const lying = bytes.slice();
    new DataView(lying.buffer).setUint32(lying.length - 8, 1e9, true);
    await Deno.writeFile(`${folder}/a.parquet`, lying);
    await refused(`${folder}/a.parquet`, /metadata of 1000000000 bytes/);
    await Deno.writeFile(`${folder}/a.parquet`, new Uint8Array(5));
    await refused(`${folder}/a.parquet`, /no Parquet file: 5 bytes/);
    // Metadata that is one number of a megabyte of digits.
    const endless = new Uint8Array(1_000_000).fill(0xff);
    endless.set(new TextEncoder().encode("PAR1"), endless.length - 4);
    new DataView(endless.buffer).setUint32(endless.length - 8, endless.length - 20, true);
    endless[12] = 0x16;
    await Deno.writeFile(`${folder}/a.parquet`, endless);
    await refused(`${folder}/a.parquet`, /a number without end/);
  });
});

Deno.test("parquet: pages over the limit are bad records", async () => {
  const source = await openParquet(fixturePath("snappy.parquet"), { maxPageBytes: 100 });
  await assert.rejects(source.get(0), /over the limit of 100 \(maxPageBytes\)/);
  await source.close();
});

Deno.test("parquet: runs of numbers", () => {
  // 5 × 3, then eight packed numbers of 3 bits 0 … 7.
  assert.deepEqual([...readHybrid(Uint8Array.of(10, 3, 3, 0x88, 0xc6, 0xfa), 3, 13)], [
    3,
    3,
    3,
    3,
    3,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
  ]);
  assert.deepEqual([...readHybrid(new Uint8Array(0), 0, 3)], [0, 0, 0]);
  // A run of two thousand million ends where enough is read.
  assert.deepEqual([...readHybrid(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f, 1), 1, 2)], [1, 1]);
  assert.throws(() => readHybrid(Uint8Array.of(10), 3, 5), /end too early/);
  assert.throws(() => readHybrid(Uint8Array.of(255, 255, 255, 255, 255, 255), 3, 5), /end too early/);
});

Deno.test("parquet: any damage gives records or errors, never a crash or a hang", async () => {
  const files = await Promise.all(
    ["snappy", "zstd-index", "gzip-v2", "lz4", "brotli", "delta", "labels", "encodings-v1", "encodings-v2"]
      .map((name) => fixture(`${name}.parquet`)),
  );
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    // Half of the damage where the structure is: at the end, and around pages' headers at the beginning.
    const place = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.7, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 0.02, noNaN: true }),
    );
    const label = (which: number) => ({ label: which === 6 ? "dictionary" : which > 6 ? "text" : undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: files.length - 1 }),
        fc.array(fc.record({ at: place, value: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 6 }),
        async (which, writes) => {
          await Deno.writeFile(path, damage(files[which], { writes, keep: 1 }));
          await survives(() => openParquet(path, label(which)));
        },
      ),
      { numRuns: 300 },
    );
  });
});
