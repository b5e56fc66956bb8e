import * as tf from "../tensors.ts";
import type { GivenName } from "./inputs.ts";

/** The tensors that an engine has made of what it was given; `bytes` by `Engine.bytes`. */
export type Inputs = Record<GivenName | "bytes", tf.Tensor>;

/** A property that every engine must have: a small computation whose result is known. */
export interface Check {
  /** What is computed, such as `relu(x)`. */
  name: string;
  compute: (inputs: Inputs) => tf.Tensor;
  /** The result, row-major; made on the processor in double. */
  expected: () => ArrayLike<number>;
  /** The elements that the results are of, where one of `expected` comes from one of these. */
  of?: ArrayLike<number>;
  /** The relative error that is allowed, about. Default 0: not-a-number, infinities and whole numbers are exact. */
  within?: number;
  /** True for what only engines that run op by op are asked: for a compiler it is made of parts that others check. */
  opByOp?: boolean;
}

/** How a check is made, where it is not exact or not always. */
export type How = Pick<Check, "within" | "opByOp">;

/** Functions are rounded, and the fast ones of graphics cards more than others. */
export const ROUNDED = { within: 1e-3 };
/** See {@linkcode Check.opByOp}. */
export const OP_BY_OP = { opByOp: true };

/** Truth values as 0 and 1. */
export const number = (truth: tf.Tensor): tf.Tensor => tf.cast(truth, "float32");
