import type { ByteReader } from "./types.ts";

/** Readers of many files, of which only some are open at a time. */
export interface ReaderPool {
  /** Works with the reader of file `file`, which stays open meanwhile. */
  use<T>(file: number, work: (reader: ByteReader) => Promise<T>): Promise<T>;
  /** Closes every reader once nothing works with it. */
  close(): Promise<void>;
}

/**
 * Opens files when they are needed and closes the ones not used for longest: systems allow a process some thousand open
 * files at most.
 *
 * @param open Opens file 0, 1, 2 …
 * @param most How many may be open while nothing works with them. Default 128.
 */
export function readerPool(open: (file: number) => Promise<ByteReader>, most = 128): ReaderPool {
  const entries = new Map<number, { reader: Promise<ByteReader>; uses: number }>();
  const running = new Set<Promise<unknown>>();
  let closed = false;
  const evict = async () => {
    for (const [file, entry] of entries) {
      if (entries.size <= most) return;
      if (entry.uses > 0) continue;
      entries.delete(file);
      await (await entry.reader).close();
    }
  };
  const work = async <T>(file: number, use: (reader: ByteReader) => Promise<T>): Promise<T> => {
    let entry = entries.get(file);
    if (entry) entries.delete(file);
    else entry = { reader: open(file), uses: 0 };
    entries.set(file, entry);
    entry.uses++;
    try {
      return await use(await entry.reader);
    } catch (error) {
      // A file that could not be opened may be there the next time.
      await entry.reader.catch(() => entries.delete(file));
      throw error;
    } finally {
      entry.uses--;
      await evict();
    }
  };
  return {
    async use(file, use) {
      if (closed) throw new Error("the source was closed");
      const promise = work(file, use);
      running.add(promise);
      try {
        return await promise;
      } finally {
        running.delete(promise);
      }
    },
    async close() {
      closed = true;
      const readers = [...entries.values()].map((entry) => entry.reader);
      // Closing a reader breaks off or awaits its reads, so what runs ends soon.
      for (const reader of await Promise.allSettled(readers)) {
        if (reader.status === "fulfilled") await reader.value.close();
      }
      await Promise.allSettled(running);
      entries.clear();
    },
  };
}
