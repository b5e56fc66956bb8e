import { byteText } from "../../io/byte_text.ts";
import { DamagedError } from "../../io/reader/chunks.ts";

/** Bytes in a block; headers take one, contents are filled up to whole ones. */
export const BLOCK = 512;

/** What one header block says. */
export interface TarHeader {
  name: string;
  /** Bytes of content that follow. */
  size: number;
  /** The type flag, such as `0` for a file, `5` for a folder, `x` for a pax header. */
  type: string;
}

/** A field's bytes up to the first zero. */
function upToZero(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/**
 * The text of a name, up to the first zero byte. Bytes that are not UTF-8 are escaped, as in `caf\xE9`, so that different
 * names stay different.
 */
export function nameOf(bytes: Uint8Array): string {
  return byteText(upToZero(bytes));
}

/**
 * Reads a number of a header: octal digits, or base 256 where the first bit is set (GNU).
 *
 * @param field Its bytes.
 * @param what What it tells, for messages.
 * @param where The shard and the place, for messages.
 * @throws {DamagedError} It is neither, or too large.
 */
export function fieldNumber(field: Uint8Array, what: string, where: string): number {
  if (field[0] & 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0] & 0x7f);
    if (field[0] !== 0x80 || !Number.isSafeInteger(value)) {
      throw new DamagedError(`${where}: tar header with an impossible ${what}`);
    }
    return value;
  }
  const digits = nameOf(field).trim();
  if (!/^[0-7]*$/.test(digits)) {
    throw new DamagedError(`${where}: tar header with ${what} "${digits.slice(0, 20)}"`);
  }
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** Whether a block is all zeros: two of these end an archive. */
export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header block: v7, ustar and GNU alike.
 *
 * @param block 512 bytes, not all zeros.
 * @param where The shard and the place, for messages.
 * @throws {DamagedError} This is no header: wrong checksum, impossible size.
 */
export function parseHeader(block: Uint8Array, where: string): TarHeader {
  // Some old writers added the bytes up as signed ones.
  let unsigned = 8 * 32, signed = 8 * 32;
  for (let at = 0; at < BLOCK; at++) {
    if (at >= 148 && at < 156) continue;
    unsigned += block[at];
    signed += block[at] << 24 >> 24;
  }
  const stated = fieldNumber(block.subarray(148, 156), "checksum", where);
  if (stated !== unsigned && stated !== signed) {
    throw new DamagedError(`${where}: no tar header (its checksum is ${stated}, the bytes give ${unsigned})`);
  }
  const type = block[156] === 0 ? "0" : String.fromCharCode(block[156]);
  return {
    name: headerName(block),
    // Links, devices and folders have no content, whatever their size field says.
    size: /^[1-6]$/.test(type) ? 0 : fieldNumber(block.subarray(124, 136), "size", where),
    type,
  };
}

function headerName(block: Uint8Array): string {
  const name = block.subarray(0, 100);
  // GNU's headers have "ustar  " and other things in the prefix's place.
  const isUstar = nameOf(block.subarray(257, 263)) === "ustar" && block[263] !== 0x20;
  const prefix = isUstar ? upToZero(block.subarray(345, 500)) : new Uint8Array(0);
  if (prefix.length === 0) return nameOf(name);
  // Joined before they are decoded: a character may not be told in one part alone.
  return nameOf(new Uint8Array([...prefix, 0x2f, ...upToZero(name)]));
}

/**
 * Reads the records of a pax header: `length key=value\n`.
 *
 * @param bytes The header's content.
 * @param where For messages.
 * @returns Keys and values in their order; a key may come several times.
 * @throws {DamagedError} A record's length is wrong.
 */
export function parsePax(bytes: Uint8Array, where: string): [key: string, value: string][] {
  const records: [string, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : nameOf(bytes.subarray(at, space));
    const end = at + Number(digits), equals = bytes.indexOf(0x3d, space);
    const isRecord = /^\d{1,9}$/.test(digits) && end > space && end <= bytes.length &&
      bytes[end - 1] === 0x0a;
    if (!isRecord || equals <= space + 1 || equals >= end) {
      throw new DamagedError(`${where}: damaged pax header`);
    }
    records.push([nameOf(bytes.subarray(space + 1, equals)), nameOf(bytes.subarray(equals + 1, end - 1))]);
    at = end;
  }
  return records;
}
