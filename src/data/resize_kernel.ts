import { RESIZE_WASM } from "./resize_wasm.ts";

/** Which pixels each result along one axis takes, and how much of each. */
export interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** `stride` weights a result, whole numbers of 1 / 2²². */
  weights: Int32Array;
  stride: number;
}

/** Rows of RGB bytes; `pitch` bytes from one row to the next. */
export interface Rows {
  data: Uint8Array;
  /** Where the first pixel's red is in `data`. */
  offset: number;
  pitch: number;
  count: number;
}

type Pass = (...numbers: number[]) => void;

interface Kernel {
  memory: WebAssembly.Memory;
  columns: Pass;
  rows: Pass;
}

const PAGE = 65536;
/** More memory than this is given back after the call, in place of being kept for the next. */
const KEPT = 64 * 2 ** 20;
/** The kernel may read and write so far past an end. */
const ROOM = 16;

let module: WebAssembly.Module | undefined;
let kept: Kernel | undefined;

function kernelOf(bytes: number): Kernel {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(RESIZE_WASM), (letter) => letter.charCodeAt(0)));
  const make = () => new WebAssembly.Instance(module!).exports as unknown as Kernel;
  const kernel = bytes > KEPT ? make() : kept ??= make();
  const missing = bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE));
  return kernel;
}

/**
 * Resizes rows of RGB bytes on vectors of 128 bits (resize.wat): columns first, then rows, each pass rounded to bytes.
 *
 * @param source The picture.
 * @param width Columns of the result.
 * @param columns Taps of the columns; null leaves them as they are.
 * @param rows Taps of the rows; null leaves them as they are.
 * @param out Receives height × width × 3 bytes.
 */
export function resizeRows(
  source: Rows,
  width: number,
  columns: Taps | null,
  rows: Taps | null,
  out: Uint8Array,
): void {
  let bytes = 0;
  const place = (length: number) => {
    const at = bytes;
    bytes += Math.ceil((length + ROOM) / 16) * 16;
    return at;
  };
  const taps = (taps: Taps | null) =>
    taps && {
      first: place(taps.first.byteLength),
      count: place(taps.count.byteLength),
      weights: place(taps.weights.byteLength),
    };
  const pitch = width * 3;
  const columnTaps = taps(columns), rowTaps = taps(rows);
  const input = source.data.subarray(source.offset, source.offset + source.pitch * source.count);
  const from = place(input.length), narrow = columns ? place(pitch * source.count) : from;
  const to = rows ? place(out.length) : narrow;

  const kernel = kernelOf(bytes), { buffer } = kernel.memory;
  const store = (at: number, values: Int32Array, scale: number) => {
    const target = new Int32Array(buffer, at, values.length);
    for (let i = 0; i < values.length; i++) target[i] = values[i] * scale;
  };
  const load = (taps: Taps, at: { first: number; count: number; weights: number }, step: number) => {
    store(at.first, taps.first, step);
    store(at.count, taps.count, 4);
    new Int32Array(buffer, at.weights, taps.weights.length).set(taps.weights);
    return [at.first, at.count, at.weights, taps.stride * 4] as const;
  };
  new Uint8Array(buffer).set(input, from);
  if (columns) {
    kernel.columns(from, narrow, source.count, source.pitch, width, ...load(columns, columnTaps!, 3));
  }
  // Without a pass over the columns the rows are still as far apart as in the source.
  const between = columns ? pitch : source.pitch;
  if (rows) kernel.rows(narrow, to, out.length / pitch, between, ...load(rows, rowTaps!, between));
  out.set(new Uint8Array(buffer, to, out.length));
}
