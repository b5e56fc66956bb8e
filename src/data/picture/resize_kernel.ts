import type { Taps } from "./resize_taps.ts";
import { RESIZE_WASM } from "./resize_wasm.ts";

/** Rows of RGB bytes; `pitch` bytes from one row to the next. */
export interface Rows {
  data: Uint8Array;
  /** Where the first pixel's red is in `data`. */
  offset: number;
  pitch: number;
  count: number;
}

type Pass = (...numbers: number[]) => void;

/** The functions of resize.wat. */
export interface Kernel {
  memory: WebAssembly.Memory;
  columns: Pass;
  rows: Pass;
  quickColumns: Pass;
  quickRows: Pass;
  turn: Pass;
  mix: Pass;
  colours: Pass;
}

const PAGE = 65536;
/** More memory than this is freed after the call instead of being kept for the next. */
const KEPT = 64 * 2 ** 20;
/** How far the kernel may read and write past an end. */
const ROOM = 64;

let module: WebAssembly.Module | undefined;
let kept: Kernel | undefined;

/** Up to the next whole `step`. */
export const upTo = (step: number, bytes: number): number => Math.ceil(bytes / step) * step;

/** Memory in the kernel's memory, one after the other. */
export interface Layout {
  /** Gives the address of so many bytes, with room behind for what the kernel reads and writes past an end. */
  reserve(bytes: number): number;
  /** The kernel, with memory for all of them. What is in it holds until the next call. */
  kernel(): Kernel;
}

/** Nothing reserved yet. */
export function layout(): Layout {
  let end = 0;
  return {
    reserve(bytes) {
      const at = end;
      end += upTo(64, bytes + ROOM);
      return at;
    },
    kernel: () => kernelOf(end),
  };
}

/** The kernel, with so much memory or more. */
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
  const { reserve, kernel: ready } = layout();
  const taps = (taps: Taps | null) =>
    taps && {
      first: reserve(taps.first.byteLength),
      count: reserve(taps.count.byteLength),
      weights: reserve(taps.weights.byteLength),
    };
  const pitch = width * 3;
  const columnTaps = taps(columns), rowTaps = taps(rows);
  const input = source.data.subarray(source.offset, source.offset + source.pitch * source.count);
  const from = reserve(input.length), narrow = columns ? reserve(pitch * source.count) : from;
  const to = rows ? reserve(out.length) : narrow;

  const kernel = ready(), { buffer } = kernel.memory;
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

/** Taps with weights of 1 / 2¹⁵, as the quick passes take them: each once, or as vectors of two pixels, six pixels at a time. */
interface QuickTaps {
  first: Int32Array;
  /** Bytes of weights. */
  bytes: Int32Array;
  weights: Int16Array;
  /** Bytes from one result's weights to the next's. */
  stride: number;
}

const quickOnes = new WeakMap<Taps, QuickTaps>(), quickPairs = new WeakMap<Taps, QuickTaps>();

/** A result's weights as whole numbers that sum to `sum`, so that a constant picture stays constant. */
export function rounded(taps: Taps, result: number, sum: number): number[] {
  const { weights, stride, count } = taps;
  const from = result * stride, values: number[] = [];
  for (let k = 0; k < count[result]; k++) values.push(Math.round(weights[from + k] * sum / 2 ** 22));
  const largest = values.indexOf(Math.max(...values));
  values[largest] += sum - values.reduce((sum, value) => sum + value, 0);
  return values;
}

function quickTaps(taps: Taps, pairs: boolean): QuickTaps {
  const cache = pairs ? quickPairs : quickOnes, known = cache.get(taps);
  if (known) return known;
  const results = taps.first.length, slots = pairs ? Math.ceil(taps.stride / 6) * 24 : taps.stride;
  const quick: QuickTaps = {
    first: taps.first,
    bytes: taps.count.map((count) => pairs ? Math.ceil(count / 6) * 48 : count * 2),
    weights: new Int16Array(results * slots),
    stride: slots * 2,
  };
  for (let i = 0; i < results; i++) {
    rounded(taps, i, 32768).forEach((whole, k) => {
      const weight = Math.min(whole, 32767);
      if (!pairs) quick.weights[i * slots + k] = weight;
      else {quick.weights.fill(
          weight,
          i * slots + (k >> 1) * 8 + k % 2 * 3,
          i * slots + (k >> 1) * 8 + k % 2 * 3 + 3,
        );}
    });
  }
  cache.set(taps, quick);
  return quick;
}

/**
 * Resizes quickly: rows first, then columns, in 16 bits. About three times as fast as {@linkcode resizeRows} and within one
 * level of it, seldom off at all.
 *
 * @param width Columns of the source.
 * @param height Rows of the source.
 * @param fill Writes the source's height × width × 3 bytes, straight to where they are worked on.
 * @param columns Taps of the columns.
 * @param rows Taps of the rows.
 * @param out Receives the result.
 */
export function quickResize(
  width: number,
  height: number,
  fill: (pixels: Uint8Array<ArrayBuffer>) => void,
  columns: Taps,
  rows: Taps,
  out: Uint8Array,
): void {
  const pitch = width * 3, [newWidth, newHeight] = [columns.first.length, rows.first.length];
  const across = quickTaps(columns, true), down = quickTaps(rows, false);
  const { reserve, kernel: ready } = layout();
  const reserveTaps = (taps: QuickTaps) =>
    [
      reserve(taps.first.byteLength),
      reserve(taps.bytes.byteLength),
      reserve(taps.weights.byteLength),
    ] as const;
  const acrossAt = reserveTaps(across), downAt = reserveTaps(down);
  const from = reserve(pitch * height), low = reserve(2 * pitch * newHeight), to = reserve(out.length);
  const kernel = ready(), buffer = kernel.memory.buffer as ArrayBuffer;
  for (
    const [taps, [first, count, weights], step] of [[across, acrossAt, 6], [down, downAt, pitch]] as const
  ) {
    const offsets = new Int32Array(buffer, first, taps.first.length);
    for (let i = 0; i < offsets.length; i++) offsets[i] = taps.first[i] * step;
    new Int32Array(buffer, count, taps.bytes.length).set(taps.bytes);
    new Int16Array(buffer, weights, taps.weights.length).set(taps.weights);
  }
  fill(new Uint8Array(buffer, from, pitch * height));
  kernel.quickRows(from, low, newHeight, pitch, ...downAt, down.stride);
  kernel.quickColumns(low, to, newHeight, 2 * pitch, newWidth, ...acrossAt, across.stride);
  out.set(new Uint8Array(buffer, to, out.length));
}
