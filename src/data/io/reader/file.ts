import * as fs from "node:fs";
import { pathError } from "../paths.ts";
import { type ByteReader, requireInside } from "./types.ts";

/**
 * Opens a local file for reads at any place. Positioned reads share no file position, so many may run at once.
 *
 * @param path The file.
 * @returns A reader; close it.
 * @throws {Error} That names the path when it is missing, is a folder or must not be read.
 */
export async function openFileReader(path: string): Promise<ByteReader> {
  const { fd, length } = await openFile(path);
  let open = true;
  const running = new Set<Promise<unknown>>();
  const read = async (offset: number, size: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (!open) throw new Error(`${path}: already closed`);
    requireInside(path, length, offset, size);
    const bytes = new Uint8Array(size);
    const filling = fill(fd, bytes, offset);
    running.add(filling);
    let got: number;
    try {
      got = await filling;
    } finally {
      running.delete(filling);
    }
    if (got < size) {
      throw new RangeError(`${path}: became shorter while it was read (at byte ${offset + got})`);
    }
    return bytes;
  };
  return {
    uri: path,
    length,
    read,
    async close(): Promise<void> {
      if (!open) return;
      open = false;
      // A descriptor's number is given out again at once, so no read may still be under way.
      await Promise.allSettled(running);
      fs.closeSync(fd);
    },
  };
}

/** Opens a file, works with it and closes it. */
export async function withFileReader<T>(path: string, work: (reader: ByteReader) => Promise<T>): Promise<T> {
  const reader = await openFileReader(path);
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

/** Opens a file and tells its size; refuses folders, which open fine on some systems. */
async function openFile(path: string): Promise<{ fd: number; length: number }> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    throw pathError(error, path, "read");
  }
  if (!info.isFile) throw new Error(`${path}: not a file`);
  try {
    return { fd: fs.openSync(path, "r"), length: info.size };
  } catch (error) {
    throw pathError(error, path, "read");
  }
}

/** Reads until `bytes` is full or the file ends; returns how many bytes came. */
async function fill(fd: number, bytes: Uint8Array, offset: number): Promise<number> {
  let got = 0;
  while (got < bytes.length) {
    const count = await new Promise<number>((resolve, reject) =>
      fs.read(
        fd,
        bytes,
        got,
        bytes.length - got,
        offset + got,
        (error, n) => error ? reject(error) : resolve(n),
      )
    );
    if (count === 0) break;
    got += count;
  }
  return got;
}
