/** Tensors and trees of them, as the rest of the code sees them: TensorFlow.js, and hints to a compiling engine. */
export * from "./xla/tf.ts";
export { tensor } from "./made_tensor.ts";
export { matMulFloat32 } from "./xla/compile/float32.ts";
export { bfloat16, stored } from "./xla/bfloat16.ts";
export { devicePlatform } from "./xla/device.ts";
export {
  fusedAttention,
  fusedAttentionGradient,
  hasFusedAttention,
  whyNoFusedAttention,
} from "./xla/fused_attention.ts";
export { scope } from "./xla/compile/scope.ts";
export { divideRows, keepWhole, splitRows } from "./xla/split.ts";
export { together } from "./xla/together.ts";
export { isTensor, leaves, mapTree, paths, type Tree } from "./xla/tree.ts";
