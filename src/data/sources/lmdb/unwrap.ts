/**
 * Pictures in wrappers: how ImageNet is usually packed into LMDBs beside plain files.
 *
 * - Python pickles of (picture, class): "ImageFolder to LMDB" scripts for PyTorch. The picture may be bytes or a NumPy
 *   array of the file's bytes, the whole a tuple, list or dict.
 * - msgpack of [picture, class]: tensorpack's LMDBSerializer, with NumPy arrays as msgpack-numpy writes them.
 * - Caffe's Datum: with `encoded` a picture's file, otherwise its pixels, planes of blue, green and red.
 */
import { PickleError } from "../../../files/pickle/machine.ts";
import { readPickle } from "../../../files/pickle/read.ts";
import { littleEndian, PythonObject } from "../../../files/pickle/values.ts";
import { LABEL_NAMES, labelRank, pictureRank, splitAmong } from "../field_names.ts";
import { sniff } from "../../picture/decode.ts";
import { encodePpm } from "../../picture/ppm.ts";
import { DamagedError } from "../../io/reader/chunks.ts";
import { readMsgpack } from "./msgpack.ts";

/** A picture's file and its class, a number or a name, if one is stated. */
export interface Unwrapped {
  bytes: Uint8Array;
  label?: number | string;
  /** The split that a dict around it states. */
  split?: string;
}

/** A longer text is no name. */
const MOST_NAME = 1000;

/** Wrappers are not nested deeper than this; and hold no more parts. */
const DEEPEST = 8, MOST_PARTS = 10_000;

/**
 * Takes a picture out of what an LMDB holds.
 *
 * @param value A value.
 * @returns The picture, or null where there is none: not in this value, or not in a wrapper that is known.
 * @throws {DamagedError} For a known wrapper that is damaged.
 */
export function unwrap(value: Uint8Array): Unwrapped | null {
  if (sniff(value) !== null) return { bytes: value };
  // A Datum's first field: channels, or data where nothing else is known.
  if (value[0] === 0x08 || value[0] === 0x22) return readDatum(value);
  const tree = readWrapper(value);
  return tree === undefined ? null : find(tree);
}

/** What a pickle or msgpack holds; undefined for other values. */
function readWrapper(value: Uint8Array): unknown {
  const [first, second] = value;
  if (first === 0x80 && second >= 2 && second <= 5) return readPickled(value);
  // msgpack: an array or a map, of few parts or with its size in two bytes.
  if ((first >= 0x81 && first <= 0x9f) || first === 0xdc || first === 0xde) return readMsgpack(value);
  return undefined;
}

function readPickled(value: Uint8Array): unknown {
  try {
    return readPickle(value);
  } catch (cause) {
    throw cause instanceof PickleError ? new DamagedError(cause.message, { cause }) : cause;
  }
}

/**
 * Whether a value has a null (Python's None) instead of a picture: it is a wrapper that holds one, and no bytes that
 * might be a picture.
 *
 * @param value A value in which {@linkcode unwrap} finds nothing.
 */
export function isWithoutPicture(value: Uint8Array): boolean {
  let nulls = false, bytes = false, parts = 0;
  const look = (part: unknown, depth: number) => {
    nulls ||= part === null;
    bytes ||= part instanceof Uint8Array;
    if (depth > DEEPEST) return;
    for (const [, inner] of partsOf(part)) if (++parts <= MOST_PARTS) look(inner, depth + 1);
  };
  look(readWrapper(value), 0);
  return nulls && !bytes;
}

/** Looks for the first picture, and a class beside it or around it. */
function find(tree: unknown): Unwrapped | null {
  let parts = 0;
  const search = (value: unknown, depth: number, inObject: boolean): Unwrapped | null => {
    if (value instanceof Uint8Array) return sniff(value) === null ? null : { bytes: value };
    const inside = partsOf(value);
    if (inside.length === 0 || depth > DEEPEST) return null;
    // A dict's mask stands behind the picture that it is of.
    const order = [...inside.keys()].sort((a, b) => rankOf(inside[a]) - rankOf(inside[b]));
    for (const at of order) {
      const [, part] = inside[at];
      if (++parts > MOST_PARTS) throw new DamagedError("a wrapper of too many parts");
      const found = search(part, depth + 1, inObject || value instanceof PythonObject);
      if (!found) continue;
      // What an object is made of are sizes and types, no classes.
      const label = found.label ??
        (value instanceof PythonObject || inObject ? undefined : labelAmong(inside, at));
      const split = found.split ?? splitAmong(inside.map(([name, part]) => [name, name && textOf(part)])) ??
        undefined;
      return { ...found, ...(label !== undefined && { label }), ...(split !== undefined && { split }) };
    }
    return null;
  };
  return search(tree, 0, false);
}

