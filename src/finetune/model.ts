/** A classifier on the encoder: pooled tokens, a norm and a linear layer. Names are timm's: `fc_norm`, `head`. */
import * as tf from "../engine/tensors.ts";
import { asFloat32, type StoredTensor } from "../files/stored_tensor.ts";
import type { ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import { initModel } from "../model/init.ts";
import { inventory, type InventoryEntry } from "../model/inventory.ts";
import { layerNorm, linear } from "../model/layers.ts";
import type { ModelState, Params } from "../model/types.ts";
import { randomStream } from "../random.ts";

/** What of the tokens is classified: the mean of the patch tokens with a fresh norm behind it, or the class token. */
export type Pooling = "mean" | "class";

/** The sizes of a classifier. */
export interface ClassifierConfig extends ModelConfig {
  pool: Pooling;
}

/** Standard deviation of the head's first weights (MAE). */
const HEAD_DEVIATION = 2e-5;

/** The head's place among the streams of first weights, behind those of all models. */
const HEAD_PLACE = 2 ** 31;

/** The encoder's entries of the inventory. */
function encoderEntries(config: ModelConfig): InventoryEntry[] {
  return inventory(config).filter(({ name }) => name.startsWith("backbone."));
}

/**
 * The score of every class, a pure function: the mean of the last block's patch tokens through `fc_norm` (MAE's global
 * pooling), or the class token behind the encoder's own norm; then `head`.
 *
 * @param params Trainable and frozen parameters in one record.
 * @param images Normalised pictures, [N, S, S, 3].
 * @param drop Uniform draws of stochastic depth, [depth, 2, N]; left out: every branch is kept.
 * @returns [N, K].
 */
export function classify(
  config: ClassifierConfig,
  params: Params,
  images: tf.Tensor,
  drop?: tf.Tensor,
): tf.Tensor2D {
  const { blocks, tokens } = encoder(config, params, images, drop), { width } = config;
  const last = blocks[blocks.length - 1];
  const pooled = config.pool === "mean"
    ? layerNorm(tf.mean(tf.slice(last, [0, 1, 0], [-1, -1, -1]), 1), params, "fc_norm")
    : tf.reshape(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [-1, width]);
  return linear(pooled, params, "head") as tf.Tensor2D;
}

/**
 * Whether a tensor of the encoder keeps its values: the norm that pooling leaves out; and with `freeze` the patch
 * embedding, the positions, the class token and the first so many blocks.
 *
 * @param name Under our names, `backbone.…`.
 */
export function isKept(name: string, { freeze, pool }: { freeze: number; pool: Pooling }): boolean {
  if (name.startsWith("backbone.norm.")) return pool === "mean";
  if (freeze === 0) return false;
  const [, block] = /^backbone\.blocks\.(\d+)\./.exec(name) ?? [];
  return block === undefined ? true : Number(block) < freeze;
}

/** What a classifier begins with. */
export interface InitOptions {
  /** Blocks that are frozen. */
  freeze: number;
  /** Classes. */
  classes: number;
  seed: number;
  /** The encoder's tensors under our names; left out: random ones, from scratch. */
  from?: Readonly<Record<string, StoredTensor>>;
}

/** What an encoder that is to be trained on begins with. */
export interface InitEncoderOptions {
  /** Blocks that are frozen. */
  freeze: number;
  pool: Pooling;
  seed: number;
  /** Its tensors under our names; left out: random ones, from scratch. */
  from?: Readonly<Record<string, StoredTensor>>;
}

/**
 * The given encoder or a random one, before the first step of what is trained on it.
 *
 * @returns Its tensors; those that are not trained are in `frozen`. The caller's to dispose.
 * @throws {RangeError} When a tensor of the encoder is missing or of another shape, or the model cannot be built.
 */
export function initEncoder(config: ModelConfig, options: InitEncoderOptions): ModelState {
  const { seed, from } = options, state: ModelState = { params: {}, frozen: {}, buffers: {} };
  const random = from ? undefined : initModel(config, seed);
  for (const { name, shape } of encoderEntries(config)) {
    const given = from?.[name], place = isKept(name, options) ? state.frozen : state.params;
    if (from && String(given?.shape) !== String(shape)) {
      throw new RangeError(
        `the encoder cannot start from these weights: ${name} is ${
          given ? `[${given.shape}], not [${shape}]` : "missing"
        }`,
      );
    }
    place[name] = random?.params[name] ?? random?.frozen[name] ??
      tf.tensor(asFloat32(given!), shape, "float32");
  }
  // A random model has a decoder, too.
  const others = Object.entries({ ...random?.params, ...random?.buffers });
  tf.dispose(others.filter(([name]) => !name.startsWith("backbone.")).map(([, tensor]) => tensor));
  return state;
}

/**
 * A classifier before its first step: the given encoder or a random one, a fresh norm, and a head that is nearly zero.
 *
 * @returns Its tensors; those that are not trained are in `frozen`. The caller's to dispose.
 * @throws {RangeError} When a tensor of the encoder is missing or of another shape, or the model cannot be built.
 */
export function initClassifier(config: ClassifierConfig, options: InitOptions): ModelState {
  const { classes, seed, from, freeze } = options, { width, pool } = config;
  const state = initEncoder(config, { freeze, pool, seed, from });
  if (pool === "mean") {
    state.params["fc_norm.weight"] = tf.ones([width]);
    state.params["fc_norm.bias"] = tf.zeros([width]);
  }
  const weight = new Float32Array(classes * width);
  randomStream(seed, "init", HEAD_PLACE).normals(weight, HEAD_DEVIATION);
  state.params["head.weight"] = tf.tensor(weight, [classes, width]);
  state.params["head.bias"] = tf.zeros([classes]);
  return state;
}
