/** The settings of the method: views, model and loss. */
import { choice, type Kind, number, onOff, whole } from "../../cli/kinds.ts";
import type { LossConfig } from "../../model/loss_config.ts";
import type { ModelConfig } from "../../model/config.ts";
import { VIEW_BOUNDS, type ViewOptions } from "../../views/sample.ts";
import { group, pair, type Setting } from "./setting.ts";

/** Of view 1 and of view 2: either may be the larger. */
const chances = ([min, max]: readonly [number, number]): Kind => ({ kind: "pair", min, max });
const views = group("Views"), model = group("Model"), loss = group("Loss");

/** Every setting of it. */
export const METHOD_SETTINGS: Readonly<Record<keyof (ViewOptions & ModelConfig & LossConfig), Setting>> = {
  cropScale: views(pair(...VIEW_BOUNDS.cropScale), "smallest,largest share of the picture's area in a crop"),
  cropRatio: views(pair(...VIEW_BOUNDS.cropRatio), "narrowest,widest width / height of a crop"),
  flip: views(number(...VIEW_BOUNDS.flip), "chance of a left–right flip"),
  colour: views(number(...VIEW_BOUNDS.colour), "chance of the four colour changes"),
  brightness: views(number(...VIEW_BOUNDS.brightness), "brightness factor is 1 ± this"),
  contrast: views(number(...VIEW_BOUNDS.contrast), "contrast factor is 1 ± this"),
  saturation: views(number(...VIEW_BOUNDS.saturation), "saturation factor is 1 ± this"),
  hue: views(number(...VIEW_BOUNDS.hue), "hue shift is ± this share of a turn"),
  grey: views(number(...VIEW_BOUNDS.grey), "chance of a grey view"),
  blur: views(chances(VIEW_BOUNDS.blur), "chance of blur in view 1, in view 2"),
  blurRadius: views(pair(VIEW_BOUNDS.blurRadius[0]), "smallest,largest radius of the blur in pixels"),
  solarise: views(chances(VIEW_BOUNDS.solarise), "chance of solarisation in view 1, in view 2"),

  imageSize: model(whole(1), "side of the base picture in pixels"),
  patchSize: model(whole(1), "side of a patch in pixels"),
  viewSize: model(whole(), "side of a view in pixels; 0: that of the base picture"),
  stem: model(
    choice("patches", "convolutions"),
    "what makes tokens of pixels: a frozen linear layer on each patch, or strided convolutions",
  ),
  localMixing: model(onOff, "a depthwise convolution over the tokens at the start of each encoder block"),
  width: model(whole(1), "width of the encoder's tokens"),
  depth: model(whole(1), "blocks of the encoder"),
  heads: model(whole(1), "attention heads of the encoder"),
  mlpRatio: model(number(), "hidden width of the encoder's MLPs, in widths"),
  dropPath: model(number(0, 0.99), "rate of stochastic depth in the last block"),
  headLayers: model(whole(1), "linear layers of the head"),
  headWidth: model(whole(1), "hidden width of the head, where it has more than one layer"),
  codeWidth: model(whole(1), "width of a code, and of the decoder"),
  headBatchNorm: model(onOff, "batch norm in the head's hidden layers"),
  classHead: model(choice("shared", "own"), "head of class tokens: that of the patch tokens, or their own"),
  classHeadWidth: model(whole(), "hidden width of the class tokens' own head; 0: --head-width"),
  decoderDepth: model(whole(0), "blocks of the decoder"),
  decoderHeads: model(whole(1), "attention heads of the decoder"),
  decoderMlpRatio: model(number(), "hidden width of the decoder's MLPs, in widths"),
  flipRule: model(
    choice("columns", "channels"),
    "what a flip mirrors: columns is right, channels is what the reference shipped",
  ),
  aligner: model(
    onOff,
    "place codes where their view was; without it each view fills the canvas as if it showed the whole picture",
  ),
  reconstructionTarget: model(
    choice("picture", "view"),
    "what the decoder reconstructs: what the view did not show of the picture, or the view itself",
  ),
  rematerialise: model(
    onOff,
    "compute transformer blocks again for the gradients: less memory, one more forward pass",
    true,
  ),
  attention: model(
    choice("auto", "plain", "cudnn"),
    "how blocks attend: plain; or cudnn, one operation on one NVIDIA card, with bfloat16 products; auto: that where it can be had",
    true,
  ),
  residualPrecision: model(
    choice("float32", "bfloat16"),
    "element type of the rows that blocks add to; bfloat16 takes less memory and time on a graphics card, with bfloat16 products",
  ),
  initPosition: model(number(), "standard deviation of the position embedding at the start"),
  initLinear: model(number(), "standard deviation of the encoder's linear weights at the start"),

  reconstructionWeight: loss(number(), "weight of both reconstruction terms"),
  classWeight: loss(number(), "weight of the contrast of class codes"),
  patchWeight: loss(number(), "weight of the contrast of patch codes"),
  temperature: loss(number(1e-6), "temperature of both contrasts"),
  patchSymmetric: loss(onOff, "contrast patches in both directions"),
  patchExcludeMask: loss(onOff, "leave cells outside a view out of its negatives"),
};
