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

/** Taps as the kernel takes them. */
interface Prepared {
  /** Rows: three numbers a result, as resize.wat says. Columns: the first pixel's place in bytes. */
  table: Int32Array;
  weights: Int8Array | Int16Array;
  /** Vectors of weights of a result in a pass over columns. */
  blocks: number;
}

/** What the weights of a result sum to: seven bits in a pass over rows, and what makes 64 levels of their 127 · 2¹⁵ for columns. */
const ROW_SUM = 127, COLUMN_SUM = Math.round(64 * 2 ** 15 / ROW_SUM);

const preparedRows = new WeakMap<Taps, { pitch: number; rows: Prepared }>();
const preparedColumns = [new WeakMap<Taps, Prepared>(), new WeakMap<Taps, Prepared>()];

/** Weights in pairs, the last filled up. */
function rowTaps(taps: Taps, pitch: number): Prepared {
  const known = preparedRows.get(taps);
  // A picture's height says nothing of its pitch, so the taps may have been prepared for another one.
  if (known?.pitch === pitch) return known.rows;
  const table: number[] = [], weights: number[] = [];
  taps.first.forEach((first, i) => {
    const from = weights.push(...rounded(taps, i, ROW_SUM)) - taps.count[i];
    if (weights.length % 2 === 1) weights.push(0);
    table.push(first * pitch, from, weights.length);
  });
  const rows = { table: Int32Array.from(table), weights: Int8Array.from(weights), blocks: 0 };
  preparedRows.set(taps, { pitch, rows });
  return rows;
}

/**
 * Weights in vectors of eight: each once, or four of them twice. Results stand in fours: the first vector of each of the four,
 * then the second, and so on; they are filled up to whole fours.
 */
function columnTaps(taps: Taps, twice: boolean): Prepared {
  const cache = preparedColumns[Number(twice)], known = cache.get(taps);
  if (known) return known;
  const results = taps.first.length, whole = Math.ceil(results / 4) * 4, lanes = twice ? 4 : 8;
  const blocks = Math.ceil(Math.max(...taps.count) / lanes);
  const table = new Int32Array(whole), weights = new Int16Array(whole * blocks * 8);
  for (let i = 0; i < results; i++) {
    table[i] = taps.first[i] * 2;
    rounded(taps, i, COLUMN_SUM).forEach((weight, k) => {
      const at = ((Math.floor(i / 4) * blocks + Math.floor(k / lanes)) * 4 + i % 4) * 8 + k % lanes;
      weights[at] = weight;
      if (twice) weights[at + 4] = weight;
    });
  }
  const made = { table, weights, blocks };
  cache.set(taps, made);
  return made;
}

const upTo = (step: number, bytes: number) => Math.ceil(bytes / step) * step;

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
  const pitch = upTo(32, width + 1), chromaPitch = upTo(32, half(width, halfColumns));
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
    bytes += upTo(16, length + ROOM);
    return at;
  };
  const places = tapSets.map(({ table, weights }) => [place(table.byteLength), place(weights.byteLength)]);
  // A pair of rows may end with one that is not there.
  const y = place(pitch * (height + 2));
  const cb = place(chromaPitch * (chromaHeight + 1)), cr = place(chromaPitch * (chromaHeight + 1));
  const to = place(out.length), line = place(2 * pitch + 4 * chromaPitch + 6 * newWidth + 512);

  const kernel = kernelOf(bytes),
    buffer = kernel.memory.buffer as ArrayBuffer,
    memory = new Uint8Array(buffer);
  tapSets.forEach(({ table, weights }, i) => {
    memory.set(new Uint8Array(table.buffer), places[i][0]);
    memory.set(new Uint8Array(weights.buffer), places[i][1]);
  });
  fill(buffer, { offsets: [y, cb, cr], pitches: [pitch, chromaPitch, chromaPitch] });
  const [rows, chromaRows, columns, chromaColumns] = places;
  kernel.planes(
    ...[y, cb, cr, pitch, chromaPitch],
    ...[to, newWidth, newHeight, line],
    ...rows,
    ...chromaRows,
    ...columns,
    tapSets[2].blocks,
    ...chromaColumns,
    tapSets[3].blocks,
  );
  out.set(new Uint8Array(buffer, to, out.length));
}
