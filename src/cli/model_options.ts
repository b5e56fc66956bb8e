/** Options of commands that make or read a model. */
import { type ModelPreset, PRESETS } from "../model/config.ts";
import type { Option } from "./command.ts";
import { choice, type ChoiceKind, onOff, text, whole } from "./kinds.ts";

/** A preset's name. */
export const PRESET: ChoiceKind<ModelPreset> = choice<ModelPreset>(...Object.keys(PRESETS) as ModelPreset[]);

/** What a model is called in the help of commands that read one. */
export const MODEL_HELP =
  "a run folder (its last checkpoint), a checkpoint, or weights from elsewhere: a .pth or safetensors file of the reference, " +
  "DINO, MAE, timm or Hugging Face's ViT, or a folder with model.safetensors in it";

/** Which model of a file is meant. */
export const MODEL_CHOICE = {
  teacher: {
    kind: onOff,
    help: "take the averaged parameters: of a run made with --ema, or a file's teacher or model_ema",
  },
  key: {
    kind: text,
    help: "of a .pth with several encoders, the one to take, such as student",
    value: "NAME",
    usually: "the student of the reference, the teacher of DINO",
  },
  preset: { kind: PRESET, help: "weights from elsewhere must have this preset's sizes" },
  heads: {
    kind: whole(1),
    help: "attention heads of weights from elsewhere, which do not tell them",
    usually: "from a config.json beside them, else width / 64",
  },
  imageSize: {
    kind: whole(1),
    help: "side of the pictures that the encoder gets; its positions are resized, bicubic",
    usually: "the model's own",
  },
} as const satisfies Readonly<Record<string, Option>>;
