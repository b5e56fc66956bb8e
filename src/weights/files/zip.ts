import { type Bytes, WeightsError } from "./types.ts";

/** A file in a zip archive: where its bytes lie in the archive. */
export interface ZipEntry {
  offset: number;
  size: number;
}

/** The central directory of PyTorch's archives has some 100 bytes for each tensor. */
const MOST_DIRECTORY = 64 * 2 ** 20;
/** A comment has at most 65,535 bytes. */
const LONGEST_END = 22 + 65_535;

const END = 0x06054b50, END64_PLACE = 0x07064b50, END64 = 0x06064b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;

/** Refuses an archive. */
function damaged(path: string, what: string): never {
  throw new WeightsError(`${path}: a damaged zip archive: ${what}. Copy or download it again`);
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the central directory lies, and of how many entries it is. */
interface Directory {
  offset: number;
  size: number;
  count: number;
}

async function findDirectory(bytes: Bytes): Promise<Directory> {
  const { path, size } = bytes, length = Math.min(size, LONGEST_END);
  const tail = await bytes.read(size - length, length), view = viewOf(tail);
  let at = tail.length - 22;
  while (at >= 0 && view.getUint32(at, true) !== END) at--;
  if (at < 0) damaged(path, "it has no table of contents at its end, so it is cut short");
  const plain = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  // PyTorch always writes the table for large archives as well.
  if (at < 20 || view.getUint32(at - 20, true) !== END64_PLACE) return plain;
  const place = Number(view.getBigUint64(at - 12, true));
  if (place + 56 > size) damaged(path, `its table's end is said to be at byte ${place} of ${size}`);
  const end = viewOf(await bytes.read(place, 56));
  if (end.getUint32(0, true) !== END64) damaged(path, "its table's end is not where it should be");
  return {
    count: Number(end.getBigUint64(32, true)),
    size: Number(end.getBigUint64(40, true)),
    offset: Number(end.getBigUint64(48, true)),
  };
}

/** Sizes beyond 32 bits, which an entry's extra fields hold. */
function largeNumbers(extra: Uint8Array, numbers: number[]): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length;) {
    const kind = view.getUint16(at, true), length = view.getUint16(at + 2, true);
    if (kind === 1) {
      let from = at + 4;
      return numbers.map((number) => {
        if (number !== 0xffffffff || from + 8 > Math.min(extra.length, at + 4 + length)) return number;
        from += 8;
        return Number(view.getBigUint64(from - 8, true));
      });
    }
    at += 4 + length;
  }
  return numbers;
}

/**
 * Reads the table of contents of a zip archive whose files are stored as they are, as PyTorch writes them. Every file is
 * checked to lie inside the archive.
 *
 * @returns Files by their names. `offset` is that of the entry's header until {@linkcode dataOf} finds its bytes.
 * @throws {WeightsError} When the archive is damaged or cut short, or a file in it is compressed or encrypted.
 */
export async function readZip(bytes: Bytes): Promise<Map<string, ZipEntry>> {
  const { path, size } = bytes, directory = await findDirectory(bytes);
  if (directory.offset + directory.size > size) {
    damaged(path, `its table is said to end at byte ${directory.offset + directory.size} of ${size}`);
  }
  if (directory.size > MOST_DIRECTORY) damaged(path, `its table has ${directory.size} bytes`);
  const table = await bytes.read(directory.offset, directory.size), view = viewOf(table);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > table.length || view.getUint32(at, true) !== ENTRY) damaged(path, "its table ends early");
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [named, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const from = at + 46, next = from + named + extra + comment;
    if (next > table.length) damaged(path, "its table ends early");
    const name = new TextDecoder().decode(table.subarray(from, from + named));
    // In this order: size, stored size, offset.
    const [whole, stored, offset] = largeNumbers(
      table.subarray(from + named, from + named + extra),
      [24, 20, 42].map((place) => view.getUint32(at + place, true)),
    );
    if (flags & 1) {
      throw new WeightsError(`${path}: "${name}" in it is encrypted; PyTorch writes no such files`);
    }
    if (method !== 0 || whole !== stored) {
      throw new WeightsError(
        `${path}: "${name}" in it is compressed, which PyTorch's files never are: unpack it, if weights are inside`,
      );
    }
    if (!(offset + 30 + whole <= directory.offset)) {
      damaged(path, `"${name}" is said to have ${whole} bytes from byte ${offset} on, of ${size} in all`);
    }
    if (entries.has(name)) damaged(path, `it holds "${name}" twice`);
    entries.set(name, { offset, size: whole });
    at = next;
  }
  return entries;
}

/**
 * Where the bytes of an entry begin in the archive.
 *
 * @param name For messages.
 * @throws {WeightsError} When they do not lie inside the archive.
 */
export async function dataOf(bytes: Bytes, name: string, { offset, size }: ZipEntry): Promise<number> {
  const header = viewOf(await bytes.read(offset, 30));
  if (header.getUint32(0, true) !== LOCAL) damaged(bytes.path, `"${name}" is not where its table says`);
  const begin = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (begin + size > bytes.size) damaged(bytes.path, `"${name}" ends beyond it`);
  return begin;
}
