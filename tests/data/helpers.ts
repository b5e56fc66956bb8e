import { lmdbPieces } from "../../src/data/sources/lmdb/write.ts";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { StreamOptions } from "../../src/data/stream.ts";
import { BadRecordError, type Source } from "../../src/data/types.ts";
import { DEFAULT_VIEWS } from "../../src/views/sample.ts";

const folder = new URL("../fixtures/sources/", import.meta.url);

/** A fixture's bytes, unpacked. */
export async function fixture(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await Deno.readFile(new URL(name, folder));
  return name.endsWith(".gz") ? new Uint8Array(gunzipSync(bytes)) : bytes;
}

/** A fixture's path. */
export function fixturePath(name: string): string {
  return decodeURIComponent(new URL(name, folder).pathname);
}

/** A small picture's bytes that differ by `seed`; not decodable, but recognised as JPEG. */
export function fakeJpeg(seed: number, length = 200): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return bytes;
}

/** Options of a stream of small pictures, all of which are decoded every time. */
export function smallStream(
  imageSize: number,
  more: Omit<StreamOptions, "imageSize" | "views">,
): StreamOptions {
  return { cacheBytes: 0, ...more, imageSize, views: { ...DEFAULT_VIEWS, imageSize } };
}

/** Opens, reads every record and closes; damage may give errors but only of the expected kinds. */
export async function survives(open: () => Promise<Source>): Promise<void> {
  let source: Source;
  try {
    source = await open();
  } catch (error) {
    assert.ok(error instanceof Error && error.message.length > 5, `threw ${error}`);
    return;
  }
  try {
    assert.ok(source.length < 100_000);
    for (let i = 0; i < Math.min(source.length, 50); i++) {
      try {
        const record = await source.get(i);
        assert.ok(record.bytes.length < 1e6);
      } catch (error) {
        if (!(error instanceof BadRecordError)) {
          assert.ok(error instanceof Error && error.message.length > 5, `threw ${error}`);
        }
      }
    }
  } finally {
    await source.close();
  }
}

/** A damage to a file: bytes overwritten, and perhaps an end cut off. */
export interface Damage {
  writes: { at: number; value: number }[];
  keep: number;
}

/** Applies a damage; places are shares of the length. */
export function damage(bytes: Uint8Array, { writes, keep }: Damage): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  for (const { at, value } of writes) out[Math.min(Math.floor(at * out.length), out.length - 1)] = value;
  return out.slice(0, Math.ceil(keep * out.length));
}

/** An LMDB of these keys, each with a picture. */
export async function lmdbOf(path: string, keys: readonly string[]): Promise<void> {
  const picture = fakeJpeg(1, 20);
  const records = {
    count: keys.length,
    key: (index: number) => new TextEncoder().encode(keys[index]),
    size: () => picture.length,
    values: async function* () {
      for (const _ of keys) yield await Promise.resolve(picture);
    },
  };
  await Deno.writeFile(path, ReadableStream.from(lmdbPieces(records)));
}
