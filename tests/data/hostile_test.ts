import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parquetMetadata } from "npm:hyparquet@1.31.5";
import { deflateSync, gzipSync } from "node:zlib";
import type { HttpOptions } from "../../src/data/io/http/types.ts";
import { openBadLog } from "../../src/data/epoch/bad_log.ts";
import { take } from "../../src/data/iter.ts";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { type BadRecord, streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Batch, type Source } from "../../src/data/types.ts";
import { encodePng, pngChunk } from "../../src/data/picture/png.ts";
import { draw, gradient, jpeg, png, withFolder, writeFiles } from "./pictures.ts";
import { fixture, smallStream } from "./helpers.ts";
import { rawServer, serveBytes, server } from "./http_servers.ts";
import { tarFile } from "./tar_writer.ts";

const OPTIONS = smallStream(16, { batchSize: 8, seed: 1, workers: 2 });

/** A JPEG or PNG whose header claims 60,000 × 60,000 pixels. */
async function bombs(): Promise<Record<string, Uint8Array>> {
  const photo = await jpeg(1, 64, 48);
  const frame = photo.findIndex((byte, i) =>
    byte === 0xff && (photo[i + 1] === 0xc0 || photo[i + 1] === 0xc2)
  );
  const claim = new DataView(photo.buffer, photo.byteOffset + frame);
  claim.setUint16(5, 60_000);
  claim.setUint16(7, 60_000);
  // Rows of zeros, deflated to almost nothing; the size is in the header, after the 8 bytes of the signature.
  const small = encodePng({ width: 1, height: 1, data: new Uint8Array(3) });
  const header = small.slice(16, 29), size = new DataView(header.buffer);
  size.setUint32(0, 60_000);
  size.setUint32(4, 60_000);
  const zeros = pngChunk("IDAT", deflateSync(new Uint8Array(4 << 20)));
  const png = [small.slice(0, 8), pngChunk("IHDR", header), zeros, pngChunk("IEND", new Uint8Array())];
  return { "bomb.jpg": photo, "bomb.png": new Uint8Array(Buffer.concat(png)) };
}

/** A GIF of 60,000 × 60,000 pixels, all of them one code. */
function bombGif(): Uint8Array {
  const size = [60_000 & 255, 60_000 >> 8, 60_000 & 255, 60_000 >> 8];
  const screen = [...new TextEncoder().encode("GIF89a"), ...size, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  return Uint8Array.from([...screen, 0x2c, 0, 0, 0, 0, ...size, 0, 2, 2, 0x44, 1, 0, 0x3b]);
}

/** A TIFF whose one strip claims 60,000 × 60,000 grey pixels. */
function bombTiff(): Uint8Array {
  const tags: [tag: number, value: number][] = [
    [256, 60_000],
    [257, 60_000],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 200],
    [277, 1],
    [278, 60_000],
    [279, 3_600_000_000],
  ];
  const bytes = new Uint8Array(1000), data = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0, 8]);
  data.setUint16(8, tags.length, true);
  tags.forEach(([tag, value], i) => {
    data.setUint16(10 + 12 * i, tag, true);
    data.setUint16(12 + 12 * i, 4, true);
    data.setUint32(14 + 12 * i, 1, true);
    data.setUint32(18 + 12 * i, value, true);
  });
  return bytes;
}

/** A progressive JPEG with its last scan six hundred times. */
async function manyScans(): Promise<Uint8Array> {
  const file = new Uint8Array(await draw(gradient(64, 48)).jpeg({ progressive: true }).toBuffer());
  const last = file.findLastIndex((byte, i) => byte === 0xff && file[i + 1] === 0xda);
  const scan = file.subarray(last, -2), out = new Uint8Array(file.length + 600 * scan.length);
  out.set(file);
  for (let i = 0; i < 600; i++) out.set(scan, file.length - 2 + i * scan.length);
  out.set([0xff, 0xd9], out.length - 2);
  return out;
}

/** `count` good pictures. */
async function good(count: number): Promise<Record<string, Uint8Array>> {
  const pictures = await Promise.all([jpeg(1, 70, 50), jpeg(2, 80, 60), png(3)]);
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`good/${i}.jpg`, pictures[i % 3]]));
}

async function run(uri: string, batches: number, options: Partial<StreamOptions> = {}) {
  const data = await openData(uri, { http: { retries: 1, backoff: 10, stall: 5000 } });
  const bad: BadRecord[] = [];
  try {
    const stream = streamBatches(data, { ...OPTIONS, onBadRecord: (record) => bad.push(record), ...options });
    const got: Batch[] = await Array.fromAsync(take(stream, batches));
    return { bad, got };
  } finally {
    await closeData(data);
  }
}

