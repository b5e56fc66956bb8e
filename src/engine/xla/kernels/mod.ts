import { CONTRACTION } from "./contraction.ts";
import { CONVOLUTION } from "./convolution.ts";
import { DILATION } from "./dilation.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { FUSED_ATTENTION } from "./fused_attention.ts";
import { IMAGE } from "./image.ts";
import { INDEX } from "./index.ts";
import { LAYOUT } from "./layout.ts";
import { POOL } from "./pool.ts";
import { PRODUCT } from "./product.ts";
import { REDUCTION } from "./reduction.ts";
import { SHAPE } from "./shape.ts";
import { HINTS } from "./hints.ts";
import type { AnyLowering, Lowerings } from "./types.ts";

/** Every kernel that XLA computes. */
const ALL: Lowerings = {
  ...ELEMENTWISE,
  ...REDUCTION,
  ...SHAPE,
  ...LAYOUT,
  ...INDEX,
  ...PRODUCT,
  ...CONTRACTION,
  ...CONVOLUTION,
  ...POOL,
  ...DILATION,
  ...IMAGE,
  ...HINTS,
  ...FUSED_ATTENTION,
};

/** Every kernel that XLA computes, by tfjs's name. */
export const LOWERINGS: Readonly<Record<string, AnyLowering>> = ALL;
