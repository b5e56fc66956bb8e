/** Writes tar archives for tests, right or wrong on purpose. */
import { Buffer } from "node:buffer";

/** A header field that differs from what it should be. */
export interface Entry {
  name: string;
  content?: Uint8Array | string;
  type?: string;
  prefix?: string;
  /** Written in the size field instead of the content's length. */
  size?: string;
  checksum?: string;
}

const encoder = new TextEncoder();

/** One member: header, content, padding. */
export function tarEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const content = typeof entry.content === "string"
    ? encoder.encode(entry.content)
    : entry.content ?? new Uint8Array(0);
  const out = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  const put = (at: number, text: string) => out.set(encoder.encode(text), at);
  put(0, entry.name);
  put(100, "0000644\0");
  put(124, entry.size ?? content.length.toString(8).padStart(11, "0") + "\0");
  put(136, "00000000000\0");
  put(156, entry.type ?? "0");
  put(257, "ustar\x0000");
  put(345, entry.prefix ?? "");
  let sum = 8 * 32;
  for (let at = 0; at < 512; at++) sum += out[at];
  put(148, entry.checksum ?? sum.toString(8).padStart(6, "0") + "\0 ");
  out.set(content, 512);
  return out;
}

/** A whole archive with its end. */
export function tarFile(entries: readonly Entry[], end = true): Uint8Array<ArrayBuffer> {
  const parts = entries.map(tarEntry);
  if (end) parts.push(new Uint8Array(1024));
  return new Uint8Array(Buffer.concat(parts));
}

/** A pax record, its own length included. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`, bytes = encoder.encode(rest).length;
  let length = bytes + 1;
  while (String(length).length + bytes !== length) length = String(length).length + bytes;
  return length + rest;
}
