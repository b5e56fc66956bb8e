import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "npm:fast-check@4.10.2";
import { gzipSync } from "node:zlib";
import { gunzipped, GzipError } from "../../../src/data/io/reader/gunzip.ts";

/** What comes out of a stream in chunks of a size, and the kind of its error. */
async function unpack(bytes: Uint8Array, size: number): Promise<{ plain: Uint8Array; kind: string | null }> {
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield await bytes.subarray(at, at + size);
  };
  const parts: Uint8Array[] = [];
  try {
    for await (const part of gunzipped("a.gz", chunks())) parts.push(part);
  } catch (error) {
    if (!(error instanceof GzipError)) throw error;
    return { plain: new Uint8Array(Buffer.concat(parts)), kind: error.kind };
  }
  return { plain: new Uint8Array(Buffer.concat(parts)), kind: null };
}

const noise = (length: number, seed = 1) =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 2654435761 * seed) >>> 13);
const joined = (...parts: (Uint8Array | string)[]) => {
  const encoder = new TextEncoder();
  return new Uint8Array(
    Buffer.concat(parts.map((part) => typeof part === "string" ? encoder.encode(part) : part)),
  );
};

Deno.test("gunzip: everything that was packed comes out before an error, which says what is wrong", async () => {
  const plain = joined(noise(40_000), new Uint8Array(60_000), noise(40_000, 3)), packed = gzipSync(plain);
  const changed = (at: number) => {
    const bytes = new Uint8Array(packed);
    bytes[at] ^= 1;
    return bytes;
  };
  const header = new Uint8Array([
    0x1f,
    0x8b,
    8,
    4 + 8 + 16 + 2,
    0,
    0,
    0,
    0,
    0,
    3,
    2,
    0,
    7,
    7,
    65,
    0,
    66,
    0,
    1,
    2,
  ]);
  const cases: [string, Uint8Array, string | null][] = [
    ["whole", packed, null],
    ["not packed", plain, null],
    ["a byte", plain.subarray(0, 1), null],
    ["nothing", new Uint8Array(0), null],
    ["with all fields in its header", joined(header, packed.subarray(10)), null],
    ["zeros behind", joined(packed, new Uint8Array(700)), null],
    ["without its checksum", packed.subarray(0, -8), "cut"],
    ["with half a checksum", packed.subarray(0, -3), "cut"],
    ["another checksum", changed(packed.length - 6), "checksum"],
    ["another length", changed(packed.length - 1), "checksum"],
    ["something behind", joined(packed, "<html>"), "rest"],
    ["a header behind", joined(packed, packed.subarray(0, 6)), "cut"],
    ["a damaged header behind", joined(packed, packed.subarray(0, 2), "0123456789"), "damaged"],
  ];
  for (const [name, bytes, kind] of cases) {
    for (const size of [11, 5000, 1e6]) {
      const got = await unpack(bytes, size);
      const whole = bytes.length < 2 || kind === null && name !== "whole" ? null : plain;
      assert.equal(got.kind, kind, name);
      if (whole) assert.deepEqual(got.plain, whole, `${name}, by ${size}`);
    }
  }
});

Deno.test("gunzip: a stream that is cut gives what stands before the cut", async () => {
  const plain = noise(50_000), packed = gzipSync(plain);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 20, max: packed.length - 9 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (end, size) => {
        const got = await unpack(packed.subarray(0, end), size);
        assert.equal(got.kind, "cut");
        assert.deepEqual(got.plain, plain.subarray(0, got.plain.length));
        // Noise cannot be packed: a byte in is a byte out, but for the decoder's own buffer.
        assert.ok(got.plain.length > end - 1000, `${got.plain.length} of ${end}`);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("gunzip: members one behind the other, padded or not, are one stream", async () => {
  const parts = Array.from({ length: 60 }, (_, i) => noise(i * 37, i + 1));
  const packed = joined(...parts.flatMap((part, i) => [gzipSync(part), new Uint8Array(i % 3)]));
  for (const size of [3, 1000, 1e6]) {
    assert.deepEqual(await unpack(packed, size), { plain: joined(...parts), kind: null });
  }
});

Deno.test("gunzip: an error of the source stays what it is", async () => {
  const chunks = async function* () {
    yield await gzipSync(noise(9000)).subarray(0, 4000);
    throw new Error("the server is gone");
  };
  await assert.rejects(Array.fromAsync(gunzipped("a.gz", chunks())), /^Error: the server is gone/);
});
