/** Drawings with an outline of their own, turned, scaled and laid on pictures. */
import sharp from "npm:sharp@0.35.5";

/** A drawing: side × side × 4 bytes, red, green, blue and opacity. */
export interface Sprite {
  side: number;
  data: Uint8Array;
  /** The share of its pixels that are opaque by half or more. */
  covered: number;
}

/** Where a sprite comes to lie. */
export interface Pose {
  /** Its middle in pixels of the picture. */
  x: number;
  y: number;
  /** The side of its square before it is turned, in pixels. */
  side: number;
  /** Turn around the middle in radians, clockwise as seen. */
  turn: number;
}

/** What of a sprite lies in a picture, as pixels of it. */
export interface Layer {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Opacity of each pixel, 0 … 1, row by row. */
  alpha: Float32Array;
  /** Three values a pixel, 0 … 255 times its opacity. */
  colours: Float32Array;
}

/**
 * Reads a square picture with opacity.
 *
 * @param bytes A file that libvips knows.
 * @throws {Error} When it cannot be read, or is not square.
 */
export async function readSprite(bytes: Uint8Array): Promise<Sprite> {
  const { data, info } = await sharp(bytes).toColourspace("srgb").ensureAlpha().raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.width !== info.height || info.channels !== 4) {
    throw new Error(
      `a drawing of ${info.width} × ${info.height} with ${info.channels} channels is no square with opacity`,
    );
  }
  return spriteOf(info.width, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A drawing of side × side × 4 bytes. */
export function spriteOf(side: number, data: Uint8Array): Sprite {
  let covered = 0;
  for (let at = 3; at < data.length; at += 4) covered += Number(data[at] >= 128);
  return { side, data, covered: covered / side ** 2 };
}

/** At most so many samples of a sprite along each side of a pixel. */
const MOST_SAMPLES = 6;

/**
 * Draws a sprite: each pixel is the mean of samples that are interpolated bilinearly, so that small ones are smooth, too.
 *
 * @param sprite What is drawn; nothing is around it.
 * @param pose Where.
 * @param size The picture's size; what lies beyond is left out.
 */
export function layerOf(
  { side, data }: Pick<Sprite, "side" | "data">,
  pose: Pose,
  size: { width: number; height: number },
): Layer {
  const [cos, sin] = [Math.cos(pose.turn), Math.sin(pose.turn)], half = pose.side / 2;
  const reach = half * (Math.abs(cos) + Math.abs(sin));
  const left = Math.max(0, Math.floor(pose.x - reach)), top = Math.max(0, Math.floor(pose.y - reach));
  const width = Math.max(0, Math.min(size.width, Math.ceil(pose.x + reach)) - left);
  const height = Math.max(0, Math.min(size.height, Math.ceil(pose.y + reach)) - top);
  const alpha = new Float32Array(width * height), colours = new Float32Array(3 * width * height);
  const scale = side / pose.side, samples = Math.min(MOST_SAMPLES, Math.ceil(1.5 * scale));
  const share = 1 / samples ** 2, sum = new Float64Array(4);
  const add = (x: number, y: number, weight: number) => {
    if (x < 0 || y < 0 || x >= side || y >= side) return;
    const at = 4 * (y * side + x), opacity = weight * data[at + 3] / 255;
    for (let k = 0; k < 3; k++) sum[k] += opacity * data[at + k];
    sum[3] += opacity;
  };
  for (let at = 0; at < alpha.length; at++) {
    const column = at % width, row = (at - column) / width;
    sum.fill(0);
    for (let sample = 0; sample < samples ** 2; sample++) {
      const x = left + column + (sample % samples + 0.5) / samples - pose.x;
      const y = top + row + (Math.floor(sample / samples) + 0.5) / samples - pose.y;
      const u = (cos * x + sin * y) * scale + side / 2 - 0.5,
        v = (cos * y - sin * x) * scale + side / 2 - 0.5;
      const [l, t] = [Math.floor(u), Math.floor(v)], [right, down] = [u - l, v - t];
      add(l, t, share * (1 - right) * (1 - down));
      add(l + 1, t, share * right * (1 - down));
      add(l, t + 1, share * (1 - right) * down);
      add(l + 1, t + 1, share * right * down);
    }
    alpha[at] = sum[3];
    for (let k = 0; k < 3; k++) colours[3 * at + k] = sum[k];
  }
  return { left, top, width, height, alpha, colours };
}
