/** The parts of an embedding that is being made: files that follow each other. */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { BadRecord } from "../../data/epoch/epoch.ts";
import { isPathError } from "../../files/path_error.ts";
import {
  encodeSafetensors,
  openSafetensors,
  type SafetensorsFile,
  type SafetensorsHeader,
} from "../../files/safetensors.ts";
import type { StoredTensor } from "../../files/stored_tensor.ts";

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
  /** Features of one token, count × its size. Throws where they, like notes, do not fit their checksum any more. */
  rows(token: string): Promise<Float32Array>;
}

const PART = /^part-(\d{6})\.safetensors$/;
/** Where a part lies, by its number from 0 on. */
export const partPath = (folder: string, number: number): string =>
  join(folder, `part-${String(number).padStart(6, "0")}.safetensors`);

/** What is wrong with a part that is damaged, or does not follow the one before it. */
class PartError extends Error {}

const sumOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  crc32(new Uint8Array(buffer, byteOffset, byteLength));

/** A part as the bytes of its file: its notes and the numbers of each token, with a CRC-32 of each. */
export function encodePart(notes: PartNotes, features: Record<string, StoredTensor>): Uint8Array {
  const text = JSON.stringify(notes);
  const sums = Object.entries(features).map(([token, { data }]) => [token, sumOf(data)]);
  return encodeSafetensors(features, {
    notes: text,
    notesChecksum: `${crc32(text)}`,
    checksums: JSON.stringify(Object.fromEntries(sums)),
  });
}

/** The notes of a part. */
function notesIn({ metadata: { notes, notesChecksum } }: SafetensorsHeader): PartNotes {
  if (`${crc32(notes)}` !== notesChecksum) throw new Error("its notes do not fit their checksum");
  return JSON.parse(notes);
}

/** The numbers of a token in a part. */
async function rowsIn(file: SafetensorsFile, token: string): Promise<Float32Array> {
  const { data } = await file.read(token), sums = JSON.parse(file.metadata.checksums);
  if (sumOf(data) !== sums[token]) throw new Error(`its numbers of "${token}" do not fit their checksum`);
  return data as Float32Array;
}

/**
 * Opens a part, and reads all of it once: a disk that has lost a bit is noticed before more is made behind it.
 *
 * @param from Records reached by the parts before it.
 * @throws {PartError} It is damaged, or begins elsewhere.
 */
export async function openPart(path: string, from: number): Promise<Part> {
  const read = async <T>(what: (file: SafetensorsFile) => Promise<T> | T, advice = ""): Promise<T> => {
    try {
      const file = await openSafetensors(path);
      try {
        return await what(file);
      } finally {
        file.close();
      }
    } catch (error) {
      if (isPathError(error)) throw error;
      const { message } = error as Error, named = message.startsWith(path);
      throw new PartError(`${named ? message : `${path}: damaged: ${message}`}${advice}`, { cause: error });
    }
  };
  const again = "; give the same command again, which makes this part and those behind it anew";
  return {
    ...await read(async (file) => {
      const part = checked(path, notesIn(file), file, from);
      for (const token of Object.keys(file.entries)) await rowsIn(file, token);
      return part;
    }),
    notes: () => read(notesIn, again),
    rows: (token) => read((file) => rowsIn(file, token), again),
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

/** Whether any part lies in a folder. */
export async function hasParts(folder: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(folder)) if (PART.test(name)) return true;
  return false;
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
