import * as tf from "../engine/tensors.ts";
import { scope } from "../engine/tensors.ts";
import { align, decoderInput } from "./aligner.ts";
import { checkShape } from "./check_tensors.ts";
import type { ModelConfig } from "./config.ts";
import { type Decoded, decoder } from "./decoder.ts";
import { encoder } from "./encoder.ts";
import { head } from "./head.ts";
import { LOSS_TERMS, losses, type LossTerm, type LossTerms } from "./loss.ts";
import type { LossConfig } from "./loss_config.ts";
import { patchify } from "./patches.ts";
import type { ModelState, Params } from "./types.ts";

/** One batch of view pairs on the device. */
export interface AutoencoderInput {
  /** Normalised views, [2B, S, S, 3]: all of view 1, then all of view 2; with `parts` as `viewOf` says. */
  images: tf.Tensor;
  /** Normalised undistorted pictures, [B, S, S, 3]; where the views themselves are reconstructed, those, [2B, S, S, 3]. */
  reference: tf.Tensor;
  /** Where each view lies in its picture, [2B, 4]; x0 > x1 marks a flip. */
  boxes: tf.Tensor;
  /** Parts of the stacks of views: the devices that share the batch. Default 1. */
  parts?: number;
  /** Uniform draws of stochastic depth, [depth, 2, 2B]. Left out: none. */
  drop?: tf.Tensor;
  /** Added to intermediate results so that you can take their gradients. For probing; left out in training. */
  nudge?: { tokens: tf.Tensor; codes: tf.Tensor; aligned: tf.Tensor; patches: tf.Tensor };
}

/** The loss and all intermediate results. */
export interface AutoencoderResult {
  loss: tf.Scalar;
  /** The loss's terms before their weights, by name. */
  terms: LossTerms;
  /** The batch norms' statistics after this batch. */
  buffers: Params;
  /** Encoder tokens, [2B, T, d], and those after each block. */
  tokens: tf.Tensor3D;
  encoderBlocks: tf.Tensor3D[];
  /** [2B, T, C]. */
  codes: tf.Tensor3D;
  aligned: tf.Tensor3D;
  /** [2B, G, G]. */
  mask: tf.Tensor3D;
  decoded: Decoded;
  /** The terms' intermediate tensors, such as `classSimilarity`, see {@linkcode losses}. */
  inner: Record<string, tf.Tensor>;
}

/**
 * The whole model in training mode, a pure function: encoder, head, aligner, decoder and loss of a batch of view pairs.
 *
 * @param config The model's sizes.
 * @param lossConfig Weights and options of the loss.
 * @param terms What the loss is the sum of. Default: the method's terms.
 * @throws {RangeError} When the views do not divide into patches, shapes do not fit the configuration or each other, or terms
 * cannot be summed, see {@linkcode losses}.
 */
export function autoencoder(
  config: ModelConfig,
  lossConfig: LossConfig,
  state: ModelState,
  input: AutoencoderInput,
  terms: readonly LossTerm[] = LOSS_TERMS,
): AutoencoderResult {
  const params = { ...state.params, ...state.frozen };
  const { nudge } = input, { imageSize } = config;
  checkShape("the views", input.images, [null, null, null, 3], "2B, V, V, 3");
  const [rows] = input.images.shape, ofViews = config.reconstructionTarget === "view";
  if (rows % 2 !== 0) throw new RangeError(`there are ${rows} views; each picture has two`);
  checkShape(
    "the reference",
    input.reference,
    [ofViews ? rows : rows / 2, ofViews ? null : imageSize, ofViews ? null : imageSize, 3],
    ofViews ? "2B, V, V, 3" : "B, S, S, 3",
  );
  const shift = <T extends tf.Tensor>(x: T, by: tf.Tensor | undefined): T => (by ? tf.add(x, by) as T : x);

  const encoded = scope("encoder", () => encoder(config, params, input.images, input.drop));
  const tokens = shift(encoded.tokens, nudge?.tokens);
  const coded = scope("head", () => head(config, params, state.buffers, tokens, true));
  const codes = shift(coded.codes, nudge?.codes);
  const maskToken = params["head.mask_feat"];
  const placed = scope("aligner", () => align(config, maskToken, codes, input.boxes));
  const aligned = shift(placed.aligned, nudge?.aligned);
  const { given, asked } = scope(
    "aligner",
    () => decoderInput(config, maskToken, codes, { ...placed, aligned }),
  );
  const decoded = scope("decoder", () => decoder(config, params, given));
  const patches = shift(decoded.patches, nudge?.patches);
  const target = scope("loss", () => patchify(input.reference, config.patchSize));
  const { parts } = input;
  const loss = losses(lossConfig, { patches, target, aligned, mask: placed.mask, asked, parts }, terms);
  return {
    loss: loss.total,
    terms: loss.terms,
    buffers: coded.buffers,
    tokens,
    encoderBlocks: encoded.blocks,
    codes,
    aligned,
    mask: placed.mask,
    decoded,
    inner: loss.inner,
  };
}
