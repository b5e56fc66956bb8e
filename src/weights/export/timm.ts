/** An encoder, or a classifier, as timm has it. */
import { float32, type StoredTensor } from "../../files/stored_tensor.ts";
import { hiddenWidth, type ModelConfig } from "../../model/config.ts";
import { MEAN, STD } from "../../views/render.ts";
import { encoderEntries, headTensors, type ModelToWrite, shorterSide } from "./model.ts";

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

/** The MLPs' width in widths, so that timm, which cuts the product to a whole number, has theirs. */
function timmRatio({ width, mlpRatio }: ModelConfig): number {
  const hidden = hiddenWidth(width, mlpRatio);
  return Math.floor(width * mlpRatio) === hidden ? mlpRatio : (hidden + 0.5) / width;
}

/** config.json. */
export function timmConfig({ config, classifier }: ModelToWrite): Readonly<Record<string, unknown>> {
  const { imageSize, patchSize, width, depth, heads } = config;
  const { name, exact } = timmArchitecture(config);
  const sizes = { img_size: imageSize, patch_size: patchSize, embed_dim: width, depth, num_heads: heads };
  const count = classifier?.classes.length ?? 0, pool = classifier?.pool === "mean" ? "avg" : "token";
  const args = {
    ...(exact ? {} : { ...sizes, mlp_ratio: timmRatio(config) }),
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

/** model.safetensors. */
export function timmTensors({ config, numbers, classifier }: ModelToWrite): Record<string, StoredTensor> {
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
