import { type ByteReader, requireInside } from "./types.ts";

/** A function that remembers results; those that were not used for long are forgotten first. */
export interface Memo<K, V> {
  (key: K): Promise<V>;
  /** Weight of what is remembered. */
  readonly weight: number;
  /** Forgets everything. */
  clear(): void;
}

/**
 * Remembers the results of `load` up to a weight in all. Calls for the same key at the same time share one load; a
 * failure is not remembered.
 *
 * @param maxWeight What all results together may weigh, say in bytes.
 * @param load Makes the value of a key.
 * @param weigh The weight of a value.
 */
export function memo<K, V>(
  maxWeight: number,
  load: (key: K) => Promise<V>,
  weigh: (value: V) => number,
): Memo<K, V> {
  // A hit only leaves a mark, and what is marked gets another round before it is forgotten: moving an entry to the Map's end
  // at every hit would make the Map new again and again, and old ones hold on to their followers until the next full
  // garbage collection.
  const held = new Map<K, { value: Promise<V>; weight: number; used: boolean }>();
  let total = 0;
  const get = (key: K): Promise<V> => {
    const known = held.get(key);
    if (known) {
      known.used = true;
      return known.value;
    }
    const entry = { value: load(key), weight: 0, used: false };
    held.set(key, entry);
    entry.value.then((value) => {
      if (held.get(key) !== entry) return;
      total += entry.weight = Math.max(weigh(value), 1);
      for (const [old, other] of held) {
        if (total <= maxWeight) break;
        // Weight 0 is still being loaded: others wait for it.
        if (other.weight === 0) continue;
        held.delete(old);
        if (other.used) {
          other.used = false;
          held.set(old, other);
        } else total -= other.weight;
      }
    }, () => {
      if (held.get(key) === entry) held.delete(key);
    });
    return entry.value;
  };
  const clear = () => {
    held.clear();
    total = 0;
  };
  return Object.defineProperty(Object.assign(get, { clear }), "weight", { get: () => total }) as Memo<K, V>;
}

/** How a {@linkcode cachedReader} reads. */
export interface CacheOptions {
  /** Bytes read and kept together. */
  blockSize: number;
  /** Bytes kept in all. */
  maxBytes: number;
}

/**
 * Puts a bounded cache of blocks before a reader. Reads of more than four blocks go past the cache, so that large values
 * do not push out what is read often.
 *
 * @param reader Closed together with the result.
 * @param options The sizes.
 */
export function cachedReader(reader: ByteReader, options: CacheOptions): ByteReader {
  const { blockSize, maxBytes } = options;
  const block = memo<number, Uint8Array<ArrayBuffer>>(
    maxBytes,
    (number) => reader.read(number * blockSize, Math.min(blockSize, reader.length - number * blockSize)),
    (bytes) => bytes.length,
  );
  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    requireInside(reader.uri, reader.length, offset, length);
    if (length === 0) return new Uint8Array(0);
    const first = Math.floor(offset / blockSize), last = Math.floor((offset + length - 1) / blockSize);
    if (last - first >= 4) return await reader.read(offset, length);
    const blocks = await Promise.all(Array.from({ length: last - first + 1 }, (_, i) => block(first + i)));
    const start = offset - first * blockSize;
    if (blocks.length === 1) return blocks[0].subarray(start, start + length);
    const out = new Uint8Array(length);
    let to = 0;
    blocks.forEach((bytes, i) => {
      const part = bytes.subarray(i === 0 ? start : 0, (i === 0 ? start : 0) + length - to);
      out.set(part, to);
      to += part.length;
    });
    return out;
  };
  return {
    uri: reader.uri,
    length: reader.length,
    read,
    close(): Promise<void> {
      block.clear();
      return reader.close();
    },
  };
}
