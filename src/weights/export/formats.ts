/** The files of each format that a model is exported to, as plain data. */
import { encodeSafetensors, float32, type StoredTensor } from "../../files/safetensors.ts";
import type { ModelConfig } from "../../model/config.ts";
import { inventory } from "../../model/inventory.ts";
import { completeTensors } from "../../model/weights.ts";
import { MEAN, STD } from "../../views/render.ts";
import { type Numbers, onnxModel } from "./onnx.ts";

/** A format's name. */
export type ExportFormat = "hf" | "timm" | "onnx" | "safetensors";

/** The formats and what they are for. */
export const EXPORT_FORMATS: Readonly<Record<ExportFormat, string>> = {
  hf: "for Hugging Face's transformers, in Python and in JavaScript",
  timm: "for timm in Python",
  onnx: "for ONNX Runtime and everything else that runs ONNX (opset 17)",
  safetensors: "under the reference's names, complete, for PyTorch and for this program",
};

/** What makes a classifier of an encoder; its tensors are `fc_norm.…` where the mean is pooled, and `head.…`. */
export interface ClassifierParts {
  /** What is classified: the mean of the patch tokens with a norm of its own, or the class token. */
  pool: "mean" | "class";
  /** Names of the classes, by their numbers. */
  classes: readonly string[];
  /** The shorter side that pictures are resized to before the middle is cut out, in pixels. */
  shorter: number;
}

/** What is written: a model of float32 tensors in host memory. */
export interface ModelToWrite {
  config: ModelConfig;
  /** Under the reference's names; at least the encoder's. */
  tensors: Readonly<Record<string, StoredTensor>>;
  numbers: Numbers;
  /** Steps of training. */
  step: number;
  /** Where it is a classifier. */
  classifier?: ClassifierParts;
}

/** Files by their names, folders with slashes. */
export type Files = Record<string, Uint8Array | string>;

/** The shorter side that pictures are resized to before the middle is cut out, in pixels. docs/spec.md §9. */
export function shorterSide({ imageSize }: Pick<ModelConfig, "imageSize">): number {
  return Math.round(imageSize * 256 / 224);
}

const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";

/** Hugging Face's names of a block's layers. */
const HF_LAYERS: Readonly<Record<string, string>> = {
  norm1: "layernorm_before",
  "attn.proj": "attention.output.dense",
  norm2: "layernorm_after",
  "mlp.fc1": "intermediate.dense",
  "mlp.fc2": "output.dense",
};

const HF_NAMES: Readonly<Record<string, string>> = {
  cls_token: "embeddings.cls_token",
  pos_embed: "embeddings.position_embeddings",
  "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
  "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
  "norm.weight": "layernorm.weight",
  "norm.bias": "layernorm.bias",
};

/** The encoder's entries, names without `backbone.`. */
function encoderEntries(config: ModelConfig): { name: string; shape: number[] }[] {
  return inventory(config).filter(({ name }) => name.startsWith("backbone.")).map(({ name, shape }) => ({
    name: name.slice("backbone.".length),
    shape,
  }));
}

/** The encoder under the names that transformers 4 and 5 have on disk. */
function hfTensors({ config, numbers }: ModelToWrite): Record<string, StoredTensor> {
  const out: Record<string, StoredTensor> = {};
  for (const { name, shape } of encoderEntries(config)) {
    const data = numbers(`backbone.${name}`);
    const [, block, layer, kind] = /^blocks\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (block === undefined) out[HF_NAMES[name]] = float32(shape, data);
    else if (layer === "attn.qkv") {
      ["query", "key", "value"].forEach((part, i) => {
        const third = data.length / 3, whose = `encoder.layer.${block}.attention.attention.${part}.${kind}`;
        out[whose] = float32([shape[0] / 3, ...shape.slice(1)], data.subarray(i * third, (i + 1) * third));
      });
    } else out[`encoder.layer.${block}.${HF_LAYERS[layer]}.${kind}`] = float32(shape, data);
  }
  return out;
}

/** How Hugging Face is to make pixels of a picture: shorter side, middle, mean and deviation. */
export function preprocessor(
  config: ModelConfig,
  shorter: number = shorterSide(config),
): Readonly<Record<string, unknown>> {
  const { imageSize } = config;
  return {
    // Its class for ViT squeezes pictures to a square; this one cuts.
    image_processor_type: "BitImageProcessor",
    do_resize: true,
    size: { shortest_edge: shorter },
    resample: 3,
    do_center_crop: true,
    crop_size: { height: imageSize, width: imageSize },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: MEAN,
    image_std: STD,
    do_convert_rgb: true,
  };
}

