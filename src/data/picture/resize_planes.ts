import { layout, rounded, upTo } from "./resize_kernel.ts";
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

/** Taps as the kernel takes them: of each result the first row and the ends of its weights, and weights in pairs. */
interface Mix {
  table: Int32Array;
  weights: Int8Array;
}

/** What the weights of a result sum to: they have seven bits. */
const SUM = 127;

const mixes = new WeakMap<Taps, Mix>();

function mixOf(taps: Taps): Mix {
  const known = mixes.get(taps);
  if (known) return known;
  const table: number[] = [], weights: number[] = [];
  taps.first.forEach((first, i) => {
    const from = weights.push(...rounded(taps, i, SUM)) - taps.count[i];
    if (weights.length % 2 === 1) weights.push(0);
    table.push(first, from, weights.length);
  });
  const mix = { table: Int32Array.from(table), weights: Int8Array.from(weights) };
  mixes.set(taps, mix);
  return mix;
}

/** Bytes from a row of so many to the next. Rows a power of two apart would get in each other's way in the processor's caches. */
const apart = (bytes: number) => upTo(128, bytes + 64) - 64;

/**
 * Resizes three planes and mixes their colours, on vectors of 128 bits (resize.wat): columns first, then rows, 8 bits in between, as
 * PIL does, with weights of seven bits.
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
  const newWidth = planes.columns.first.length, newHeight = planes.rows.first.length;
  const half = (length: number, halved: boolean) => halved ? Math.ceil(length / 2) : length;

  const { reserve, kernel: ready } = layout();
  const reserveMix = (taps: Taps) => {
    const mix = mixOf(taps);
    return { ...mix, at: reserve(mix.table.byteLength), weightsAt: reserve(mix.weights.byteLength) };
  };
  const across = reserveMix(planes.columns), down = reserveMix(planes.rows);
  const chromaAcross = reserveMix(planes.chromaColumns), chromaDown = reserveMix(planes.chromaRows);
  const pitch = apart(newWidth), wide = apart(2 * newWidth);
  // Planes are turned sixteen rows at a time; a pair of rows may end with one that is not there.
  const reservePlane = (width: number, height: number) => ({
    width,
    height,
    pitch: apart(width + 1),
    from: reserve(apart(width + 1) * upTo(16, height + 1)),
    to: reserve(wide * newHeight),
  });
  const y = reservePlane(planes.width, planes.height);
  const chroma = [half(planes.width, planes.halfColumns), half(planes.height, planes.halfRows)] as const;
  const cb = reservePlane(...chroma), cr = reservePlane(...chroma);
  // What stands between the passes, of one plane after the other.
  const tall = apart(planes.height), turned = reserve(tall * (upTo(16, planes.width) + 1));
  const narrow = reserve(tall * upTo(16, newWidth)), upright = reserve(pitch * (upTo(16, planes.height) + 1));
  const result = reserve(out.length);

  const kernel = ready(), buffer = kernel.memory.buffer as ArrayBuffer;
  for (const { table, at, weights, weightsAt } of [across, down, chromaAcross, chromaDown]) {
    new Int32Array(buffer, at, table.length).set(table);
    new Int8Array(buffer, weightsAt, weights.length).set(weights);
  }
  fill(buffer, { offsets: [y.from, cb.from, cr.from], pitches: [y.pitch, cb.pitch, cr.pitch] });
  for (const plane of [y, cb, cr]) {
    const [columns, rows] = plane === y ? [across, down] : [chromaAcross, chromaDown],
      { width, height } = plane;
    kernel.turn(plane.from, plane.pitch, turned, tall, height, width, 128);
    kernel.mix(turned, tall, narrow, tall, height, newWidth, columns.at, columns.weightsAt, 0);
    kernel.turn(narrow, tall, upright, pitch, newWidth, height, 0);
    kernel.mix(upright, pitch, plane.to, wide, newWidth, newHeight, rows.at, rows.weightsAt, 1);
  }
  kernel.colours(y.to, cb.to, cr.to, wide, result, newWidth, newHeight);
  out.set(new Uint8Array(buffer, result, out.length));
}
