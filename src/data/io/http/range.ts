import { redact } from "../../../files/redact.ts";
import { cachedReader, type CacheOptions } from "../reader/cache.ts";
import { type ByteReader, requireInside } from "../reader/types.ts";
import { httpStream } from "./stream.ts";
import type { HttpOptions, Identity } from "./types.ts";

/** How a remote file is read in pieces. */
export interface RangeOptions extends HttpOptions, Partial<CacheOptions> {}

/**
 * Opens a remote file for reads at any place, by Range requests. Blocks of 256 KiB are kept, 16 MiB in all, unless the
 * options say otherwise.
 *
 * @param url An http or https URL.
 * @param options Patience, headers and the cache's sizes.
 * @returns A reader; closing it breaks off what is under way.
 * @throws {Error} The server cannot be reached, does not answer ranges or does not say the file's length.
 */
export async function openRangeReader(url: string, options: RangeOptions = {}): Promise<ByteReader> {
  const { blockSize = 256 * 1024, maxBytes = 16 * 1024 * 1024 } = options;
  const controller = new AbortController(), shown = redact(url);
  const identity = await probe(url, options);
  const length = identity.length;
  if (length === null) {
    throw new Error(`${shown}: the server does not say how long the file is (Content-Range .../*)`);
  }
  const running = new Set<Promise<unknown>>();
  const fetchBytes = async (offset: number, size: number): Promise<Uint8Array<ArrayBuffer>> => {
    const out = new Uint8Array(size);
    let to = 0;
    const range = { start: offset, end: offset + size, expected: identity, strict: true };
    for await (const chunk of httpStream(url, range, options, controller.signal)) {
      out.set(chunk, to);
      to += chunk.length;
    }
    return out;
  };
  const reader: ByteReader = {
    uri: shown,
    length,
    async read(offset, size): Promise<Uint8Array<ArrayBuffer>> {
      if (controller.signal.aborted) throw new Error(`${shown}: already closed`);
      requireInside(shown, length, offset, size);
      if (size === 0) return new Uint8Array(0);
      const work = fetchBytes(offset, size);
      running.add(work);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
    async close(): Promise<void> {
      controller.abort(new Error(`${shown}: closed`));
      await Promise.allSettled(running);
    },
  };
  return cachedReader(reader, { blockSize, maxBytes });
}

/** Asks for the first byte and learns from the answer whether ranges work, and how long the file is. */
async function probe(url: string, options: HttpOptions): Promise<Identity> {
  let known: Identity | null = null;
  const range = {
    start: 0,
    end: 1,
    strict: true,
    onAnswer: (answer: { identity: Identity }) => known = answer.identity,
  };
  const stream = httpStream(url, range, options);
  try {
    await stream.next();
  } finally {
    await stream.return();
  }
  if (!known) throw new Error(`${redact(url)}: the server's file is empty`);
  return known;
}