/** Names of classes as Hugging Face's configurations have them. */
function labelsOf(classes: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    id2label: Object.fromEntries(classes.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(classes.map((name, i) => [name, i])),
  };
}

/** The encoder and the head of a classifier of the class token, under Hugging Face's names. */
function hfClassifierTensors(
  model: ModelToWrite,
  { classes }: ClassifierParts,
): Record<string, StoredTensor> {
  const { numbers, config: { width } } = model;
  const inner = Object.entries(hfTensors(model)).map(([name, tensor]) => [`vit.${name}`, tensor] as const);
  return {
    ...Object.fromEntries(inner),
    "classifier.weight": float32([classes.length, width], numbers("head.weight")),
    "classifier.bias": float32([classes.length], numbers("head.bias")),
  };
}

function hfConfig({ config, classifier }: ModelToWrite): Readonly<Record<string, unknown>> {
  const { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
  return {
    architectures: [classifier ? "ViTForImageClassification" : "ViTModel"],
    model_type: "vit",
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: width * mlpRatio,
    hidden_act: "gelu",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    initializer_range: 0.02,
    layer_norm_eps: 1e-6,
    image_size: imageSize,
    patch_size: patchSize,
    num_channels: 3,
    qkv_bias: true,
    encoder_stride: patchSize,
    torch_dtype: "float32",
    ...classifier && labelsOf(classifier.classes),
  };
}

/** timm's name of the nearest architecture, and whether it is the same without further arguments. */
export function timmArchitecture(config: ModelConfig): { name: string; exact: boolean } {
  const { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
  const near = width <= 192 ? "tiny" : width <= 384 ? "small" : "base";
  const usual = { tiny: [192, 3], small: [384, 6], base: [768, 12] }[near];
  const exact = imageSize === 224 && patchSize === 16 && depth === 12 && mlpRatio === 4 &&
    width === usual[0] &&
    heads === usual[1];
  return { name: `vit_${near}_patch16_224`, exact };
}

/** The share of the resized picture that is cut out, so that timm's division gives our shorter side exactly. */
function cropShare({ imageSize }: ModelConfig, shorter: number): number {
  const share = imageSize / shorter;
  return Math.floor(imageSize / share) === shorter ? share : imageSize / (shorter + 0.01);
}

function timmConfig({ config, classifier }: ModelToWrite): Readonly<Record<string, unknown>> {
  const { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
  const { name, exact } = timmArchitecture(config);
  const sizes = { img_size: imageSize, patch_size: patchSize, embed_dim: width, depth, num_heads: heads };
  const count = classifier?.classes.length ?? 0, pool = classifier?.pool === "mean" ? "avg" : "token";
  const args = {
    ...(exact ? {} : { ...sizes, mlp_ratio: mlpRatio }),
    ...(pool === "avg" ? { global_pool: pool } : {}),
  };
  return {
    architecture: name,
    num_classes: count,
    num_features: width,
    global_pool: pool,
    ...(Object.keys(args).length > 0 ? { model_args: args } : {}),
    ...classifier && { label_names: classifier.classes },
    pretrained_cfg: {
      input_size: [3, imageSize, imageSize],
      fixed_input_size: true,
      interpolation: "bicubic",
      crop_pct: cropShare(config, classifier?.shorter ?? shorterSide(config)),
      crop_mode: "center",
      mean: MEAN,
      std: STD,
      num_classes: count,
      pool_size: null,
      first_conv: "patch_embed.proj",
      classifier: "head",
    },
  };
}

function timmTensors({ config, numbers, classifier }: ModelToWrite): Record<string, StoredTensor> {
  // Where the mean is pooled, nothing reads the encoder's own norm.
  const entries = encoderEntries(config).filter(({ name }) =>
    !(classifier?.pool === "mean" && name.startsWith("norm."))
  );
  return {
    ...Object.fromEntries(
      entries.map(({ name, shape }) => [name, float32(shape, numbers(`backbone.${name}`))]),
    ),
    ...classifier && headTensors(config, numbers, classifier),
  };
}

/** What stands behind the encoder, under timm's names. */
function headTensors(
  { width }: ModelConfig,
  numbers: Numbers,
  { pool, classes }: ClassifierParts,
): Record<string, StoredTensor> {
  const shapes: Record<string, number[]> = {
    ...pool === "mean" && { "fc_norm.weight": [width], "fc_norm.bias": [width] },
    "head.weight": [classes.length, width],
    "head.bias": [classes.length],
  };
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, float32(shape, numbers(name))]),
  );
}

