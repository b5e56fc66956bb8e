import type * as tf from "../engine/tensors.ts";

/** Tensors under the reference's parameter names, such as `backbone.blocks.0.attn.qkv.weight`, in PyTorch's shapes. */
export type Params = Record<string, tf.Tensor>;

/** All tensors of a model. */
export interface ModelState {
  /** What is trained. */
  params: Params;
  /** What keeps its random initial values: the patch embedding (docs/spec.md §2). */
  frozen: Params;
  /** Running mean and variance of the batch norms (docs/spec.md §3). */
  buffers: Params;
}
