import { hiddenWidth, type ModelConfig, patchWidth, tokenCount } from "./config.ts";
import { stemLayers } from "./stem.ts";

/** How a tensor starts (docs/spec.md §8). */
export type InitLaw =
  | { law: "normal"; deviation: number }
  | { law: "uniform"; bound: number }
  | { law: "constant"; value: number };

/** One tensor of a model. */
export interface InventoryEntry {
  /** The reference's name, without `module.`. */
  name: string;
  /** PyTorch's shape. */
  shape: number[];
  /** Trained, frozen at its initial value, or statistics. */
  role: "param" | "frozen" | "buffer";
  init: InitLaw;
}

/** The layers of the head by the reference's module numbers: Linear, batch norm if any, ReLU if any (docs/spec.md §3). */
export interface HeadLayer {
  linear: string;
  bias: boolean;
  norm?: { name: string; affine: boolean };
  relu: boolean;
  from: number;
  to: number;
}

/**
 * The layers of a head. The numbers in the names depend on whether hidden batch norms exist.
 *
 * @param tokens Whose head: `mlp` that of all tokens or of the patches', `class_mlp` the class tokens' own.
 */
export function headLayers(config: ModelConfig, tokens: "mlp" | "class_mlp" = "mlp"): HeadLayer[] {
  const { width, headLayers: count, headWidth, codeWidth, headBatchNorm } = config;
  const stride = headBatchNorm ? 3 : 2;
  const hidden = (tokens === "class_mlp" && config.classHeadWidth) || headWidth;
  const widths = [width, ...new Array<number>(count - 1).fill(hidden), codeWidth];
  return Array.from({ length: count }, (_, i) => {
    const at = i * stride, last = i === count - 1;
    const norm = last || headBatchNorm ? { name: `head.${tokens}.${at + 1}`, affine: !last } : undefined;
    return {
      linear: `head.${tokens}.${at}`,
      bias: i === 0,
      norm,
      relu: !last,
      from: widths[i],
      to: widths[i + 1],
    };
  });
}

const ZERO: InitLaw = { law: "constant", value: 0 };
const ONE: InitLaw = { law: "constant", value: 1 };
const NARROW: InitLaw = { law: "normal", deviation: 0.02 };

/** A framework's default for a layer: uniform within 1/√fan-in, weight and bias. */
function fanIn(inputs: number): InitLaw {
  return { law: "uniform", bound: 1 / Math.sqrt(inputs) };
}

/**
 * Every tensor of a model, in the reference's order: what the initialiser makes, the loader expects and checkpoints
 * hold. The fixed sine–cosine table of the decoder is computed, not stored.
 */
export function inventory(config: ModelConfig): InventoryEntry[] {
  const list: InventoryEntry[] = [];
  const add = (name: string, shape: number[], init: InitLaw, role: InventoryEntry["role"] = "param") =>
    list.push({ name, shape, role, init });
  const norm = (name: string, width: number) => {
    add(`${name}.weight`, [width], ONE);
    add(`${name}.bias`, [width], ZERO);
  };
  const linear = (name: string, from: number, to: number, law: InitLaw | null) => {
    add(`${name}.weight`, [to, from], law ?? fanIn(from));
    add(`${name}.bias`, [to], law ? ZERO : fanIn(from));
  };
  const block = (name: string, width: number, ratio: number, law: InitLaw | null) => {
    norm(`${name}.norm1`, width);
    linear(`${name}.attn.qkv`, width, 3 * width, law);
    linear(`${name}.attn.proj`, width, width, law);
    norm(`${name}.norm2`, width);
    linear(`${name}.mlp.fc1`, width, hiddenWidth(width, ratio), law);
    linear(`${name}.mlp.fc2`, hiddenWidth(width, ratio), width, law);
  };

  const { width, codeWidth, patchSize } = config;
  const patch = fanIn(patchWidth(config));
  add("backbone.cls_token", [1, 1, width], NARROW);
  add("backbone.pos_embed", [1, tokenCount(config), width], {
    law: "normal",
    deviation: config.initPosition,
  });
  if (config.stem === "patches") {
    add("backbone.patch_embed.proj.weight", [width, 3, patchSize, patchSize], patch, "frozen");
    add("backbone.patch_embed.proj.bias", [width], patch, "frozen");
  } else {
    for (const { name, from, to } of stemLayers(config)) {
      add(`${name}.weight`, [to, from, 4, 4], { law: "normal", deviation: Math.sqrt(2 / (16 * from)) });
      norm(`${name}.norm`, to);
    }
    linear("backbone.patch_embed.proj", width, width, null);
  }
  for (let i = 0; i < config.depth; i++) {
    if (config.localMixing) {
      add(`backbone.blocks.${i}.local.weight`, [width, 1, 3, 3], NARROW);
      add(`backbone.blocks.${i}.local.bias`, [width], ZERO);
    }
    block(`backbone.blocks.${i}`, width, config.mlpRatio, { law: "normal", deviation: config.initLinear });
  }
  norm("backbone.norm", width);

  add("head.mask_feat", [1, 1, codeWidth], NARROW);
  const own = config.classHead === "own" ? headLayers(config, "class_mlp") : [];
  for (const layer of [...headLayers(config), ...own]) {
    add(`${layer.linear}.weight`, [layer.to, layer.from], NARROW);
    if (layer.bias) add(`${layer.linear}.bias`, [layer.to], ZERO);
    if (!layer.norm) continue;
    if (layer.norm.affine) norm(layer.norm.name, layer.to);
    add(`${layer.norm.name}.running_mean`, [layer.to], ZERO, "buffer");
    add(`${layer.norm.name}.running_var`, [layer.to], ONE, "buffer");
  }
  linear("head.slp", codeWidth, codeWidth, NARROW);
  norm("head._norm1_", codeWidth);
  add("head.unconv.weight", [codeWidth, 3, patchSize, patchSize], patch);
  add("head.unconv.bias", [3], patch);
  norm("head._norm_", codeWidth);
  for (let i = 0; i < config.decoderDepth; i++) {
    block(`head._blocks_.${i}`, codeWidth, config.decoderMlpRatio, null);
  }
  return list;
}

/** Numbers in all tensors of a role, or in all. */
export function countNumbers(config: ModelConfig, role?: InventoryEntry["role"]): number {
  return inventory(config)
    .filter((entry) => role === undefined || entry.role === role)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Names that may accompany a model without being part of it: counters, fixed positions, an optimiser, an average. */
export function isDerived(name: string): boolean {
  return name.endsWith(".num_batches_tracked") || name === "head.decoder_pos_embed_" ||
    name.startsWith("optimizer.") || name.startsWith("teacher.");
}
