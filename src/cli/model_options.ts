/** Options of commands that make or read a model. */
import { type ModelPreset, PRESETS } from "../model/config.ts";
import { choice, type ChoiceKind } from "./kinds.ts";

/** A preset's name. */
export const PRESET: ChoiceKind<ModelPreset> = choice<ModelPreset>(...Object.keys(PRESETS) as ModelPreset[]);
