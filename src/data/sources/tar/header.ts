import { DamagedError } from "../../io/reader/chunks.ts";

/** Bytes in a block; headers take one, contents are filled up to whole ones. */
export const BLOCK = 512;

/** What one header block says. */
export interface TarHeader {
  name: string;
  /** Bytes of content. */
  size: number;
  /** The type flag, such as `0` for a file, `5` for a folder, `x` for a pax header. */
  type: string;
}

const utf8 = new TextDecoder();

/** Text up to the first zero byte. */
function text(block: Uint8Array, from: number, length: number): string {
  const field = block.subarray(from, from + length), end = field.indexOf(0);
  return utf8.decode(end < 0 ? field : field.subarray(0, end));
}

/** A number in octal digits, or in base 256 when its first bit is set (GNU). */
function number(block: Uint8Array, from: number, length: number, what: string, where: string): number {
  if (block[from] & 0x80) {
    let value = block[from] & 0x7f;
    for (let at = from + 1; at < from + length; at++) value = value * 256 + block[at];
    if (block[from] !== 0x80 || !Number.isSafeInteger(value)) {
      throw new DamagedError(`${where}: tar header with an impossible ${what}`);
    }
    return value;
  }
  const digits = text(block, from, length).trim();
  if (!/^[0-7]*$/.test(digits)) {
    throw new DamagedError(`${where}: tar header with ${what} "${digits.slice(0, 20)}"`);
  }
  return digits === "" ? 0 : parseInt(digits, 8);
}

/**
 * Reads a header block: v7, ustar and GNU alike.
 *
 * @param block 512 bytes.
 * @param where The shard and the place, for messages.
 * @returns The header, or null for a block of zeros, which ends an archive.
 * @throws DamagedError when this is no header: wrong checksum, impossible size.
 */
export function parseHeader(block: Uint8Array, where: string): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  // Some old writers added the bytes up as signed ones.
  let unsigned = 8 * 32, signed = 8 * 32;
  for (let at = 0; at < BLOCK; at++) {
    if (at >= 148 && at < 156) continue;
    unsigned += block[at];
    signed += block[at] << 24 >> 24;
  }
  const stated = number(block, 148, 8, "checksum", where);
  if (stated !== unsigned && stated !== signed) {
    throw new DamagedError(`${where}: no tar header (its checksum is ${stated}, the bytes give ${unsigned})`);
  }
  const prefix = text(block, 257, 6) === "ustar" && block[263] !== 0x20 ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  const type = block[156] === 0 ? "0" : String.fromCharCode(block[156]);
  return {
    name: prefix ? `${prefix}/${name}` : name,
    // Links, devices and folders have no content, whatever their size field says.
    size: /^[1-6]$/.test(type) ? 0 : number(block, 124, 12, "size", where),
    type,
  };
}

/**
 * Reads the records of a pax header: `length key=value\n`.
 *
 * @param bytes The header's content.
 * @param where For messages.
 * @throws DamagedError when a record's length is wrong.
 */
export function parsePax(bytes: Uint8Array, where: string): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : utf8.decode(bytes.subarray(at, space));
    const end = at + Number(digits);
    if (!/^\d{1,9}$/.test(digits) || end <= space || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw new DamagedError(`${where}: damaged pax header`);
    }
    const record = utf8.decode(bytes.subarray(space + 1, end - 1)), equals = record.indexOf("=");
    if (equals < 1) throw new DamagedError(`${where}: damaged pax header`);
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}
