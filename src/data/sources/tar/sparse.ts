/** Sparse files, of which an archive holds the parts that are not zeros: GNU's own headers and its three pax forms. */
import { type ByteQueue, DamagedError } from "../../io/reader/chunks.ts";
import { BLOCK, fieldNumber } from "./header.ts";

/** A part of a file that is not all zeros. */
interface Piece {
  offset: number;
  length: number;
}

/** How a sparse file is stored. */
export interface Sparse {
  /** Bytes of the whole file. */
  size: number;
  /** What is stored of it; null where a list before the content tells (pax form 1.0). */
  pieces: Piece[] | null;
}

/** A file of more pieces is refused. */
const MOST_PIECES = 100_000;

/**
 * Reads what a header of type `S` and the blocks behind it tell.
 *
 * @param block The header.
 * @param queue Stands behind the header, and afterwards before the content.
 * @param where For messages.
 * @throws {DamagedError} The list is damaged.
 */
export async function gnuSparse(block: Uint8Array, queue: ByteQueue, where: string): Promise<Sparse> {
  const pieces: Piece[] = [], number = (field: Uint8Array) => fieldNumber(field, "sparse map", where);
  const take = (bytes: Uint8Array, from: number, count: number) => {
    for (let i = 0; i < count; i++) {
      const at = from + 24 * i;
      const offset = number(bytes.subarray(at, at + 12)), length = number(bytes.subarray(at + 12, at + 24));
      if (length > 0) add(pieces, { offset, length }, where);
    }
  };
  take(block, 386, 4);
  for (let more = block[482] !== 0; more;) {
    const extension = await queue.read(BLOCK);
    if (extension.length < BLOCK) throw new DamagedError(`${where}: cut short in the map of a sparse file`);
    take(extension, 0, 21);
    more = extension[504] !== 0;
  }
  return { size: number(block.subarray(483, 495)), pieces };
}

/**
 * Reads what a pax header tells of a sparse file.
 *
 * @param records The header's.
 * @param where For messages.
 * @returns Null for a file that is not sparse.
 * @throws {DamagedError} The list is damaged.
 */
export function paxSparse(records: readonly [key: string, value: string][], where: string): Sparse | null {
  const all = (key: string) =>
    records.filter(([name]) => name === `GNU.sparse.${key}`).map(([, value]) => value);
  const number = (text: string | undefined) => wholeNumber(text, where);
  if (!records.some(([name]) => name.startsWith("GNU.sparse."))) return null;
  const [size] = [...all("realsize"), ...all("size")];
  if (all("major").length > 0 && all("major")[0] !== "0") return { size: number(size), pieces: null };
  // Form 0.0 repeats offset and length, 0.1 lists them in one value.
  const [map] = all("map"), lengths = all("numbytes");
  const list = map === undefined
    ? all("offset").flatMap((offset, i) => [offset, lengths[i]])
    : map.split(",");
  return { size: number(size), pieces: piecesOf(list, where) };
}

function piecesOf(list: readonly string[], where: string): Piece[] {
  const pieces: Piece[] = [];
  for (let i = 0; i < list.length; i += 2) {
    const offset = wholeNumber(list[i], where), length = wholeNumber(list[i + 1], where);
    if (length > 0) add(pieces, { offset, length }, where);
  }
  return pieces;
}

function add(pieces: Piece[], piece: Piece, where: string): void {
  const last = pieces.at(-1);
  if (pieces.length >= MOST_PIECES || (last && piece.offset < last.offset + last.length)) {
    throw new DamagedError(`${where}: damaged map of a sparse file`);
  }
  pieces.push(piece);
}

function wholeNumber(text: string | undefined, where: string): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new DamagedError(`${where}: damaged map of a sparse file`);
  }
  return Number(text);
}

/**
 * Makes the whole file of what is stored.
 *
 * @param stored The member's content.
 * @param sparse What its header tells.
 * @param where For messages.
 * @returns `sparse.size` bytes.
 * @throws {DamagedError} The parts do not fit into the file or the content.
 */
export function expandSparse(
  stored: Uint8Array<ArrayBuffer>,
  sparse: Sparse,
  where: string,
): Uint8Array<ArrayBuffer> {
  const { pieces, begin } = sparse.pieces ? { pieces: sparse.pieces, begin: 0 } : listed(stored, where);
  const whole = new Uint8Array(sparse.size);
  let at = begin;
  for (const { offset, length } of pieces) {
    if (at + length > stored.length || offset + length > whole.length) {
      throw new DamagedError(`${where}: damaged map of a sparse file`);
    }
    whole.set(stored.subarray(at, at + length), offset);
    at += length;
  }
  return whole;
}

/** The list before the content: the number of parts, then offset and length of each, a line each, padded to a block. */
function listed(stored: Uint8Array, where: string): { pieces: Piece[]; begin: number } {
  const numbers: string[] = [];
  let at = 0;
  for (let count = 1; numbers.length < count;) {
    const end = stored.indexOf(0x0a, at);
    numbers.push(new TextDecoder().decode(stored.subarray(at, end < 0 ? stored.length : end)));
    if (numbers.length === 1) count = 1 + 2 * Math.min(wholeNumber(numbers[0], where), MOST_PIECES);
    if (end < 0) throw new DamagedError(`${where}: damaged map of a sparse file`);
    at = end + 1;
  }
  return { pieces: piecesOf(numbers.slice(1), where), begin: Math.ceil(at / BLOCK) * BLOCK };
}
