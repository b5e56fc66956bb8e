import { appendAll } from "../../files/append.ts";
import type { BadRecord } from "./epoch.ts";

/** A file of bad records that is being written. */
export interface BadLog {
  /**
   * Appends a record, unless it is in the file already. True when it was not.
   *
   * @throws {Error} It cannot be written; names the file.
   */
  add(record: BadRecord): boolean;
  close(): void;
}

const nameOf = ({ source, key }: BadRecord) => `${source}\0${key}`;

/**
 * Opens a run's bad.jsonl: every faulty record once, as {source, key, reason}. A file that is there, from before the run
 * was resumed, is continued; a last line that was torn off is removed. Without a bad record there is no file.
 *
 * @param path The file.
 * @throws {Error} When a line is no such record.
 */
export async function openBadLog(path: string): Promise<BadLog> {
  const named = new Set<string>();
  const whole = await readNames(path, named);
  let file: Deno.FsFile | null = null;
  const open = () => {
    const opened = Deno.openSync(path, { write: true, create: true });
    opened.truncateSync(whole);
    opened.seekSync(0, Deno.SeekMode.End);
    return opened;
  };
  return {
    add(record) {
      const { source, key, reason } = record, name = nameOf(record);
      if (named.has(name)) return false;
      named.add(name);
      file ??= open();
      const bytes = new TextEncoder().encode(JSON.stringify({ source, key, reason }) + "\n");
      appendAll(file, path, bytes);
      return true;
    },
    close() {
      file?.close();
      file = null;
    },
  };
}

/** A log that is written nowhere, but knows what it has seen. */
export function silentBadLog(): BadLog {
  const named = new Set<string>();
  return { add: (record) => named.size < named.add(nameOf(record)).size, close: () => {} };
}

/** Takes the names of a file's records. Returns the bytes of its whole lines. */
async function readNames(path: string, named: Set<string>): Promise<number> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
  const whole = bytes.lastIndexOf(10) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, whole)).split("\n").slice(0, -1);
  lines.forEach((line, i) => {
    try {
      named.add(nameOf(JSON.parse(line)));
    } catch {
      throw new Error(`${path}: line ${i + 1} is no JSON; repair or remove it`);
    }
  });
  return whole;
}
