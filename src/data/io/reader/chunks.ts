import * as fs from "node:fs";
import { pathError } from "../paths.ts";

/** Takes bytes off the front of a stream of chunks. */
export interface ByteQueue {
  /** How many bytes have been taken. */
  readonly position: number;
  /** Takes `count` bytes, fewer only at the end of the stream. The result is a copy. */
  read(count: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Passes over `count` bytes; tells how many there were. */
  skip(count: number): Promise<number>;
}

/**
 * Reads by count from chunks of any size. Holds one chunk at a time.
 *
 * @param chunks An iterator; the caller closes it.
 */
export function byteQueue(chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>): ByteQueue {
  let chunk: Uint8Array = new Uint8Array(0);
  let position = 0;
  const more = async (): Promise<boolean> => {
    while (chunk.length === 0) {
      const step = await chunks.next();
      if (step.done) return false;
      chunk = step.value;
    }
    return true;
  };
  const take = (most: number): Uint8Array => {
    const part = chunk.subarray(0, most);
    chunk = chunk.subarray(part.length);
    position += part.length;
    return part;
  };
  return {
    get position() {
      return position;
    },
    async read(count) {
      let out = new Uint8Array(Math.min(count, 1 << 20));
      let to = 0;
      while (to < count && await more()) {
        const part = take(count - to);
        // Memory follows what really comes, not what a header promises.
        if (to + part.length > out.length) {
          const larger = new Uint8Array(Math.min(count, Math.max(out.length * 2, to + part.length)));
          larger.set(out.subarray(0, to));
          out = larger;
        }
        out.set(part, to);
        to += part.length;
      }
      return to === out.length ? out : out.slice(0, to);
    },
    async skip(count) {
      let passed = 0;
      while (passed < count && await more()) passed += take(count - passed).length;
      return passed;
    },
  };
}

/** A {@linkcode ByteQueue} over a local file. */
export interface FileQueue extends ByteQueue {
  /** Size of the file in bytes. */
  readonly length: number;
  /** The next bytes without taking them. */
  peek(count: number): Promise<Uint8Array>;
  close(): void;
}

/**
 * Reads by count from a local file and jumps over what is passed, for a look at headers alone.
 *
 * Reads are synchronous and small, a tenth of the cost of asynchronous ones; every thousandth lets others run.
 *
 * @param path The file.
 * @param window Bytes read at once when fewer are asked for.
 * @throws {Error} That names the path when it cannot be opened.
 */
export function fileQueue(path: string, window = 2048): FileQueue {
  let fd: number;
  try {
    Deno.statSync(path);
    fd = fs.openSync(path, "r");
  } catch (error) {
    throw pathError(error, path, "read");
  }
  const length = fs.fstatSync(fd).size;
  let held = new Uint8Array(0), heldAt = 0, position = 0, reads = 0;
  const peek = async (count: number): Promise<Uint8Array<ArrayBuffer>> => {
    count = Math.min(count, length - position);
    if (position < heldAt || position + count > heldAt + held.length) {
      if (++reads % 1000 === 0) await new Promise((resolve) => setTimeout(resolve));
      held = new Uint8Array(Math.max(count, Math.min(window, length - position)));
      heldAt = position;
      held = held.subarray(0, fs.readSync(fd, held, 0, held.length, position));
    }
    return held.slice(position - heldAt, position - heldAt + count);
  };
  return {
    length,
    get position() {
      return position;
    },
    peek,
    async read(count) {
      const part = await peek(count);
      position += part.length;
      return part;
    },
    skip(count) {
      const passed = Math.min(count, length - position);
      position += passed;
      return Promise.resolve(passed);
    },
    close(): void {
      fs.closeSync(fd);
    },
  };
}

/**
 * Reads a local file from front to end.
 *
 * @param path The file.
 * @param size Bytes in a chunk.
 * @throws {Error} That names the path when it cannot be opened.
 */
export async function* fileChunks(
  path: string,
  size: number = 256 * 1024,
): AsyncGenerator<Uint8Array, void, void> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw pathError(error, path, "read");
  }
  try {
    while (true) {
      const chunk = new Uint8Array(size);
      const count = await file.read(chunk).catch((error) => {
        throw pathError(error, path, "read");
      });
      if (count === null) return;
      yield chunk.subarray(0, count);
    }
  } finally {
    file.close();
  }
}

/** The bytes are there but are not what they should be; a new try would not help. */
export class DamagedError extends Error {
  override name = "DamagedError";
}
