import { BFLOAT16_GRADIENT } from "../bfloat16.ts";
import { SPLIT_GRADIENTS } from "../split.ts";
import * as tf from "../tf.ts";
import { BROADCAST } from "./broadcast.ts";
import { CONVOLUTION } from "./convolution.ts";
import { mendCrossEntropy } from "./cross_entropy.ts";
import { INDEX } from "./index.ts";
import { POINTWISE } from "./pointwise.ts";
import { PRODUCT } from "./product.ts";
import { SCAN } from "./scan.ts";
import { SHAPE } from "./shape.ts";
import { mendTape } from "./tape.ts";
import type { Gradients } from "./types.ts";
import { WINDOW } from "./window.ts";

/** Gradients that TensorFlow.js lacks or has wrong. */
export const GRADIENTS: Gradients = [
  ...BROADCAST,
  ...POINTWISE,
  ...PRODUCT,
  ...INDEX,
  ...SHAPE,
  ...SCAN,
  ...CONVOLUTION,
  ...WINDOW,
  ...SPLIT_GRADIENTS,
  BFLOAT16_GRADIENT,
];

/** Registers them instead of TensorFlow.js's own, and mends what is kept for them, for all backends of the process. */
export function registerGradients(): void {
  mendTape();
  mendCrossEntropy();
  for (const gradient of GRADIENTS) tf.registerGradient(gradient);
}
