/** The sizes of a model and the laws of its initial weights. Lengths of pictures are in pixels. */
export interface ModelConfig {
  /** Side of a picture. */
  imageSize: number;
  /** Side of a patch; divides `imageSize`. */
  patchSize: number;
  /** Side of the views that the encoder is trained on, a multiple of `patchSize`; 0: `imageSize`. */
  viewSize: number;
  /** What makes tokens of pixels: one frozen linear layer on each patch, as the reference has it, or convolutions. */
  stem: "patches" | "convolutions";
  /** Whether each encoder block begins with a depthwise convolution over the grid of tokens. */
  localMixing: boolean;
  /** Width of the encoder's tokens. */
  width: number;
  /** Blocks of the encoder. */
  depth: number;
  /** Attention heads of the encoder; divides `width`. */
  heads: number;
  /** Hidden width of the encoder's MLPs, as a multiple of `width`. */
  mlpRatio: number;
  /** Rate of stochastic depth in the last encoder block; earlier ones get less. */
  dropPath: number;
  /** Linear layers of the head, and of the class tokens' own one; the reference's has four. */
  headLayers: number;
  /** Hidden width of the head, where it has more than one layer. */
  headWidth: number;
  /** Width of a code and of the decoder's tokens; a multiple of 4 and of `decoderHeads`. */
  codeWidth: number;
  /** Whether the head's hidden layers have batch norm. The norm of the codes is always there. */
  headBatchNorm: boolean;
  /** Whether class tokens go through the head that patch tokens go through, as in the reference, or one of their own. */
  classHead: "shared" | "own";
  /** Hidden width of the class tokens' own head; 0: `headWidth`. */
  classHeadWidth: number;
  /** Blocks of the decoder. */
  decoderDepth: number;
  /** Attention heads of the decoder. */
  decoderHeads: number;
  /** Hidden width of the decoder's MLPs, as a multiple of `codeWidth`. */
  decoderMlpRatio: number;
  /** What a flip mirrors: the code grid's columns, which is right, or its channels, as shipped (docs/spec.md §10 D1). */
  flipRule: "columns" | "channels";
  /**
   * Whether codes are placed where their view was (docs/spec.md §4). Without it every view counts as one of the whole
   * picture: its codes fill the canvas as they are, no cell holds the mask token, and the decoder is asked for all cells.
   */
  aligner: boolean;
  /**
   * What the decoder reconstructs: of the whole picture what the view did not show, or all of the view itself, from its own
   * codes on the whole canvas. The contrasts see aligned codes in both cases.
   */
  reconstructionTarget: "picture" | "view";
  /** Whether transformer blocks are computed again for the gradients instead of keeping their intermediates. */
  rematerialise: boolean;
  /**
   * How transformer blocks attend: by products and a softmax, or on an NVIDIA card by cuDNN's one operation, which needs
   * products in bfloat16; auto: in pre-training by that where it can be had, and plainly everywhere else.
   */
  attention: "auto" | "plain" | "cudnn";
  /**
   * Element type of the rows that blocks add their branches to, and of the rows' gradients: bfloat16 halves what they take
   * in memory and rounds each sum; it needs products in bfloat16.
   */
  residualPrecision: "float32" | "bfloat16";
  /** Standard deviation of the initial position embedding. */
  initPosition: number;
  /** Standard deviation of the initial weights of the encoder's linear layers. */
  initLinear: number;
}

/** A name of {@linkcode PRESETS}. */
export type ModelPreset = "demo" | "thumbnail" | "photo" | "tiny" | "small" | "base";

const REFERENCE: ModelConfig = {
  imageSize: 224,
  patchSize: 16,
  viewSize: 0,
  stem: "patches",
  localMixing: false,
  width: 192,
  depth: 12,
  heads: 3,
  mlpRatio: 4,
  dropPath: 0.1,
  headLayers: 4,
  headWidth: 2048,
  codeWidth: 256,
  headBatchNorm: true,
  classHead: "shared",
  classHeadWidth: 0,
  decoderDepth: 4,
  decoderHeads: 8,
  decoderMlpRatio: 4,
  flipRule: "columns",
  aligner: true,
  reconstructionTarget: "picture",
  rematerialise: false,
  attention: "auto",
  residualPrecision: "float32",
  initPosition: 0.02,
  initLinear: 0.02,
};

const DEMO: ModelConfig = {
  ...REFERENCE,
  imageSize: 64,
  patchSize: 8,
  width: 128,
  depth: 4,
  heads: 4,
  headWidth: 256,
  codeWidth: 64,
  decoderDepth: 2,
  decoderHeads: 4,
  initPosition: 0.5,
  initLinear: 0.05,
};

const THUMBNAIL: ModelConfig = {
  ...DEMO,
  imageSize: 32,
  patchSize: 4,
  viewSize: 24,
  stem: "convolutions",
  localMixing: true,
  headLayers: 1,
  classHead: "own",
};

/** Ready sizes: the reference's three (docs/spec.md §2), and three that train on a laptop's processor. */
export const PRESETS: Readonly<Record<ModelPreset, Readonly<ModelConfig>>> = {
  demo: DEMO,
  thumbnail: THUMBNAIL,
  // The same grids of twice the side: nearly as many pictures a second.
  photo: { ...THUMBNAIL, imageSize: 64, patchSize: 8, viewSize: 48 },
  tiny: REFERENCE,
  small: { ...REFERENCE, width: 384, heads: 6 },
  base: { ...REFERENCE, width: 768, heads: 12 },
};

/** Side of a view in pixels, V. */
export function viewSide(config: ModelConfig): number {
  return config.viewSize || config.imageSize;
}

/** Side of the grid of patches, G. */
export function gridSize(config: ModelConfig): number {
  return config.imageSize / config.patchSize;
}

/** Tokens of a picture with the class token, T = 1 + G². */
export function tokenCount(config: ModelConfig): number {
  return 1 + gridSize(config) ** 2;
}

/** Numbers in a patch, 3·P². */
export function patchWidth(config: ModelConfig): number {
  return 3 * config.patchSize ** 2;
}

/**
 * Hidden numbers of an MLP: so many widths. Of a ratio that is a quotient the product need not be whole: 120 / 88 · 88 is a little
 * less than 120.
 */
export function hiddenWidth(width: number, ratio: number): number {
  return Math.round(width * ratio);
}

/** The sizes of an encoder, its pictures' among them, and of what parts it is. */
export type EncoderSizes = Pick<
  ModelConfig,
  "imageSize" | "patchSize" | "stem" | "localMixing" | "width" | "depth" | "heads" | "mlpRatio"
>;

/** The sizes of a model's encoder, to give those of a run's. */
export function encoderSizes(
  { imageSize, patchSize, stem, localMixing, width, depth, heads, mlpRatio }: EncoderSizes,
): EncoderSizes {
  return { imageSize, patchSize, stem, localMixing, width, depth, heads, mlpRatio };
}

/** The sizes of a model's head and decoder. */
export function headSizes(
  {
    headLayers,
    headWidth,
    codeWidth,
    headBatchNorm,
    classHead,
    classHeadWidth,
    decoderDepth,
    decoderHeads,
    decoderMlpRatio,
  }: ModelConfig,
): Partial<ModelConfig> {
  const head = { headLayers, headWidth, codeWidth, headBatchNorm, classHead, classHeadWidth };
  return { ...head, decoderDepth, decoderHeads, decoderMlpRatio };
}
