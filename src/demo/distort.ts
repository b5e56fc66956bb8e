/** Pictures as they come from elsewhere: turned, shifted, shrunk, recoloured (docs/demo.md). */
import { randomStream } from "../random.ts";
import { type Hand, HANDS, nameNumber } from "./select.ts";

/** How one picture is changed. */
export interface Distortion {
  /** Turn around the middle in radians, clockwise as seen. */
  turn: number;
  /** Size afterwards, as a share of the size before. */
  scale: number;
  /** Shift in shares of the side. */
  right: number;
  down: number;
  /** Turn of the hue, as a share of a full one. */
  hue: number;
  /** Factor of HSV's saturation. */
  saturation: number;
  /** Factor of HSV's value. */
  brightness: number;
}

/** Changes nothing. */
export const UNCHANGED: Distortion = {
  turn: 0,
  scale: 1,
  right: 0,
  down: 0,
  hue: 0,
  saturation: 1,
  brightness: 1,
};

/** How often each held-out picture is changed. */
export const COPIES = 4;

/** Fixed, so that every run and every method is asked with the same pictures. */
const SEED = 0;

/** The background of the demo's pictures. */
const WHITE = 255;

/**
 * Draws how a picture is changed, each number uniformly and alone.
 *
 * @param unified The emoji.
 * @param copy The number of the change, from 0.
 * @returns The same for the same arguments, always.
 */
export function sampleDistortion(unified: string, hand: Hand, copy: number): Distortion {
  const random = randomStream(SEED, "distortion", nameNumber(unified), HANDS.indexOf(hand), copy);
  return {
    turn: random.uniform(-30, 30) / 180 * Math.PI,
    scale: random.uniform(.6, 1),
    right: random.uniform(-.15, .15),
    down: random.uniform(-.15, .15),
    hue: random.uniform(-1 / 12, 1 / 12),
    saturation: random.uniform(.6, 1.4),
    brightness: random.uniform(.7, 1.3),
  };
}

/**
 * Where the middle of the result's pixel in column x, row y lies in the picture: [a·x + b·y + c, −b·x + a·y + d] with the
 * numbers [a, b, c, d].
 */
function sourceOf({ turn, scale, right, down }: Distortion, size: number): [number, number, number, number] {
  const a = Math.cos(turn) / scale, b = Math.sin(turn) / scale, middle = (size - 1) / 2;
  const x = middle + right * size, y = middle + down * size;
  return [a, b, middle - a * x - b * y, middle + b * x - a * y];
}

/** Changes a colour's hue, saturation and value in place; numbers 0 … 255, not rounded. */
function recolour(colour: Float64Array, { hue, saturation, brightness }: Distortion): void {
  const [red, green, blue] = colour;
  const value = Math.max(red, green, blue), chroma = value - Math.min(red, green, blue);
  let sector = 0;
  if (chroma > 0) {
    if (value === red) sector = (green - blue) / chroma;
    else if (value === green) sector = (blue - red) / chroma + 2;
    else sector = (red - green) / chroma + 4;
  }
  const bright = Math.min(255, value * brightness);
  const depth = value > 0 ? Math.min(1, chroma / value * saturation) * bright : 0;
  for (let channel = 0; channel < 3; channel++) {
    // A channel loses depth · clip(min(k, 4 − k), 0, 1), where k is its distance in sectors.
    const far = sector + 6 * hue + 5 - 2 * channel, k = far - 6 * Math.floor(far / 6);
    colour[channel] = bright - depth * Math.max(0, Math.min(k, 4 - k, 1));
  }
}

/**
 * Changes a picture: pixels are interpolated bilinearly, white comes in from outside, then colours change.
 *
 * @param picture size × size × 3 bytes; not changed.
 * @param size Side in pixels.
 * @param distortion {@linkcode UNCHANGED} gives the same bytes.
 * @param out Receives size × size × 3 bytes. Default: new bytes.
 * @returns `out`.
 */
export function distort(
  picture: Uint8Array,
  size: number,
  distortion: Distortion,
  out: Uint8Array = new Uint8Array(size * size * 3),
): Uint8Array {
  const [a, b, c, d] = sourceOf(distortion, size), colour = new Float64Array(3);
  /** Adds a share of a pixel, which may be outside. */
  const add = (x: number, y: number, share: number) => {
    const inside = x >= 0 && x < size && y >= 0 && y < size, at = (y * size + x) * 3;
    for (let channel = 0; channel < 3; channel++) {
      colour[channel] += share * (inside ? picture[at + channel] : WHITE);
    }
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sx = a * x + b * y + c, sy = -b * x + a * y + d;
      const left = Math.floor(sx), top = Math.floor(sy), u = sx - left, v = sy - top;
      colour.fill(0);
      add(left, top, (1 - u) * (1 - v));
      add(left + 1, top, u * (1 - v));
      add(left, top + 1, (1 - u) * v);
      add(left + 1, top + 1, u * v);
      recolour(colour, distortion);
      const to = (y * size + x) * 3;
      for (let channel = 0; channel < 3; channel++) out[to + channel] = Math.round(colour[channel]);
    }
  }
  return out;
}
