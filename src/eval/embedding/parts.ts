/** The parts of an embedding that is being made: files that follow each other. */
import { join } from "node:path";
import type { BadRecord } from "../../data/epoch/epoch.ts";
import { isPathError } from "../../files/path_error.ts";
import { openSafetensors, type SafetensorsHeader } from "../../files/safetensors.ts";

/** What a part holds besides its features. */
export interface PartNotes {
  /** Records of the source that have been reached when it ends, the bad ones among them. */
  next: number;
  keys: string[];
  /** What each record says of its class: its number or its name; null for neither. */
  classes: (number | string | null)[];
  /** Records that could not be used, and their places in the source. */
  bad: { at: number; record: BadRecord }[];
}

/** A part that has been written. */
export interface Part {
  /** Pictures in it. */
  count: number;
  /** Records of the source that have been reached when it ends. */
  next: number;
  notes(): Promise<PartNotes>;
  /** Features of one token, count × its size. */
  rows(token: string): Promise<Float32Array>;
}

const PART = /^part-(\d{6})\.safetensors$/;
/** Where a part lies, by its number from 0 on. */
export const partPath = (folder: string, number: number): string =>
  join(folder, `part-${String(number).padStart(6, "0")}.safetensors`);

/** What is wrong with a part that is damaged, or does not follow the one before it. */
class PartError extends Error {}

/**
 * Opens a part.
 *
 * @param from Records reached by the parts before it.
 * @throws {PartError} It is damaged, or begins elsewhere.
 */
export async function openPart(path: string, from: number): Promise<Part> {
  try {
    return await readPart(path, from);
  } catch (error) {
    if (isPathError(error)) throw error;
    const { message } = error as Error;
    throw new PartError(message.startsWith(path) ? message : `${path}: damaged: ${message}`, {
      cause: error,
    });
  }
}

async function readPart(path: string, from: number): Promise<Part> {
  const read = async <T>(what: (file: Awaited<ReturnType<typeof openSafetensors>>) => Promise<T> | T) => {
    const file = await openSafetensors(path);
    try {
      return await what(file);
    } finally {
      file.close();
    }
  };
  const notesIn = ({ metadata }: SafetensorsHeader) => JSON.parse(metadata.notes) as PartNotes;
  return {
    ...await read((file) => checked(path, notesIn(file), file, from)),
    notes: () => read(notesIn),
    rows: (token) => read(async (file) => (await file.read(token)).data as Float32Array),
  };
}

/** How far a part goes, if its notes go with its features and with the part before it. */
function checked(
  path: string,
  { keys, classes, bad, next }: PartNotes,
  { entries }: SafetensorsHeader,
  from: number,
): Pick<Part, "count" | "next"> {
  if (![keys, classes, bad].every(Array.isArray)) throw new Error(`${path}: damaged: its notes are no lists`);
  const count = keys.length;
  if (classes.length !== count || next !== from + count + bad.length) {
    throw new Error(`${path}: does not hold what is between record ${from} and ${next}`);
  }
  for (const [token, { shape }] of Object.entries(entries)) {
    if (shape[0] !== count) {
      throw new Error(`${path}: has ${shape[0]} rows of "${token}" for ${count} pictures`);
    }
  }
  return { count, next };
}

/** Records of the source that parts have reached. */
export const reached = (parts: readonly Part[]): number => parts.at(-1)?.next ?? 0;

/**
 * Opens the parts of a folder that can be gone on from; what lies behind them is removed, the last one first, so that at
 * no time a part follows another than it was written behind.
 */
export async function openParts(folder: string, lost?: (line: string) => void): Promise<Part[]> {
  const numbers = (await Array.fromAsync(Deno.readDir(folder)))
    .flatMap(({ name }) => PART.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
  const parts: Part[] = [];
  let reason: string | undefined;
  for (const number of numbers) {
    try {
      if (number !== parts.length) throw new PartError(`${partPath(folder, parts.length)}: is missing`);
      parts.push(await openPart(partPath(folder, number), reached(parts)));
    } catch (error) {
      if (!(error instanceof PartError)) throw error;
      reason = error.message;
      break;
    }
  }
  if (reason !== undefined) {
    lost?.(`${reason}; this part and those behind it are made anew`);
    for (const number of numbers.slice(parts.length).reverse()) await Deno.remove(partPath(folder, number));
  }
  return parts;
}
