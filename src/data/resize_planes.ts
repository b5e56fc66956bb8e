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
  /** Bytes of weights of each result in a pass over columns. */
  bytes: number;
}

/** Rows of the result that are made together. */
const GROUP = 8;
/** Bytes of a column of so many pixels of one plane. */
const PIXEL = 2 * GROUP;

/** What the weights of a result sum to: seven bits in a pass over rows, and what makes 64 levels of their 127 · 2¹⁵ for columns. */
const ROW_SUM = 127, COLUMN_SUM = Math.round(64 * 2 ** 15 / ROW_SUM);

const preparedRows = new WeakMap<Taps, { pitch: number; rows: Prepared }>();
const preparedColumns = new WeakMap<Taps, Prepared>();

/** Weights in pairs, the last filled up. The last result is there as often as fills the last group. */
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
  while (table.length % (3 * GROUP) !== 0) table.push(...table.slice(-3));
  const rows = { table: Int32Array.from(table), weights: Int8Array.from(weights), bytes: 0 };
  preparedRows.set(taps, { pitch, rows });
  return rows;
}

/** As many weights for each result, in pairs. `pixel`: bytes from one column of pixels to the next. */
function columnTaps(taps: Taps, pixel: number): Prepared {
  const known = preparedColumns.get(taps);
  // Taps of halved samples are never those of whole ones, except where neither is halved.
  if (known && known.table[known.table.length - 1] === taps.first[taps.first.length - 1] * pixel) {
    return known;
  }
  const most = upTo(2, Math.max(...taps.count));
  const weights = new Int16Array(taps.first.length * most);
  taps.first.forEach((_, i) => weights.set(rounded(taps, i, COLUMN_SUM), i * most));
  const made = { table: taps.first.map((first) => first * pixel), weights, bytes: 2 * most };
  preparedColumns.set(taps, made);
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
    columnTaps(planes.columns, PIXEL),
    columnTaps(planes.chromaColumns, 2 * PIXEL),
  ];

  let bytes = 0;
  const place = (length: number) => {
    const at = bytes;
    bytes += upTo(16, length + ROOM);
    return at;
  };
  const places = tapSets.map(({ table, weights }) => [place(table.byteLength), place(weights.byteLength)]);
  // A pair of rows may end with one that is not there, and weights of 0 may stand for pixels past a row's end.
  const y = place(pitch * (height + 2));
  const cb = place(chromaPitch * (chromaHeight + 1)), cr = place(chromaPitch * (chromaHeight + 1));
  const [, , across, chromaAcross] = tapSets;
  const line = place(GROUP * (2 * pitch + 64)), turned = place(PIXEL * (pitch + across.bytes / 2));
  const chromaTurned = place(2 * PIXEL * (chromaPitch + chromaAcross.bytes / 2));
  const outPitch = upTo(4, newWidth) * 3, groups = Math.ceil(newHeight / GROUP);
  const mixed = place(outPitch * 32 / 3), to = place(outPitch * groups * GROUP);

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
    ...[to, outPitch, newWidth, groups],
    ...[line, turned, chromaTurned, mixed],
    ...rows,
    ...chromaRows,
    ...columns,
    across.bytes,
    ...chromaColumns,
    chromaAcross.bytes,
  );
  const row = newWidth * 3;
  if (outPitch === row) out.set(memory.subarray(to, to + out.length));
  else {
    for (let i = 0; i < newHeight; i++) {
      out.set(memory.subarray(to + i * outPitch, to + i * outPitch + row), i * row);
    }
  }
}