/** The tensors under the reference's names: the whole model where all of it is there, else the encoder alone. */
function ownTensors(
  { config, tensors, numbers, step, classifier }: ModelToWrite,
): Record<string, StoredTensor> {
  const whole = inventory(config).every(({ name, shape }) =>
    Object.hasOwn(tensors, name) && String(tensors[name].shape) === String(shape)
  );
  if (whole) {
    return completeTensors(
      config,
      Object.fromEntries(
        inventory(config).map(({ name, shape }) => [name, float32(shape, numbers(name))]),
      ),
      step,
    );
  }
  return {
    ...Object.fromEntries(
      encoderEntries(config).map(({ name, shape }) => [
        `backbone.${name}`,
        float32(shape, numbers(`backbone.${name}`)),
      ]),
    ),
    ...classifier && headTensors(config, numbers, classifier),
  };
}

/** What a format cannot hold; undefined where it holds the model. */
export function whyNot(
  format: ExportFormat,
  { config, tensors, classifier }: ModelToWrite,
): string | undefined {
  if (format === "hf" && classifier?.pool === "mean") {
    return "Hugging Face's ViT classifies the class token, this one the mean of the patch tokens (--pool mean); timm, onnx " +
      "and safetensors hold it";
  }
  const names = { hf: "Hugging Face's ViTModel", timm: "timm's VisionTransformer" } as const;
  if (format === "hf" || format === "timm") {
    const kinds = [
      ...(config.stem === "convolutions" ? ["a stem of convolutions"] : []),
      ...(config.localMixing ? ["local mixing"] : []),
    ];
    if (kinds.length > 0) {
      return `${names[format]} has no place for ${
        kinds.join(" and ")
      }; --to onnx and --to safetensors hold them`;
    }
  }
  const known = new Set(inventory(config).map(({ name }) => name));
  const other = Object.keys(tensors).filter((name) => name.startsWith("backbone.") && !known.has(name));
  if (other.length > 0 && format !== "safetensors") {
    const whose = format === "onnx" ? "the ONNX graph written here" : names[format];
    return `${whose} has no place for ${other.slice(0, 4).join(", ")}; --to safetensors holds every tensor`;
  }
  return undefined;
}

/**
 * The files of an exported model, but for its card.
 *
 * @throws {RangeError} When the ONNX file would be larger than 2 GiB.
 */
export function exportFiles(format: ExportFormat, model: ModelToWrite): Files {
  const { config, numbers, classifier } = model, pt = { format: "pt" };
  const preprocessing = json(preprocessor(config, classifier?.shorter));
  const scores = classifier && { pool: classifier.pool, classes: classifier.classes.length };
  switch (format) {
    case "hf":
      return {
        "config.json": json(hfConfig(model)),
        "preprocessor_config.json": preprocessing,
        "model.safetensors": encodeSafetensors(
          classifier ? hfClassifierTensors(model, classifier) : hfTensors(model),
          pt,
        ),
        "onnx/model.onnx": onnxModel(config, numbers, { classifier: scores }),
      };
    case "timm":
      return {
        "config.json": json(timmConfig(model)),
        "model.safetensors": encodeSafetensors(timmTensors(model), pt),
      };
    case "onnx":
      return {
        ...classifier && { "config.json": json(labelsOf(classifier.classes)) },
        "model.onnx": onnxModel(config, numbers, { attention: true, classifier: scores }),
        "preprocessor_config.json": preprocessing,
      };
    case "safetensors": {
      const { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
      return {
        "config.json": json({
          model_type: "semantic-ae",
          num_attention_heads: heads,
          sizes: { imageSize, patchSize, width, depth, heads, mlpRatio },
          layer_norm_eps: 1e-6,
          ...classifier && { pool: classifier.pool, ...labelsOf(classifier.classes) },
        }),
        "preprocessor_config.json": preprocessing,
        "model.safetensors": encodeSafetensors(ownTensors(model), { ...pt, heads: String(heads) }),
      };
    }
    default:
      return format satisfies never;
  }
}
