/** A model on its way out: what all formats take, and the parts of it that several of them name alike. */
import { float32, type StoredTensor } from "../../files/stored_tensor.ts";
import type { ModelConfig } from "../../model/config.ts";
import { inventory } from "../../model/inventory.ts";
import type { Numbers } from "./onnx.ts";

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

/** The shorter side that pictures are resized to before the middle is cut out, in pixels. docs/spec.md §9. */
export function shorterSide({ imageSize }: Pick<ModelConfig, "imageSize">): number {
  return Math.round(imageSize * 256 / 224);
}

/** The encoder's entries, names without `backbone.`. */
export function encoderEntries(config: ModelConfig): { name: string; shape: number[] }[] {
  return inventory(config).filter(({ name }) => name.startsWith("backbone.")).map(({ name, shape }) => ({
    name: name.slice("backbone.".length),
    shape,
  }));
}

/** What stands behind the encoder, under timm's names. */
export function headTensors(
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
