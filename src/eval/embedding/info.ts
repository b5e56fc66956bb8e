/** What an embedding file says of itself. */
import type { ModelConfig } from "../../model/config.ts";
import { gridSize } from "../../model/config.ts";
import { MEAN, STD } from "../../views/render.ts";

/** Which tokens of the encoder a file holds; {@linkcode POOLING} says what each is. */
export const TOKENS = ["class", "mean", "blocks", "all"] as const;

/** One of {@linkcode TOKENS}. */
export type TokenName = typeof TOKENS[number];

/** What the tokens are. */
export const POOLING: Readonly<Record<TokenName, string>> = {
  class: "class token of the last block",
  mean: "mean of the patch tokens of the last block",
  blocks: "class tokens of the last blocks, oldest first, each through the encoder's final norm",
  all: "class token, then all patch tokens of the last block, row by row",
};

/** How pictures became the encoder's input. */
export interface Preprocessing {
  /** Side of the encoder's input in pixels; its height, where `width` is there. */
  size: number;
  /** Its width, where it is not a square. */
  width?: number;
  /** What the shorter side was resized to before the middle was cut out. */
  shorter: number;
  resize: "bicubic";
  /** `none`: the whole picture was resized to the input's sides. */
  crop: "centre" | "none";
  /** How the features of the mirrored picture were added, where they were (docs/reid.md). */
  mirrored?: "sum" | "shipped";
  mean: number[];
  std: number[];
}

/** What an embedding file holds and where it is from. */
export interface EmbeddingInfo {
  format: "semantic-ae embedding";
  version: number;
  /** The model for people: its file and step. */
  model: string;
  /** The encoder's weights, see `weightsDigest`. */
  digest: string;
  /** Its attention heads, which its weights do not tell; files of earlier versions lack them. */
  heads?: number;
  /** Whether they are averaged ones. */
  teacher: boolean;
  /** Shape of each token's features of one picture: [width], or [tokens, width]. */
  tokens: Partial<Record<TokenName, number[]>>;
  pooling: Partial<Record<TokenName, string>>;
  norm: string;
  preprocessing: Preprocessing;
  /** What opens the pictures again: kind, name and options. Files of earlier versions have the name alone. */
  source: string;
  /** Pictures. */
  count: number;
  /** Class names; a label is an index into them. */
  classes: string[];
  /** Pictures without a class. */
  unlabelled: number;
  /** Pictures that could not be read and are not in the file. */
  bad: number;
}

/** The version that is written; files of a newer one are refused. */
export const EMBEDDING_VERSION = 1;

/** How a model's pictures are prepared for evaluation (docs/spec.md §9). */
export function preprocessingOf({ imageSize }: Pick<ModelConfig, "imageSize">): Preprocessing {
  return {
    size: imageSize,
    shorter: Math.round(imageSize * 256 / 224),
    resize: "bicubic",
    crop: "centre",
    mean: [...MEAN],
    std: [...STD],
  };
}

/** How pictures were prepared, in words. */
export function describePreprocessing(
  { size, width = size, shorter, crop, mirrored }: Preprocessing,
): string {
  if (crop === "centre") return `shorter side ${shorter}, bicubic, the middle ${width} × ${size}`;
  const whole = `the whole picture resized to height ${size}, width ${width}, bicubic`;
  return mirrored ? `${whole}, features of the mirrored picture added (${mirrored})` : whole;
}

/** Shape of a token's features of one picture. */
export function tokenShape(config: ModelConfig, token: TokenName, blocks: number): number[] {
  switch (token) {
    case "class":
    case "mean":
      return [config.width];
    case "blocks":
      return [blocks, config.width];
    case "all":
      return [1 + gridSize(config) ** 2, config.width];
    default:
      return token satisfies never;
  }
}

/** The numbers of a shape. */
export const sizeOfShape = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
