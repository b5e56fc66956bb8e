/** The files of each format that a model is exported to, as plain data. */
import { encodeSafetensors } from "../../files/safetensors.ts";
import { float32, type StoredTensor } from "../../files/stored_tensor.ts";
import { inventory } from "../../model/inventory.ts";
import { completeTensors } from "../../model/weights.ts";
import { hfConfig, hfTensors, labelsOf, preprocessor } from "./hf.ts";
import { encoderEntries, headTensors, type ModelToWrite } from "./model.ts";
import { onnxModel } from "./onnx.ts";
import { timmConfig, timmTensors } from "./timm.ts";

/** A format's name. */
export type ExportFormat = "hf" | "timm" | "onnx" | "safetensors";

/** The formats and what they are for. */
export const EXPORT_FORMATS: Readonly<Record<ExportFormat, string>> = {
  hf: "for Hugging Face's transformers, in Python and in JavaScript",
  timm: "for timm in Python",
  onnx: "for ONNX Runtime and everything else that runs ONNX (opset 17)",
  safetensors: "under the reference's names, complete, for PyTorch and for this program",
};

/** Files by their names, folders with slashes. */
export type Files = Record<string, Uint8Array | string>;

const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";

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
        "model.safetensors": encodeSafetensors(hfTensors(model), pt),
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
