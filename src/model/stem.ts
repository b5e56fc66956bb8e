/** Strided convolutions that make an encoder's tokens of pixels, as products that every engine runs. */
import * as tf from "../engine/tensors.ts";
import type { ModelConfig } from "./config.ts";
import { gelu, layerNorm } from "./layers.ts";
import type { Params } from "./types.ts";

/** A convolution of the stem: kernel 4, stride 2, padding 1, so it halves the picture's side. */
export interface StemLayer {
  /** `NAME.weight` [to, from, 4, 4], and a layer norm `NAME.norm` over the channels. */
  name: string;
  from: number;
  to: number;
}

/** The stem's convolutions: as many as halve a patch down to one token, each twice as wide as the one before. */
export function stemLayers({ patchSize, width }: Pick<ModelConfig, "patchSize" | "width">): StemLayer[] {
  const count = Math.log2(patchSize);
  const widths = [3, ...Array.from({ length: count }, (_, i) => width / 2 ** (count - 1 - i))];
  return Array.from({ length: count }, (_, i) => ({
    name: `backbone.patch_embed.convolutions.${i}`,
    from: widths[i],
    to: widths[i + 1],
  }));
}

/**
 * A convolution of kernel 4, stride 2 and padding 1 without bias, as one product.
 *
 * @param x [N, H, W, from]; H and W are even.
 * @param weight [to, from, 4, 4].
 * @returns [N·H/2·W/2, to].
 */
function halve(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const [n, height, width, from] = x.shape as [number, number, number, number];
  const [to] = weight.shape, rows = height / 2, columns = width / 2;
  const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  // In cells of 2 × 2 pixels the kernel covers 2 × 2 cells and moves by one.
  const cut = tf.reshape(padded, [n, rows + 1, 2, columns + 1, 2, from]);
  const cells = tf.reshape(tf.transpose(cut, [0, 1, 3, 2, 4, 5]), [n, rows + 1, columns + 1, 4 * from]);
  const seen = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([r, c]) =>
    tf.slice(cells, [0, r, c, 0], [n, rows, columns, 4 * from])
  );
  const patches = tf.reshape(tf.concat(seen, 3), [n * rows * columns, 16 * from]);
  // [to, from, cell row, pixel row, cell column, pixel column], in the order of `patches`.
  const kernel = tf.transpose(tf.reshape(weight, [to, from, 2, 2, 2, 2]), [0, 2, 4, 3, 5, 1]);
  return tf.matMul(patches, tf.reshape(kernel, [to, 16 * from]), false, true);
}

/**
 * The stem: convolutions, each with a layer norm over the channels and a GELU, down to the grid of patches.
 * Convolutions instead of one linear layer on each patch learn faster from few pictures (Xiao et al., "Early convolutions
 * help transformers see better", NeurIPS 2021).
 *
 * @param images [N, H, W, 3]; H and W are multiples of the patch size.
 * @returns [N·(H/P)·(W/P), d], rows of cells.
 */
export function stem(config: ModelConfig, params: Params, images: tf.Tensor): tf.Tensor {
  let [count, height, width] = images.shape as [number, number, number];
  let x = images;
  for (const { name, to } of stemLayers(config)) {
    const rows = halve(x, params[`${name}.weight`]);
    [height, width] = [height / 2, width / 2];
    x = tf.reshape(gelu(layerNorm(rows, params, `${name}.norm`)), [count, height, width, to]);
  }
  return tf.reshape(x, [count * height * width, config.width]);
}
