import { XlaBackend } from "./backend.ts";
import * as tf from "./tf.ts";

/**
 * The platform of the devices that tensors are computed on, such as `cpu` or `cuda`. Where an operation has several
 * forms, nothing else decides between them.
 *
 * @returns As the PJRT plugin names it; `cpu` for engines without one.
 */
export function devicePlatform(): string {
  const backend = tf.backend();
  return backend instanceof XlaBackend ? backend.platform : "cpu";
}
