/**
 * Safetensors files: an 8-byte header length, a JSON header, then the tensors' bytes without gaps. Values are plain
 * objects and typed arrays; nothing here knows a tensor library.
 */
import { pathError } from "./path_error.ts";
import { readAt } from "./read_at.ts";
import {
  BYTES,
  fail,
  headerLength,
  parseHeader,
  type SafetensorsHeader,
  sizeOf,
} from "./safetensors_header.ts";
import { type StoredTensor, storedView } from "./stored_tensor.ts";

export type { Dtype, SafetensorsHeader, StoredEntry } from "./safetensors_header.ts";

/** A file's content: tensors by name, and the strings that its writer added. */
export interface Safetensors {
  tensors: Record<string, StoredTensor>;
  metadata: Record<string, string>;
}

/** A file that is open: the header is read, tensors are read one by one. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** Reads one tensor. Throws for a name that the file lacks. */
  read(name: string): Promise<StoredTensor>;
  /**
   * Reads some rows of a tensor, parts along its first axis. Throws for a name that the file lacks, and for rows that the
   * tensor lacks.
   */
  readRows(name: string, from: number, count: number): Promise<StoredTensor>;
  /** Safe to call twice. Reads throw afterwards. */
  close(): void;
}

/**
 * Reads a whole file from memory.
 *
 * @param bytes The file. The tensors share its memory where their place is aligned.
 * @param where Named in errors, such as the file's path.
 * @returns Tensors by name and the metadata.
 * @throws {Error} When the file is cut short or damaged, saying what is wrong.
 */
export function decodeSafetensors(bytes: Uint8Array, where = "safetensors"): Safetensors {
  const length = headerLength(bytes, bytes.length, where);
  const { entries, metadata } = parseHeader(bytes.subarray(8, 8 + length), bytes.length, where);
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, { dtype, shape, begin, end }] of Object.entries(entries)) {
    tensors[name] = { dtype, shape, data: storedView(bytes, dtype, begin, end) };
  }
  return { tensors, metadata };
}

/**
 * Opens a file, reads its header and checks it against the file's length; tensors are read when asked for.
 *
 * @param path The file.
 * @param options `otherTypes`: tensors of element types that are not read here may stand in the file, and are listed as `others`.
 *   Default: they are an error.
 * @returns The header, reads and `close()`. Reads that are asked for at once are done one after another.
 * @throws {Error} When the file cannot be read, is cut short or damaged.
 */
export async function openSafetensors(
  path: string,
  { otherTypes = false }: { otherTypes?: boolean } = {},
): Promise<SafetensorsFile> {
  const file = await Deno.open(path, { read: true }).catch((error) => {
    throw pathError(error, path, "read");
  });
  try {
    const { size, isDirectory } = await file.stat();
    if (isDirectory) throw new Error(`${path}: a folder, where a safetensors file is needed`);
    let last: Promise<unknown> = Promise.resolve(), closed = false;
    // One after another: they share the file's position.
    const bytesAt = (offset: number, length: number) => {
      if (closed) throw new Error(`${path}: already closed`);
      const read = last.then(() =>
        readAt(file, offset, length, (at) => fail(path, `it ended at byte ${at} while being read`))
      );
      last = read.catch(() => {});
      return read;
    };
    const length = headerLength(await bytesAt(0, Math.min(8, size)), size, path);
    const header = parseHeader(await bytesAt(8, length), size, path, otherTypes);
    const entryOf = (name: string) => {
      if (!Object.hasOwn(header.entries, name)) throw new Error(`${path}: has no tensor named "${name}"`);
      return header.entries[name];
    };
    const read = async (name: string): Promise<StoredTensor> => {
      const { dtype, shape, begin, end } = entryOf(name);
      return {
        dtype,
        shape,
        data: storedView(await bytesAt(begin, end - begin), dtype, 0, end - begin),
      };
    };
    const readRows = async (name: string, from: number, count: number): Promise<StoredTensor> => {
      const { dtype, shape: [rows, ...rest], begin } = entryOf(name);
      if (!(from >= 0 && count >= 0 && from + count <= rows)) {
        throw new RangeError(`${path}: "${name}" has ${rows ?? 0} rows, not ${from} to ${from + count}`);
      }
      const row = sizeOf(rest) * BYTES[dtype], length = count * row;
      const bytes = await bytesAt(begin + from * row, length);
      return { dtype, shape: [count, ...rest], data: storedView(bytes, dtype, 0, length) };
    };
    const close = () => {
      if (!closed) file.close();
      closed = true;
    };
    return { ...header, read, readRows, close };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** A tensor as the header describes it, without its bytes. */
export type TensorShape = Pick<StoredTensor, "dtype" | "shape">;

/**
 * The bytes before the tensors of a file: the header's length and the header. Wide types come first, so every tensor is
 * aligned.
 *
 * @param tensors Types and shapes by name.
 * @param metadata Strings to keep beside them.
 * @returns The bytes, and the names in the order in which the tensors' own bytes have to follow.
 * @throws {Error} For a name that the format keeps for itself.
 */
export function safetensorsHead(
  tensors: Record<string, TensorShape>,
  metadata: Record<string, string> = {},
): { head: Uint8Array; order: string[] } {
  const order = Object.entries(tensors).map(([name, { dtype, shape }], index) => ({
    name,
    index,
    dtype,
    shape,
  }));
  order.sort((a, b) => BYTES[b.dtype] - BYTES[a.dtype] || a.index - b.index);
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const { name, dtype, shape } of order) {
    if (name === "__metadata__") throw new Error(`a tensor cannot be named "${name}"`);
    header[name] = { dtype, shape, data_offsets: [offset, offset += sizeOf(shape) * BYTES[dtype]] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return { head, order: order.map(({ name }) => name) };
}

/**
 * Writes tensors as the bytes of a safetensors file. Wide types come first, so every tensor is aligned.
 *
 * @param tensors Tensors by name; the length of `data` must fit the shape.
 * @param metadata Strings to keep beside them.
 * @returns The file's bytes; the same input always gives the same bytes.
 * @throws {Error} For a name that the format keeps for itself, or data that do not fit their shape.
 */
export function encodeSafetensors(
  tensors: Record<string, StoredTensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  let total = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const bytes = sizeOf(shape) * BYTES[dtype];
    if (data.byteLength !== bytes || data.BYTES_PER_ELEMENT !== BYTES[dtype]) {
      throw new Error(
        `tensor "${name}" of shape [${shape}] ${dtype} takes ${bytes} bytes but holds ${data.byteLength}`,
      );
    }
    const { constructor: Own } = storedView(new Uint8Array(0), dtype);
    if (!(data instanceof (Own as typeof Float32Array))) {
      throw new Error(`tensor "${name}" is said to be ${dtype}, but its data are a ${data.constructor.name}`);
    }
    total += bytes;
  }
  const { head, order } = safetensorsHead(tensors, metadata);
  const out = new Uint8Array(head.length + total);
  out.set(head);
  let at = head.length;
  for (const name of order) {
    const { data } = tensors[name];
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}
