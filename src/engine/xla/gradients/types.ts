import type * as tf from "../tf.ts";

/** Gradients as tfjs registers them, by kernel. They use public ops alone, so they are right on every backend. */
export type Gradients = readonly tf.GradConfig[];