Deno.test("hostile pictures in a folder: each is counted and named once, the others train", async () => {
  await withFolder(async (folder) => {
    const photo = await jpeg(5, 200, 150), flipped = photo.slice();
    for (let i = 300; i < flipped.length; i += 97) flipped[i] ^= 1 << (i % 8);
    const hostile = {
      ...await bombs(),
      "cut.jpg": photo.slice(0, photo.length >> 1),
      "flipped.jpg": flipped,
      "zip.jpg": new Uint8Array([0x50, 0x4b, 3, 4, ...new Array(100).fill(7)]),
      "empty.jpg": new Uint8Array(0),
      "bomb.gif": bombGif(),
      "bomb.tiff": bombTiff(),
      "scans.jpg": await manyScans(),
    };
    await writeFiles(`${folder}/p`, { ...await good(940), ...hostile });
    const rss = Deno.memoryUsage().rss;
    const { bad, got } = await run(`${folder}/p`, 120);
    assert.ok(Deno.memoryUsage().rss - rss < 300e6, "a bomb went off");
    assert.equal(got.at(-1)!.epoch, 1);
    const log = await openBadLog(`${folder}/bad.jsonl`);
    for (const record of bad) log.add(record);
    log.close();
    const lines = (await Deno.readTextFile(`${folder}/bad.jsonl`)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    const reasons = new Map(lines.map(({ key, reason }) => [key, reason as string]));
    assert.equal(reasons.size, lines.length, "a record was named twice");
    // Flipped bits may still be codes that mean something: a JPEG has no checksum.
    reasons.delete("flipped.jpg");
    assert.deepEqual([...reasons.keys(), "flipped.jpg"].sort(), Object.keys(hostile).sort());
    assert.match(reasons.get("bomb.jpg")!, /too large \(60000 × 60000\)/);
    assert.match(reasons.get("bomb.png")!, /too large/);
    for (const name of ["bomb.gif", "bomb.tiff"]) {
      assert.match(reasons.get(name)!, /too large|cannot be decoded/);
    }
    assert.match(reasons.get("scans.jpg")!, /more than 500 scans/);
    assert.match(reasons.get("zip.jpg")!, /no JPEG, PNG.*begins with bytes 50 4b/);
    assert.match(reasons.get("empty.jpg")!, /empty: 0 bytes/);
    await assert.rejects(run(`${folder}/p`, 120, { onBad: "fail" }), BadRecordError);
  });
});

Deno.test("a server that closes in the middle, answers 500, stalls or lies ends the stream with its name", async () => {
  const content = tarFile(
    Object.entries(await good(40)).map(([name, bytes]) => ({ name, content: new Uint8Array(bytes) })),
  );
  const head = (length: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`;
  const scripts: Record<string, (string | Uint8Array)[]> = {
    closes: [head(content.length), content.slice(0, 5000)],
    fails: ["HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"],
    stalls: [head(content.length), content.slice(0, 5000), "stall"],
    lies: [head(content.length - 3000), content],
  };
  for (const [kind, script] of Object.entries(scripts)) {
    await using running = rawServer(() => script);
    // Where the server says that this is all there is, the shard is damaged: a fault of the data, which may be skipped.
    const onBad = kind === "lies" ? "fail" : "skip";
    await assert.rejects(run(`tar:${running.url}`, 50, { onBad }), /127\.0\.0\.1/, kind);
  }
});

Deno.test("Parquet over http from a server that stalls, closes, fails, or lies about lengths ends with its name", async () => {
  const content = await fixture("zstd-index.parquet"), whole = content.length;
  const partial = (from: number, to: number, length = to - from) =>
    `HTTP/1.1 206 P\r\netag: "v1"\r\ncontent-length: ${length}\r\ncontent-range: bytes ${from}-${
      to - 1
    }/${whole}\r\n\r\n`;
  const wanted = (request: string) => {
    const [, from, to] = /range: bytes=(\d+)-(\d+)/i.exec(request)!;
    return [Number(from), Number(to) + 1];
  };
  type Answer = (from: number, to: number) => (string | Uint8Array)[];
  const hostile: Record<string, Answer> = {
    stalls: (from, to) => [partial(from, to), content.slice(from, from + 1), "stall"],
    closes: (from, to) => [partial(from, to), content.slice(from, from + 1)],
    fails: () => ["HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"],
    "sends less": (from, to) => [partial(from, to, 1), content.slice(from, from + 1)],
    "sends another place": (from, to) => [partial(from + 1, to + 1), content.slice(from, to)],
    "is another file": (from, to) => [partial(from, to).replace("v1", "v2"), content.slice(from, to)],
  };
  for (const [kind, answer] of Object.entries(hostile)) {
    // Well behaved while the file is opened, hostile where the pictures are.
    await using running = rawServer((request) => {
      const [from, to] = wanted(request);
      return to > whole - 9000 || from === 0 && to === 1
        ? [partial(from, to), content.slice(from, to)]
        : answer(from, to);
    });
    const data = await openData(`parquet:${running.url}`, {
      http: { retries: 1, backoff: 5, stall: 200, blockSize: 500 } as HttpOptions,
    });
    const stream = streamBatches(data, { ...OPTIONS, batchSize: 4 });
    await assert.rejects(Array.fromAsync(take(stream, 3)), /127\.0\.0\.1/, kind);
    await closeData(data);
  }
});

Deno.test("Parquet with wrong offsets, a tar with a huge member: bad records by their names, in a stream of batches", async () => {
  await withFolder(async (folder) => {
    const bytes = await fixture("snappy.parquet");
    // Where the second row group says that its pictures begin there is no page.
    const { dictionary_page_offset } = parquetMetadata(bytes.buffer).row_groups[1].columns[0].meta_data!;
    bytes.fill(0xff, Number(dictionary_page_offset), Number(dictionary_page_offset) + 9);
    await Deno.writeFile(`${folder}/a.parquet`, bytes);
    const files = Object.entries(await good(600)).map(([name, content]) => ({
      name,
      content: new Uint8Array(content),
    }));
    const huge = { name: "huge.jpg", content: new Uint8Array(9), size: "77777777777\0" };
    await Deno.writeFile(`${folder}/b.tar.gz`, gzipSync(tarFile([...files, huge])));
    await Deno.writeFile(`${folder}/c.tar`, tarFile([...files, huge]));
    const { bad } = await run(`${folder}/b.tar.gz`, 70);
    const named = bad.slice(0, 2).map(({ source, key }) => [source, key]);
    assert.deepEqual(named, ["huge", "(the rest of the shard)"].map((key) => [`${folder}/b.tar.gz`, key]));
    await assert.rejects(
      run(`${folder}/c.tar`, 1),
      /c\.tar: ends after \d+ bytes, in the middle of huge\.jpg/,
    );
    const data = await openData(`${folder}/a.parquet`);
    assert.ok(data.access === "random");
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => data.source.get(i)));
    await closeData(data);
    const failed = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
    assert.equal(failed.length, 1 + 8, "a null, and all of that row group");
    for (const error of failed) {
      assert.ok(error instanceof BadRecordError, String(error));
      assert.match(error.message, /a\.parquet: a\.parquet:\d+: /);
    }
  });
});

Deno.test("a connection that breaks once is taken up again, and the batches are the same", async () => {
  const content = tarFile(
    Object.entries(await good(24)).map(([name, bytes]) => ({ name, content: new Uint8Array(bytes) })),
  );
  let requests = 0;
  const head =
    `HTTP/1.1 200 OK\r\netag: "v1"\r\naccept-ranges: bytes\r\ncontent-length: ${content.length}\r\n\r\n`;
  await using breaking = rawServer((request) => {
    const from = Number(/range: bytes=(\d+)-/i.exec(request)?.[1] ?? 0);
    if (++requests === 1) return [head, content.slice(0, content.length >> 1)];
    const range = `etag: "v1"\r\ncontent-range: bytes ${from}-${content.length - 1}/${content.length}\r\n`;
    const rest = `HTTP/1.1 206 Partial Content\r\n${range}content-length: ${content.length - from}\r\n\r\n`;
    return [rest, content.slice(from)];
  });
  await using steady = server((request) => serveBytes(request, content));
  const [broken, expected] = [await run(`tar:${breaking.url}`, 3), await run(`tar:${steady.url}`, 3)];
  assert.deepEqual(broken.got.map(({ base }) => base), expected.got.map(({ base }) => base));
});

Deno.test("a consumer that stops in the middle of a stalled download is not held up", async () => {
  const content = tarFile(
    Object.entries(await good(24)).map(([name, bytes]) => ({ name, content: new Uint8Array(bytes) })),
  );
  await using running = rawServer(
    () => ["HTTP/1.1 200 OK\r\n\r\n", content.slice(0, content.length - 9000), "stall"],
  );
  const data = await openData(`tar:${running.url}`, { classes: false }), start = performance.now();
  for await (const _ of streamBatches(data, { ...OPTIONS, batchSize: 2, shuffleBuffer: 2, prefetch: 1 })) {
    break;
  }
  await closeData(data);
  assert.ok(performance.now() - start < 5000);
});

Deno.test("memory stays where it is, however many records pass", async () => {
  const file = await jpeg(1, 300, 200);
  const endless: Source = {
    uri: "memory",
    length: 1_000_000,
    labels: [],
    get: (index) => Promise.resolve({ key: String(index), bytes: file.slice() }),
    key: (index) => Promise.resolve(String(index)),
    close: () => Promise.resolve(),
  };
  const stream = streamBatches(endless, smallStream(64, OPTIONS));
  const pass = async (batches: number) => {
    for (let i = 0; i < batches; i++) await stream.next();
    return Deno.memoryUsage().rss;
  };
  const early = await pass(100), late = await pass(150);
  await stream.return();
  // 1,200 pictures of 180 kB, decoded, are 216 MB.
  assert.ok(late - early < 60e6, `grew by ${((late - early) / 1e6).toFixed(0)} MB`);
});
