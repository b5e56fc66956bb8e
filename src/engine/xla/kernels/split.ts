import { split } from "../ir/build.ts";
import type { Lowerings } from "./types.ts";

/** Our own kernel beside TensorFlow.js's, see `splitRows`. */
export const SPLIT: Lowerings = { SplitRows: ({ inputs }) => split(inputs.x) };
