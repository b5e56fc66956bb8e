/** The JSON header of safetensors files, checked: no tensor may lie outside the file or over another, no byte be idle. */
import { isCount, isObject } from "./json_values.ts";

/** The element types that are read and written. */
export type Dtype = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "U8" | "BOOL";

/** Where a tensor lies: bytes [begin, end) of the file. */
export interface StoredEntry {
  dtype: Dtype;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** A tensor of an element type that is not read here, such as F8_E4M3 or I16. */
export interface OtherEntry {
  dtype: string;
  shape: readonly number[];
}

/** A file's header. */
export interface SafetensorsHeader {
  entries: Record<string, StoredEntry>;
  /** Tensors of other element types than {@linkcode Dtype}. Empty unless the file was opened with `otherTypes`. */
  others: Record<string, OtherEntry>;
  metadata: Record<string, string>;
  /** Bytes of the whole file that the header promises. */
  fileBytes: number;
}

/** Bytes of one element. */
export const BYTES: Record<Dtype, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U8: 1,
  BOOL: 1,
};
const MAX_HEADER = 100_000_000;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/**
 * Refuses a file.
 *
 * @throws {Error} Always.
 */
export function fail(where: string, what: string): never {
  throw new Error(`${where}: not a usable safetensors file: ${what}`);
}

/** Length of the JSON header, checked against the file's length. */
export function headerLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  if (fileBytes < 8 || prefix.length < 8) {
    fail(where, `it has ${fileBytes} bytes; the header's length takes 8`);
  }
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER) {
    fail(where, `it claims a header of ${length} bytes (more than ${MAX_HEADER}), so it is of another kind`);
  }
  if (length + 8 > fileBytes) {
    fail(where, `it claims a header of ${length} bytes but has only ${fileBytes} bytes: cut short?`);
  }
  return length;
}

/** Any tensor of a file, of whatever type. */
interface PlacedEntry extends OtherEntry {
  begin: number;
  end: number;
}

const isKnown = (entry: PlacedEntry): entry is StoredEntry => Object.hasOwn(BYTES, entry.dtype);

function parseEntry(
  name: string,
  value: unknown,
  base: number,
  fileBytes: number,
  where: string,
): PlacedEntry {
  const bad = (what: string): never => fail(where, `tensor "${name}" ${what}`);
  if (typeof value !== "object" || value === null) return bad("has no description");
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string") return bad(unknownType(dtype));
  if (!Array.isArray(shape) || !shape.every(isCount)) return bad("has no valid shape");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    return bad(`has bad offsets ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = [base + offsets[0], base + offsets[1]];
  if (end > fileBytes) bad(`ends at byte ${end} but the file has ${fileBytes}: cut short?`);
  const entry = { dtype, shape, begin, end };
  if (!isKnown(entry)) return entry;
  const bytes = sizeOf(shape) * BYTES[entry.dtype];
  if (end - begin !== bytes) bad(`of shape [${shape}] ${dtype} takes ${bytes} bytes but has ${end - begin}`);
  return entry;
}

const unknownType = (dtype: unknown) =>
  `has type ${JSON.stringify(dtype)}; known are ${Object.keys(BYTES).join(", ")}`;

/**
 * Parses the JSON header, whose bytes follow the first 8 of the file.
 *
 * @param otherTypes Whether tensors of element types that are not read here may stand in the file.
 * @throws {Error} When the file is cut short or damaged, saying what is wrong.
 */
export function parseHeader(
  json: Uint8Array,
  fileBytes: number,
  where: string,
  otherTypes = false,
): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (cause) {
    fail(where, `its header is not JSON (${(cause as Error).message})`);
  }
  if (!isObject(parsed)) fail(where, "its header is not a JSON object");
  const { __metadata__: metadata = {}, ...described } = parsed;
  if (
    typeof metadata !== "object" || metadata === null ||
    !Object.values(metadata).every((text) => typeof text === "string")
  ) fail(where, "its metadata is not a table of strings");
  const base = 8 + json.length;
  const placed: Record<string, PlacedEntry> = {};
  for (const [name, value] of Object.entries(described)) {
    if (name === "__proto__") fail(where, `it has a tensor named "${name}"`);
    placed[name] = parseEntry(name, value, base, fileBytes, where);
    if (!otherTypes && !isKnown(placed[name])) {
      fail(where, `tensor "${name}" ${unknownType(placed[name].dtype)}`);
    }
  }
  let at = base;
  for (
    const [name, entry] of Object.entries(placed).sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  ) {
    if (entry.begin < at) fail(where, `tensor "${name}" overlaps another`);
    if (entry.begin > at) {
      fail(where, `${entry.begin - at} bytes before tensor "${name}" belong to no tensor`);
    }
    at = entry.end;
  }
  if (at !== fileBytes) fail(where, `${fileBytes - at} bytes after the last tensor belong to no tensor`);
  const entries: Record<string, StoredEntry> = {}, others: Record<string, OtherEntry> = {};
  for (const [name, entry] of Object.entries(placed)) {
    if (isKnown(entry)) entries[name] = entry;
    else others[name] = { dtype: entry.dtype, shape: entry.shape };
  }
  return { entries, others, metadata: metadata as Record<string, string>, fileBytes };
}
