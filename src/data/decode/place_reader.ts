import { standAsAnnotated } from "../picture/as_annotated.ts";
import { decodeRecord } from "../sources/shards/format.ts";
import type { RecordPlace } from "../types.ts";

/** Reads records by their place, one after another. */
export interface PlaceReader {
  /**
   * Reads a record. Its bytes hold until the next read.
   *
   * @returns Null if anything is wrong or unusual: the source itself then says what.
   */
  read(place: RecordPlace): { key?: string; bytes: Uint8Array } | null;
  /** Closes files. */
  close(): void;
}

/** A file, or a value in one, larger than this is left to the source. */
const MOST_BYTES = 64 * 2 ** 20;
/** Bytes of memory for files at first. Memory beyond the other bound is not kept for the next read. */
const USUAL = 2 ** 18, KEPT = 4 * 2 ** 20;

/**
 * Reads files without waiting for anything else, for threads that do nothing else meanwhile: a file in the system's cache
 * takes a tenth of the time of an asynchronous read, and crosses no thread.
 *
 * @param most How many files that hold several records stay open.
 */
export function placeReader(most = 16): PlaceReader {
  const open = new Map<string, Deno.FsFile>();
  let memory = new Uint8Array(USUAL);
  const room = (length: number) => {
    if (memory.length < length || memory.length > KEPT) memory = new Uint8Array(Math.max(length, USUAL));
  };
  /** Reads so many bytes. */
  const part = (file: Deno.FsFile, length: number): Uint8Array | null => {
    if (length > MOST_BYTES) return null;
    room(length);
    for (let done = 0; done < length;) {
      const count = file.readSync(memory.subarray(done, length));
      if (count === null) return null;
      done += count;
    }
    return memory.subarray(0, length);
  };
  /** Reads to the end. Asking for the length first would cost half as much as the read. */
  const whole = (file: Deno.FsFile): Uint8Array | null => {
    room(0);
    for (let done = 0;;) {
      const count = file.readSync(memory.subarray(done));
      if (count === null) return memory.subarray(0, done);
      done += count;
      if (done > MOST_BYTES) return null;
      if (done < memory.length) continue;
      const larger = new Uint8Array(2 * done);
      larger.set(memory);
      memory = larger;
    }
  };
  const opened = (path: string): Deno.FsFile => {
    const file = open.get(path) ?? Deno.openSync(path);
    // The one used last stands last.
    open.delete(path);
    open.set(path, file);
    const [oldest] = open.keys();
    if (open.size > most) {
      open.get(oldest)!.close();
      open.delete(oldest);
    }
    return file;
  };
  return {
    read(place) {
      try {
        if (!("offset" in place)) {
          using file = Deno.openSync(place.path);
          const bytes = whole(file);
          if (bytes && place.annotated) standAsAnnotated(bytes, place.annotated);
          return bytes && { bytes };
        }
        const file = opened(place.path);
        file.seekSync(place.offset, Deno.SeekMode.Start);
        const bytes = part(file, place.length);
        return bytes && decodeRecord(bytes);
      } catch {
        return null;
      }
    },
    close() {
      for (const file of open.values()) file.close();
      open.clear();
    },
  };
}
