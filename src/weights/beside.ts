/** What Hugging Face and timm keep in files beside the weights: heads, activations, preprocessing. */
import { basename, dirname, join } from "node:path";
import { isObject } from "../files/json_values.ts";
import type { ModelConfig } from "../model/config.ts";
import { MEAN, STD } from "../views/render.ts";
import { WeightsError } from "./files/types.ts";

/** Names of the weights' files in such folders, in the order in which they are looked for. */
export const FOLDER_FILES = ["model.safetensors", "pytorch_model.bin"];

/** Larger epsilons of layer norms than this change features by more than a little. */
const MOST_EPSILON = 1e-5;

/** What files beside the weights say. */
export interface BesideFacts {
  heads?: number;
  /** Height and width in pixels of the pictures that its positions are for, where two numbers say them. */
  sides?: readonly [height: number, width: number];
  /** How pictures were normalised, values from 0 to 1. */
  mean?: readonly number[];
  std?: readonly number[];
  /** Sentences for people. */
  notes: string[];
}

type Json = Readonly<Record<string, unknown>>;

async function readJson(path: string): Promise<Json | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value as Json : {};
  } catch (cause) {
    throw new WeightsError(`${path}: is not JSON: ${(cause as Error).message}`, { cause });
  }
}

const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);

/** Three numbers; one stands for all three. */
function numbers(value: unknown): readonly number[] | undefined {
  if (isNumber(value)) return [value, value, value] as number[];
  return Array.isArray(value) && value.length === 3 && value.every(isNumber) ? value : undefined;
}

/** Height and width of pictures where a configuration has two numbers: Hugging Face's, or timm's two ways. */
function sidesOf(config: Json, args: Json, pretrained: Json): Pick<BesideFacts, "sides"> {
  const timm = pretrained.input_size;
  for (const said of [config.image_size, args.img_size, Array.isArray(timm) ? timm.slice(-2) : undefined]) {
    if (Array.isArray(said) && said.length === 2 && said.every(isNumber)) {
      return { sides: [said[0], said[1]] };
    }
  }
  return {};
}

/**
 * Reads `config.json` and `preprocessor_config.json` beside a file of weights that has the name which Hugging Face and
 * timm give it; nothing for other files.
 *
 * @param path The file of weights.
 * @throws {WeightsError} When they ask for something that this encoder does not compute.
 */
export async function factsBeside(path: string): Promise<BesideFacts> {
  const notes: string[] = [], facts: BesideFacts = { notes };
  if (!FOLDER_FILES.includes(basename(path))) return facts;
  const folder = dirname(path), config = await readJson(join(folder, "config.json")) ?? {};
  const args = (config.model_args ?? {}) as Json, pretrained = (config.pretrained_cfg ?? {}) as Json;
  const heads = config.num_attention_heads ?? args.num_heads;
  if (typeof heads === "number") facts.heads = heads;
  Object.assign(facts, sidesOf(config, args, pretrained));
  const act = config.hidden_act ?? args.act_layer ?? "gelu";
  if (act !== "gelu") {
    throw new WeightsError(
      `${path}: its config.json asks for the activation "${act}"; this encoder has "gelu" only`,
    );
  }
  const epsilon = config.layer_norm_eps;
  if (typeof epsilon === "number" && epsilon > MOST_EPSILON) {
    throw new WeightsError(
      `${path}: its config.json asks for layer norms with epsilon ${epsilon}; this encoder has 1e-6, which gives other ` +
        "features",
    );
  }
  if (typeof epsilon === "number" && epsilon !== 1e-6) {
    notes.push(`its layer norms have epsilon ${epsilon}, ours 1e-6: features differ a little`);
  }
  const picture = await readJson(join(folder, "preprocessor_config.json")) ?? {};
  return { ...facts, ...normalisation(path, picture, pretrained) };
}

/** Steps of Hugging Face's that change colours in ways for which the patch embedding does not make up. */
const OTHER_COLOURS = ["do_flip_channel_order", "do_grayscale", "rescale_offset"];

/**
 * With which mean and deviation pictures were normalised, for values from 0 to 1, however the files put it.
 *
 * @param picture `preprocessor_config.json`; it rescales bytes, by 1/255 unless it says otherwise, then normalises.
 * @param pretrained timm's.
 */
function normalisation(path: string, picture: Json, pretrained: Json): Pick<BesideFacts, "mean" | "std"> {
  const where = `${path}: its preprocessor_config.json`;
  const other = OTHER_COLOURS.find((step) => picture[step] === true);
  if (other) throw new WeightsError(`${where} asks for ${other}, which is not done here`);
  const factor = picture.do_rescale === false ? 1 : picture.rescale_factor ?? 1 / 255;
  if (typeof factor !== "number" || !(factor > 0 && factor < Infinity)) {
    throw new WeightsError(`${where} has a rescale_factor of ${JSON.stringify(factor)}, which is no scale`);
  }
  const bare = picture.do_normalize === false, scale = 255 * factor;
  const mean = bare ? [0, 0, 0] : numbers(picture.image_mean ?? pretrained.mean);
  const std = bare ? [1, 1, 1] : numbers(picture.image_std ?? pretrained.std);
  if (Math.abs(scale - 1) < 1e-4) return { mean, std };
  if (!mean || !std) {
    throw new WeightsError(
      `${where} says by what bytes are scaled, but not with which mean and deviation: write its image_mean and image_std`,
    );
  }
  return { mean: mean.map((value) => value / scale), std: std.map((value) => value / scale) };
}

/** Whether pictures were normalised otherwise than here, as far as it is said. */
export function isNormalisedOtherwise({ mean, std }: Pick<BesideFacts, "mean" | "std">): boolean {
  if (!mean || !std || std.some((s) => s <= 0)) return false;
  const near = (a: readonly number[], b: readonly number[]) => a.every((x, i) => Math.abs(x - b[i]) < 1e-4);
  return !near(mean, MEAN) || !near(std, STD);
}

/**
 * A patch embedding for pictures that are normalised our way, with ImageNet's mean and deviation, from one for pictures
 * that were normalised in another way: the same sums, exactly but for rounding.
 *
 * @param weight [d, 3, P, P]; changed.
 * @param bias [d]; changed.
 * @returns Whether anything had to be changed.
 */
export function foldNormalisation(
  weight: Float32Array,
  bias: Float32Array,
  { patchSize, width }: Pick<ModelConfig, "patchSize" | "width">,
  { mean, std }: Pick<BesideFacts, "mean" | "std">,
): boolean {
  if (!mean || !std || !isNormalisedOtherwise({ mean, std })) return false;
  const area = patchSize ** 2;
  for (let out = 0; out < width; out++) {
    let shift = 0;
    for (let colour = 0; colour < 3; colour++) {
      const scale = STD[colour] / std[colour], offset = (MEAN[colour] - mean[colour]) / std[colour];
      for (let i = (out * 3 + colour) * area, end = i + area; i < end; i++) {
        shift += weight[i] * offset;
        weight[i] *= scale;
      }
    }
    bias[out] += shift;
  }
  return true;
}