/** What a list, dict or object holds, with the names that a dict gives. */
function partsOf(value: unknown): [name: string | null, part: unknown][] {
  if (Array.isArray(value)) return value.map((part) => [null, part]);
  if (value instanceof Map) return [...value].map(([name, part]) => [nameText(name), part]);
  return value instanceof PythonObject ? value.parts.map((part) => ["", part]) : [];
}

const nameText = (name: unknown) =>
  name instanceof Uint8Array ? new TextDecoder().decode(name) : String(name);

// A list keeps its order, however long it is.
const rankOf = ([name]: readonly [name: string | null, part: unknown]) =>
  name === null ? 0 : pictureRank(name);

/**
 * The class beside a picture: what has a class's name, the most telling first; in a list the first whole number behind the
 * picture, or else before it, as indices stand before pictures.
 */
function labelAmong(
  parts: readonly [name: string | null, part: unknown][],
  picture: number,
): number | string | undefined {
  const named = parts.filter(([name]) => name !== null && isLabelName(name))
    .sort(([a], [b]) => labelRank(a!) - labelRank(b!));
  const listed = [...parts.slice(picture + 1), ...parts.slice(0, picture)].filter(([name]) => name === null);
  for (const [name, part] of [...named, ...listed]) {
    const number = wholeNumber(part);
    if (number !== undefined && number >= 0 && number < 2 ** 31) return number;
    // A text beside a picture in a list may be its file's name; under a label's name it is a class.
    const text = name === null ? undefined : textOf(part);
    if (text) return text;
  }
  const truth = [...named, ...listed].find(([, part]) => typeof part === "boolean")?.[1];
  return truth === undefined ? undefined : Number(truth);
}

/** Whether dicts hold the class under a name. */
const isLabelName = (name: string) => name.toLowerCase() === "y" || labelRank(name) < LABEL_NAMES.length;

/** A text; msgpack has it as bytes. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value.length <= MOST_NAME ? value : undefined;
  if (!(value instanceof Uint8Array) || value.length > MOST_NAME) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return undefined;
  }
}

/** A whole number: Python's, NumPy's as a pickle has it, or NumPy's as msgpack-numpy writes it. */
function wholeNumber(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  if (value instanceof PythonObject && value.name === "scalar") {
    const [, bytes] = Array.isArray(value.parts[0]) ? value.parts[0] : [];
    return bytes instanceof Uint8Array ? wholeNumber(littleEndian(bytes)) : undefined;
  }
  if (!(value instanceof Map) || value.get("nd") !== false) return undefined;
  const bytes: unknown = value.get("data");
  return bytes instanceof Uint8Array ? wholeNumber(littleEndian(bytes)) : undefined;
}

/** Caffe's protobuf message: 1 channels, 2 height, 3 width, 4 data, 5 label, 7 encoded. */
function readDatum(value: Uint8Array): Unwrapped | null {
  const numbers = new Map<number, number>();
  let data: Uint8Array | null = null, at = 0;
  const varint = (): number => {
    for (let i = 0, sum = 0; i < 10 && at < value.length; i++) {
      const byte = value[at++];
      sum += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return sum;
    }
    throw new DamagedError("a damaged Datum: a number without end");
  };
  while (at < value.length) {
    const head = varint(), field = Math.floor(head / 8), kind = head % 8;
    if (kind === 0) numbers.set(field, varint());
    else {
      const length = kind === 1 ? 8 : kind === 2 ? varint() : kind === 5 ? 4 : NaN;
      if (!(length <= value.length - at)) throw new DamagedError("a damaged Datum: it ends too early");
      if (field === 4 && kind === 2) data = value.subarray(at, at + length);
      at += length;
    }
  }
  if (!data) return null;
  const label = numbers.get(5);
  const bytes = sniff(data) !== null ? data : planes(data, numbers.get(1), numbers.get(2), numbers.get(3));
  if (!bytes) return null;
  return label !== undefined && label < 2 ** 31 ? { bytes, label } : { bytes };
}

/** Pixels in planes of blue, green and red, or of grey, as a picture's file. */
function planes(data: Uint8Array, channels = 0, height = 0, width = 0): Uint8Array | null {
  const size = width * height;
  if (!(size > 0) || (channels !== 1 && channels !== 3) || data.length !== channels * size) return null;
  const pixels = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    for (let colour = 0; colour < 3; colour++) {
      pixels[3 * i + colour] = data[(channels === 1 ? 0 : 2 - colour) * size + i];
    }
  }
  return encodePpm({ width, height, data: pixels });
}
