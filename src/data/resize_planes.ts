import { kernelOf, ROOM, rounded } from "./resize_kernel.ts";
import type { Taps } from "./resize_taps.ts";

/** Where the planes of a picture stand in memory: brightness, then the two of chroma, one byte a pixel. */
export interface PlaneLayout {
  offsets: [number, number, number];
  /** Bytes from a row to the next. */
  pitches: [number, number, number];
}

/** Planes and what is to be made of them. */
export interface PlaneTaps {
  width: number;
  height: number;
  halfColumns: boolean;
  halfRows: boolean;
  columns: Taps;
  rows: Taps;
  chromaColumns: Taps;
  chromaRows: Taps;
}

/** Taps as the kernel takes them, one after the other as they stand in its memory. */
interface Prepared {
  first: Int32Array;
  /** Bytes of weights, for a pass over rows. */
  bytes: Int32Array;
  weights: Int16Array;
  /** Vectors of weights of a result in a pass over columns; bytes of them in one over rows. */
  step: number;
}

const preparedRows = new WeakMap<Taps, Prepared>();
const preparedColumns = [new WeakMap<Taps, Prepared>(), new WeakMap<Taps, Prepared>()];

function rowTaps(taps: Taps, pitch: number): Prepared {
  const known = preparedRows.get(taps);
  // A picture's height says nothing of its pitch, so the taps may have been prepared for another one.
  if (known && known.first[known.first.length - 1] === taps.first[taps.first.length - 1] * pitch) {
    return known;
  }
  const results = taps.first.length, { stride } = taps, weights = new Int16Array(results * stride);
  for (let i = 0; i < results; i++) weights.set(rounded(taps, i), i * stride);
  const made = {
    first: taps.first.map((row) => row * pitch),
    bytes: taps.count.map((count) => count * 2),
    weights,
    step: stride * 2,
  };
  preparedRows.set(taps, made);
  return made;
}

/**
 * Weights in vectors of eight: each once, or four of them twice. Results stand in fours: the first vector of each of the four,
 * then the second, and so on; they are filled up to whole fours.
 */
function columnTaps(taps: Taps, twice: boolean): Prepared {
  const cache = preparedColumns[Number(twice)], known = cache.get(taps);
  if (known) return known;
  const results = taps.first.length, whole = Math.ceil(results / 4) * 4, lanes = twice ? 4 : 8;
  const step = Math.ceil(Math.max(...taps.count) / lanes);
  const first = new Int32Array(whole), weights = new Int16Array(whole * step * 8);
  for (let i = 0; i < results; i++) {
    first[i] = taps.first[i] * 2;
    rounded(taps, i).forEach((weight, k) => {
      const at = ((Math.floor(i / 4) * step + Math.floor(k / lanes)) * 4 + i % 4) * 8 + k % lanes;
      weights[at] = weight;
      if (twice) weights[at + 4] = weight;
    });
  }
  const made = { first, bytes: new Int32Array(0), weights, step };
  cache.set(taps, made);
  return made;
}

const upTo16 = (bytes: number) => Math.ceil(bytes / 16) * 16;

/**
 * Resizes three planes and mixes their colours, on vectors of 128 bits (resize.wat).
 *
 * @param planes Sizes and taps.
 * @param fill Writes the planes, straight to where they are worked on; each row and column count is filled up to an even one where
 * chroma is halved, as libjpeg-turbo writes them.
 * @param out Receives RGB bytes.
 */
export function resizePlanes(
  planes: PlaneTaps,
  fill: (memory: ArrayBuffer, layout: PlaneLayout) => void,
  out: Uint8Array,
): void {
  const { width, height, halfColumns, halfRows } = planes;
  const newWidth = planes.columns.first.length, newHeight = planes.rows.first.length;
  const half = (length: number, halved: boolean) => halved ? Math.ceil(length / 2) : length;
  const pitch = upTo16(width + 1), chromaPitch = upTo16(half(width, halfColumns));
  const chromaHeight = half(height, halfRows);
  const tapSets = [
    rowTaps(planes.rows, pitch),
    rowTaps(planes.chromaRows, chromaPitch),
    columnTaps(planes.columns, false),
    columnTaps(planes.chromaColumns, true),
  ];

  let bytes = 0;
  const place = (length: number) => {
    const at = bytes;
    bytes += upTo16(length + ROOM);
    return at;
  };
  const [rows, chromaRows, columns, chromaColumns] = tapSets.map(({ first, bytes, weights, step }) => ({
    first: place(first.byteLength),
    bytes: place(bytes.byteLength),
    weights: place(weights.byteLength),
    step,
  }));
  const y = place(pitch * (height + 1)),
    cb = place(chromaPitch * chromaHeight),
    cr = place(chromaPitch * chromaHeight);
  const low = place(2 * pitch * newHeight), chromaBytes = upTo16(2 * chromaPitch * newHeight + ROOM);
  const chromaLow = place(2 * chromaBytes), to = place(out.length), line = place((newWidth + 16) * 6);

  const kernel = kernelOf(bytes), buffer = kernel.memory.buffer as ArrayBuffer;
  [rows, chromaRows, columns, chromaColumns].forEach((at, i) => {
    new Int32Array(buffer).set(tapSets[i].first, at.first / 4);
    new Int32Array(buffer).set(tapSets[i].bytes, at.bytes / 4);
    new Int16Array(buffer).set(tapSets[i].weights, at.weights / 2);
  });
  fill(buffer, { offsets: [y, cb, cr], pitches: [pitch, chromaPitch, chromaPitch] });
  const pass = (from: number, to: number, pitch: number, taps: typeof rows) =>
    kernel.quickRows(from, to, newHeight, pitch, taps.first, taps.bytes, taps.weights, taps.step);
  pass(y, low, pitch, rows);
  pass(cb, chromaLow, chromaPitch, chromaRows);
  pass(cr, chromaLow + chromaBytes, chromaPitch, chromaRows);
  kernel.planes(
    low,
    2 * pitch,
    chromaLow,
    2 * chromaPitch,
    chromaBytes,
    to,
    newWidth,
    newHeight,
    line,
    columns.first,
    columns.weights,
    columns.step,
    chromaColumns.first,
    chromaColumns.weights,
    chromaColumns.step,
  );
  out.set(new Uint8Array(buffer, to, out.length));
}
