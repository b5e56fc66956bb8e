/** An encoder, or a classifier of its class token, as Hugging Face's transformers have it. */
import { float32, type StoredTensor } from "../../files/stored_tensor.ts";
import { hiddenWidth, type ModelConfig } from "../../model/config.ts";
import { MEAN, STD } from "../../views/render.ts";
import { type ClassifierParts, encoderEntries, type ModelToWrite, shorterSide } from "./model.ts";

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

/** The encoder under the names that transformers 4 and 5 have on disk. */
function encoderTensors({ config, numbers }: ModelToWrite): Record<string, StoredTensor> {
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
export function labelsOf(classes: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    id2label: Object.fromEntries(classes.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(classes.map((name, i) => [name, i])),
  };
}

/** The encoder and the head of a classifier of the class token, under Hugging Face's names. */
function classifierTensors(
  model: ModelToWrite,
  { classes }: ClassifierParts,
): Record<string, StoredTensor> {
  const { numbers, config: { width } } = model;
  const inner = Object.entries(encoderTensors(model)).map(([name, tensor]) =>
    [`vit.${name}`, tensor] as const
  );
  return {
    ...Object.fromEntries(inner),
    "classifier.weight": float32([classes.length, width], numbers("head.weight")),
    "classifier.bias": float32([classes.length], numbers("head.bias")),
  };
}

/** config.json. */
export function hfConfig({ config, classifier }: ModelToWrite): Readonly<Record<string, unknown>> {
  const { imageSize, patchSize, width, depth, heads, mlpRatio } = config;
  return {
    architectures: [classifier ? "ViTForImageClassification" : "ViTModel"],
    model_type: "vit",
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: hiddenWidth(width, mlpRatio),
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

/** model.safetensors. */
export function hfTensors(model: ModelToWrite): Record<string, StoredTensor> {
  return model.classifier ? classifierTensors(model, model.classifier) : encoderTensors(model);
}
