import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { openParquet, type ParquetOptions } from "../../../src/data/sources/parquet/open.ts";
import { unpack } from "../../../src/data/sources/parquet/compression.ts";
import { readHybrid } from "../../../src/data/sources/parquet/values.ts";
import { BadRecordError } from "../../../src/data/types.ts";
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
        (error) => error instanceof BadRecordError && /no bytes/.test(error.reason),
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
      await assert.rejects(source.get(i), /no bytes/);
      continue;
    }
    const record = await source.get(i);
    assert.equal(record.label, (30 + i) % 3);
    await checkPicture(record.bytes, 30 + i);
  }
  await source.close();
});

Deno.test("parquet: pages that claim more than their bytes can hold get no memory", () => {
  for (const codec of ["SNAPPY", "LZ4", "LZ4_RAW", "GZIP", "ZSTD", "BROTLI"]) {
    const rss = Deno.memoryUsage().rss;
    assert.throws(() => unpack(codec, new Uint8Array(1000), 2 ** 30), {
      name: "DamagedError",
      message: /cannot be|in place of/,
    });
    assert.ok(Deno.memoryUsage().rss - rss < 1e8, codec);
  }
  assert.throws(() => unpack("LZO", new Uint8Array(1), 1), /compressed by LZO, which is not supported/);
});

Deno.test("parquet: several files are one source", async () => {
  const folder = fixturePath("");
  const source = await openParquet(`${folder}{snappy,zstd-index}.parquet`);
  assert.equal(source.length, 40);
  assert.equal(await source.key(20), "zstd-index.parquet:0");
  await checkPicture((await source.get(25)).bytes, 25);
  await source.close();
  await refused(`${folder}{snappy,plain}.parquet`, /plain\.parquet: has other classes than .*snappy/);
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

Deno.test("parquet: what has no pictures is refused in words", async () => {
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
    ["snappy", "zstd-index", "gzip-v2", "lz4", "brotli", "delta"].map((name) => fixture(`${name}.parquet`)),
  );
  await withFolder(async (folder) => {
    const path = `${folder}/a.parquet`;
    // Half of the damage where the structure is: at the end, and around pages' headers at the beginning.
    const place = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.7, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 0.02, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: files.length - 1 }),
        fc.array(fc.record({ at: place, value: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 6 }),
        async (which, writes) => {
          await Deno.writeFile(path, damage(files[which], { writes, keep: 1 }));
          await survives(() => openParquet(path));
        },
      ),
      { numRuns: 300 },
    );
  });
});
