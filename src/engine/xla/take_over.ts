import * as tf from "./tf.ts";

/** What is used of TensorFlow.js's engine. */
interface Mover {
  readonly state: { readonly tensorInfo: WeakMap<tf.DataId, { readonly backend: tf.KernelBackend }> };
  moveData(backend: tf.KernelBackend, dataId: tf.DataId): void;
}

/**
 * Takes data over from the backend that has them.
 *
 * @throws {Error} When none has: the tensor has been disposed of.
 */
export function takeOver(backend: tf.KernelBackend, dataId: tf.DataId): void {
  const engine = tf.engine() as unknown as Mover, owner = engine.state.tensorInfo.get(dataId)?.backend;
  if (!owner || owner === backend) throw new Error("xla: a tensor was used that has been disposed of");
  engine.moveData(backend, dataId);
}
