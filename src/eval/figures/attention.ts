import { canvas, type Colour, fill, paste } from "../../data/picture/drawing.ts";
import { basePicture } from "../../data/picture/resize.ts";
import type { Picture } from "../../data/types.ts";
import * as tf from "../../engine/tensors.ts";
import type { Engine } from "../../engine/types.ts";
import { gridSize, type ModelConfig } from "../../model/config.ts";
import { encoder } from "../../model/encoder.ts";
import type { ModelState, Params } from "../../model/types.ts";
import { renderReference } from "../../views/render.ts";

/**
 * Prepares an encoder to show its attention; it is compiled once for each number of pictures.
 *
 * @returns A function from a state, which is read and never disposed, and count × S × S × 3 bytes to the attention of the
 * last block that the class token's query gives the patches: count × heads × G² weights. The class token's own share is
 * left out, so they sum to less than 1.
 */
export function attentionReader(
  engine: Engine,
  config: ModelConfig,
): (state: ModelState, base: Uint8Array) => Promise<Float32Array> {
  const { imageSize: size, heads } = config, cells = gridSize(config) ** 2;
  const run = engine.jit(({ params, base }: { params: Params; base: tf.Tensor }) => {
    const { attention } = encoder(config, params, renderReference(base), undefined, { attention: true });
    return { weights: tf.slice(attention!, [0, 0, 0, 1], [-1, heads, 1, cells]) as tf.Tensor };
  });
  return async ({ params, frozen }, pictures) => {
    const base = engine.bytes(pictures, [pictures.length / (size * size * 3), size, size, 3]);
    const { weights } = run({ params: { ...params, ...frozen }, base });
    const values = Float32Array.from(await weights.data());
    tf.dispose([base, weights]);
    return values;
  };
}

/**
 * The fewest cells that hold a share of the attention's mass, as DINO shows them: the largest weights, until the smaller
 * ones that are left out hold no more than the rest of the mass.
 *
 * @param weights Not negative; of any sum.
 * @param mass The share to keep, 0 … 1.
 * @returns For each cell whether it is kept.
 */
export function massThreshold(weights: Float32Array, mass: number): boolean[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const order = [...weights.keys()].sort((a, b) => weights[a] - weights[b]);
  const kept = Array<boolean>(weights.length).fill(false);
  let below = 0;
  for (const cell of order) {
    below += weights[cell];
    kept[cell] = below > (1 - mass) * total;
  }
  return kept;
}

/** The mean of the heads' weights, G² of them; `weights` is heads × G². */
function meanOf(weights: Float32Array, heads: number): Float32Array {
  const cells = weights.length / heads;
  return Float32Array.from({ length: cells }, (_, cell) => {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += weights[head * cells + cell];
    return sum / heads;
  });
}

/** From dark violet over red to light yellow. */
const HEAT: readonly Colour[] = [[16, 10, 48], [98, 24, 110], [196, 58, 78], [246, 140, 40], [252, 244, 170]];

/** The colour of a value from 0 to 1. */
function heat(value: number): Colour {
  const at = Math.min(1, Math.max(0, value)) * (HEAT.length - 1),
    low = Math.min(HEAT.length - 2, Math.floor(at));
  const mix = (i: number) => Math.round(HEAT[low][i] + (HEAT[low + 1][i] - HEAT[low][i]) * (at - low));
  return [mix(0), mix(1), mix(2)];
}

const BACKGROUND: Colour = [228, 230, 234];
const GAP = 4;
/** Side of a drawn picture in pixels, about. */
const SIDE = 84;

/**
 * Draws attention: two rows for each picture. Above the picture, the heads' mean and every head; below where the mean and
 * every head look, the cells that hold a share of the mass, with the rest dark.
 *
 * @param base count × S × S × 3 bytes.
 * @param attention count × heads × G² weights.
 * @param mass The share that is kept below.
 */
export function drawAttention(
  config: ModelConfig,
  base: Uint8Array,
  attention: Float32Array,
  mass: number,
): Picture {
  const { imageSize, heads } = config, grid = gridSize(config), cells = grid * grid;
  const cell = Math.max(1, Math.round(SIDE / grid)), side = cell * grid, step = side + GAP;
  const pixels = imageSize ** 2 * 3, count = base.length / pixels;
  const sheet = canvas(GAP + (heads + 2) * step, GAP + 2 * count * step, BACKGROUND);
  for (let i = 0; i < count; i++) {
    const whole = { width: imageSize, height: imageSize, data: base.subarray(i * pixels, (i + 1) * pixels) };
    const picture = basePicture(whole, side), top = GAP + 2 * i * step;
    paste(sheet, picture, side, GAP, top, 1);
    const own = attention.subarray(i * heads * cells, (i + 1) * heads * cells);
    const maps = [
      meanOf(own, heads),
      ...Array.from({ length: heads }, (_, h) => own.subarray(h * cells, (h + 1) * cells)),
    ];
    maps.forEach((weights, column) => {
      const left = GAP + (column + 1) * step, most = Math.max(1e-12, ...weights);
      const kept = massThreshold(weights, mass);
      paste(sheet, picture, side, left, top + step, 1);
      weights.forEach((weight, at) => {
        const x = left + (at % grid) * cell, y = top + Math.floor(at / grid) * cell;
        fill(sheet, x, y, cell, cell, heat(weight / most));
        if (!kept[at]) darken(sheet, x, y + step, cell);
      });
    });
  }
  return sheet;
}

/** Leaves a fifth of a square's light. */
function darken({ width, data }: Picture, left: number, top: number, side: number): void {
  for (let y = top; y < top + side; y++) {
    for (let at = (y * width + left) * 3; at < (y * width + left + side) * 3; at++) data[at] = data[at] / 5;
  }
}
