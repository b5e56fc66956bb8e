/** Names of files and records are bytes; most are UTF-8, and those that are not must stay apart and be shown. */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of the UTF-8 character that begins at `at`; 0 where none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  const length = first < 0x80
    ? 1
    : first < 0xc2
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : first < 0xf5
    ? 4
    : 0;
  if (length < 2) return length;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
}

/** Whether bytes are UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * Bytes as a text: UTF-8, and each byte that is none as `\xE9`. Different bytes give different texts, but for names that
 * have such an escape written out.
 *
 * @param bytes A name as the file system, an archive or a database holds it.
 * @param mark What stands before a foreign byte's two digits.
 * @example
 * ```ts
 * import { byteText } from "./byte_text.ts";
 * import assert from "node:assert/strict";
 * assert.equal(byteText(Uint8Array.of(0x63, 0x61, 0x66, 0xe9)), "caf\\xE9");
 * ```
 */
export function byteText(bytes: Uint8Array, mark = "\\x"): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    for (let at = 0; at < bytes.length;) {
      const length = characterLength(bytes, at);
      if (length > 0) text += strict.decode(bytes.subarray(at, at + length));
      else text += `${mark}${bytes[at].toString(16).toUpperCase().padStart(2, "0")}`;
      at += Math.max(1, length);
    }
    return text;
  }
}
