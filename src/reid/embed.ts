/** Features of persons: upright pictures, and the sum with the mirrored one. */
import { requireEngine } from "../engine/required.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { batchOf } from "../eval/picture_bytes.ts";
import type { EmbedWay } from "../eval/embedding/way.ts";
import type { ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import type { ModelState, Params } from "../model/types.ts";
import { requireWhole } from "../text/whole.ts";
import { MEAN, normalised, STD } from "../views/render.ts";

/** How the features of a mirrored picture are added: {@linkcode MIRROR_HELP} says what each is. */
export const MIRRORS = ["sum", "shipped", "none"] as const;

/** One of {@linkcode MIRRORS}. */
export type Mirror = typeof MIRRORS[number];

/** What the ways to mirror do. */
export const MIRROR_HELP: Readonly<Record<Mirror, string>> = {
  sum: "f(picture) + f(mirrored)",
  shipped: "f(picture) / |f(picture)| + f(mirrored), as SYSU-30k's script for self-supervised models has it",
  none: "f(picture) alone",
};

/** How pictures of persons become features. */
export interface PersonInput {
  /** Sides of the encoder's input in pixels: the whole picture is resized to them, its positions with it. */
  height: number;
  width: number;
  mirror: Mirror;
}

/** The usual input of re-identification, height × width, and the plain sum. */
export const PERSON_INPUT: PersonInput = { height: 256, width: 128, mirror: "sum" };

/**
 * Refuses an input that the encoder's patches do not divide.
 *
 * @throws {RangeError} When a side is no multiple of the patch's; names the nearest that is.
 */
export function checkInput({ patchSize }: Pick<ModelConfig, "patchSize">, input: PersonInput): void {
  for (const side of ["height", "width"] as const) {
    const value = input[side];
    if (Number.isInteger(value) && value > 0 && value % patchSize === 0) continue;
    requireWhole(`the input's ${side}`, value);
    const near = patchSize * Math.max(1, Math.round(value / patchSize));
    throw new RangeError(
      `the input's ${side} is ${value} pixels, no multiple of the encoder's patches of ${patchSize}; take ${near}`,
    );
  }
}

/** Vectors of length 1 along the last axis; 0 stays 0. */
function unit(x: tf.Tensor): tf.Tensor {
  const length = tf.sqrt(tf.sum(tf.square(x), -1, true));
  return tf.div(x, tf.maximum(length, 1e-12));
}

/** Features and those of the mirrored pictures as one. */
function added(both: tf.Tensor, mirror: Mirror): tf.Tensor {
  if (mirror === "none") return both;
  const [plain, mirrored] = tf.split(both, 2, 0);
  return tf.add(mirror === "shipped" ? unit(plain) : plain, mirrored);
}

/**
 * Class token and mean patch token of pictures of persons, after the final norm, a pure function. The position embedding
 * is resized to the input's grid (docs/spec.md §2).
 *
 * @param params Trainable and frozen parameters in one record.
 * @param pictures [N, H, W, 3] values 0…255.
 * @returns Two of [N, d].
 * @throws {RangeError} When a side is no multiple of the patch size.
 */
export function personFeatures(
  config: ModelConfig,
  params: Params,
  pictures: tf.Tensor,
  mirror: Mirror,
): { class: tf.Tensor; mean: tf.Tensor } {
  const plain = normalised(pictures);
  const images = mirror === "none" ? plain : tf.concat([plain, tf.reverse(plain, 2)], 0);
  const { tokens } = encoder(config, params, images), [, count, width] = tokens.shape;
  const first = tf.reshape(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [-1, width]);
  const inner = tf.mean(tf.slice(tokens, [0, 1, 0], [-1, count - 1, -1]), 1);
  return { class: added(first, mirror), mean: added(inner, mirror) };
}

/**
 * Prepares an encoder for pictures of persons; compiled once, at the first call. For `embedData`.
 *
 * @param batchSize Pictures that are embedded at once; fewer are padded, so that one program serves all.
 * @throws {TypeError} When the engine is no opened one.
 * @throws {RangeError} When the input's sides are no multiples of the patch size, the way to mirror is none, or the batch no
 * whole number from 1.
 */
export function personWay(
  engine: Engine,
  config: ModelConfig,
  input: PersonInput,
  batchSize: number,
): EmbedWay {
  requireEngine(engine);
  checkInput(config, input);
  requireWhole("batchSize", batchSize);
  if (!MIRRORS.includes(input.mirror)) {
    throw new RangeError(`mirror is ${input.mirror}; it must be one of ${MIRRORS.join(", ")}`);
  }
  const { height, width, mirror } = input, pixels = height * width * 3;
  const run = engine.jit(({ params, pictures }: { params: Params; pictures: tf.Tensor }) =>
    personFeatures(config, params, pictures, mirror)
  );
  return {
    preprocessing: {
      size: height,
      ...width !== height && { width },
      shorter: Math.min(height, width),
      resize: "bicubic",
      crop: "none",
      ...mirror !== "none" && { mirrored: mirror },
      mean: [...MEAN],
      std: [...STD],
    },
    prepare: { kind: "whole", width, height },
    async pictures({ params, frozen }: ModelState, bytes: Uint8Array) {
      const count = bytes.length / pixels, rows = () => new Float32Array(count * config.width);
      const found = { class: rows(), mean: rows() };
      for (let from = 0; from < count; from += batchSize) {
        const pictures = batchOf(engine, bytes, [height, width], from, batchSize);
        const wanted = Math.min(batchSize, count - from) * config.width;
        let result: Record<string, tf.Tensor> = {};
        try {
          result = run({ params: { ...params, ...frozen }, pictures });
          for (const token of ["class", "mean"] as const) {
            const values = await result[token].data() as Float32Array;
            found[token].set(values.subarray(0, wanted), from * config.width);
          }
        } finally {
          tf.dispose([pictures, result]);
        }
      }
      const as = (data: Float32Array) => ({ rows: count, width: config.width, data });
      return { class: as(found.class), mean: as(found.mean) };
    },
  };
}
