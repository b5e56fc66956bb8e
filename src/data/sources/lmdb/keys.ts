import { byteText, isUtf8 } from "../../io/byte_text.ts";

/** Keys under which packings keep what is no picture: counts, lists of keys. */
const NOTES = new Set(["__len__", "__keys__", "__meta__", "num-samples", "num_samples", "length"]);

/** Beside each `image-000000001` text recognition keeps `label-000000001`, which is a word. */
const WORD = /^label-\d+$/;

const NOTE_STARTS = new Set(["label", ...NOTES].map((note) => note.charCodeAt(0)));

/**
 * A key for people: its text, with bytes that are no UTF-8 as `\xE9` where it is one for the most part, or its bytes in
 * hexadecimal digits where it is none.
 */
export function keyText(key: Uint8Array): string {
  if (key.length > 0 && !key.some((byte) => byte < 0x20 || byte === 0x7f)) {
    const plain = key.reduce((count, byte) => count + (byte < 0x80 ? 1 : 0), 0);
    if (2 * plain > key.length || isUtf8(key)) return byteText(key);
  }
  return `0x${key.toHex()}`;
}

/** Whether a key is known to hold a note on the data set instead of a picture. */
export function isNote(key: Uint8Array): boolean {
  // Asked of every key of millions: most are told apart by their first byte.
  if (key.length > 24 || !NOTE_STARTS.has(key[0])) return false;
  const text = keyText(key);
  return NOTES.has(text) || WORD.test(text);
}

/**
 * The class that a key names: what stands before its first slash, or an ImageNet synset at its beginning.
 *
 * @param key A key's text, such as `n01440764/n01440764_10026.JPEG`, `n01440764_10026.JPEG` or Caffe's
 * `00000000_n01440764/n01440764_10026.JPEG`.
 */
export function classOf(key: string): string | null {
  // Caffe puts a number before each name.
  const name = key.replace(/^\d{8}_/, ""), slash = name.indexOf("/");
  if (slash > 0) return name.slice(0, slash);
  return /^(n\d{8})_/.exec(name)?.[1] ?? null;
}

/** The class that a key names behind a split's folder, `train/cat/1.jpg`, as {@linkcode classOf} does. */
export function classBelow(key: string): string | null {
  return classOf(key.slice(key.indexOf("/") + 1));
}

/** What bytes in which no picture was found probably are, for messages. */
export function describeValue(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const [a, b] = bytes;
  if (a === 0x80 && b >= 2 && b <= 5) return "a Python pickle without a picture's file in it";
  if (a === 0x50 && b === 0x4b) return "a zip archive";
  if (a === 0x93 && b === 0x4e) return "a NumPy array";
  if ((a === 0x08 || a === 0x22) && bytes.length > 16) {
    return "a protobuf message that is no Datum of Caffe's with a picture";
  }
  if ((a >= 0x81 && a <= 0x9f) || a === 0xdc || a === 0xde) {
    return "msgpack or another wrapper without a picture's file in it";
  }
  return `bytes ${bytes.subarray(0, 8).toHex()}…`;
}
