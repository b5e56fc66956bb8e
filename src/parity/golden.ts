import * as tf from "../engine/tensors.ts";
import { type ModelConfig, type ModelPreset, PRESETS } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { weightsFromTensors, type WeightsOptions } from "../model/weights.ts";
import { pathError } from "../files/path_error.ts";
import { decodeSafetensors } from "../files/safetensors.ts";
import { asFloat32, type StoredTensor } from "../files/stored_tensor.ts";

/** Stored results of the reference: tensors by name, and the JSON that says how they were made. docs/spec.md §11. */
export interface Golden {
  /** The file. */
  name: string;
  spec: Record<string, unknown>;
  tensors: Record<string, StoredTensor>;
}

/**
 * Parses a file of stored results.
 *
 * @throws {Error} When it is damaged or has no `spec` in its metadata.
 */
export function parseGolden(bytes: Uint8Array, name: string): Golden {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  if (metadata.spec === undefined) {
    throw new Error(`${name}: has no "spec" in its metadata, so is no golden file`);
  }
  return { name, spec: JSON.parse(metadata.spec), tensors };
}

/**
 * The model that a file's results are of. Sizes that the file does not say come from the architecture it names.
 *
 * @throws {Error} For an architecture that is not known.
 */
export function goldenConfig({ spec, tensors, name }: Golden): ModelConfig {
  const arch = typeof spec.arch === "string" ? spec.arch.replace(/^vit_/, "") : "tiny";
  if (!Object.hasOwn(PRESETS, arch)) throw new Error(`${name}: is of an unknown architecture "${spec.arch}"`);
  const preset = PRESETS[arch as ModelPreset];
  const number = (key: string, otherwise: number) => typeof spec[key] === "number" ? spec[key] : otherwise;
  const flag = typeof spec.use_bn === "boolean" ? spec.use_bn : "w.head.mlp.1.weight" in tensors;
  return {
    ...preset,
    imageSize: number("image", preset.imageSize),
    patchSize: number("patch", preset.patchSize),
    width: number("dim", preset.width),
    depth: number("depth", preset.depth),
    heads: number("heads", preset.heads),
    mlpRatio: number("mlp_ratio", preset.mlpRatio),
    dropPath: number("drop_path_rate", 0),
    headWidth: number("head_hidden", preset.headWidth),
    codeWidth: number("code", preset.codeWidth),
    headBatchNorm: flag,
    decoderDepth: number("dec_depth", preset.decoderDepth),
    decoderHeads: number("dec_heads", preset.decoderHeads),
  };
}

/** The tensors under a prefix, without it. */
export function under(golden: Golden, prefix: string): Record<string, StoredTensor> {
  return Object.fromEntries(
    Object.entries(golden.tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

/** The model with the file's weights. */
export function goldenState(
  golden: Golden,
  config: ModelConfig,
  part: WeightsOptions["part"] = "all",
): Promise<ModelState> {
  return weightsFromTensors(config, under(golden, "w."), { part, where: golden.name });
}

/**
 * One tensor of the file.
 *
 * @throws {Error} When the file has no such tensor.
 */
export function stored(golden: Golden, name: string): StoredTensor {
  const tensor = golden.tensors[name];
  if (!tensor) throw new Error(`${golden.name}: has no tensor "${name}"`);
  return tensor;
}

/** The numbers of a tensor in double, whatever they are stored as. */
export function numbers({ dtype, data }: StoredTensor): ArrayLike<number> {
  if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
  return dtype === "F16" || dtype === "BF16" ? halves(data as Uint16Array, dtype) : data as ArrayLike<number>;
}

function halves(data: Uint16Array, dtype: "F16" | "BF16"): Float32Array {
  return asFloat32({ dtype, shape: [data.length], data });
}

/** A stored tensor on the engine, float32. */
export function tensorOf(golden: Golden, name: string): tf.Tensor {
  const tensor = stored(golden, name);
  return tf.tensor(asFloat32(tensor), [...tensor.shape], "float32");
}

/** Pictures with channels first, as stored, put channels last, as here. */
export function pictures(golden: Golden, ...names: string[]): tf.Tensor4D {
  const parts = names.map((name) => {
    const tensor = stored(golden, name);
    return { shape: tensor.shape, values: asFloat32(tensor) };
  });
  const [, , height, width] = parts[0].shape;
  const rows = parts.map(({ shape }) => shape[0]), area = height * width;
  const all = new Float32Array(rows.reduce((a, b) => a + b, 0) * area * 3);
  let at = 0;
  for (const { shape, values } of parts) {
    for (let n = 0; n < shape[0]; n++, at += 3 * area) {
      for (let c = 0; c < 3; c++) {
        for (let p = 0; p < area; p++) all[at + p * 3 + c] = values[(n * 3 + c) * area + p];
      }
    }
  }
  return tf.tensor4d(all, [all.length / (3 * area), height, width, 3]);
}

/** Pictures with channels last put channels first. */
export function channelsFirst(values: ArrayLike<number>, shape: readonly number[]): Float32Array {
  const [count, height, width] = shape, area = height * width;
  const out = new Float32Array(count * area * 3);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < 3; c++) {
      for (let p = 0; p < area; p++) out[(n * 3 + c) * area + p] = values[(n * area + p) * 3 + c];
    }
  }
  return out;
}

/**
 * Reads a golden file.
 *
 * @throws {Error} When it cannot be read, or is no golden file; names the path.
 */
export async function readGolden(path: string): Promise<Golden> {
  const bytes = await Deno.readFile(path).catch((error) => {
    throw pathError(error, path, "read");
  });
  return parseGolden(bytes, path);
}
