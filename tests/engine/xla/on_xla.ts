/** An open xla backend for a test. */
import { openXla, type Xla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import { PLUGIN } from "./plugin.ts";

/** Runs work on an open xla backend. */
export async function onXla(work: (xla: Xla) => void | Promise<void>): Promise<void> {
  const xla = await openXla(PLUGIN);
  try {
    await work(xla);
  } finally {
    xla.close();
  }
}

/** A tensor of whole numbers. */
export const int = (values: tf.TensorLike) => tf.tensor(values, undefined, "int32");
