/** TensorFlow.js's tape: the operations whose gradients are being taken. */
import * as tf from "../tf.ts";

/** A step of the tape, as far as it is needed here. */
export interface TapeNode {
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor>;
  /** What was kept for its gradient. */
  readonly saved: readonly tf.Tensor[];
}

const stateOf = () =>
  (tf.engine() as unknown as { state: { activeTape: TapeNode[] | null; gradientDepth: number } }).state;

/** The tape that derivatives are read from; null where none is taken. */
export function tape(): TapeNode[] | null {
  return stateOf().activeTape;
}

/** True while a function is run whose gradients are wanted. */
export function isTaping(): boolean {
  return stateOf().gradientDepth > 0;
}

/**
 * Frees what was kept for the gradients of a function that has thrown. TensorFlow.js itself frees it only where gradients are
 * taken to their end. Does nothing where the function was called within other gradients.
 */
export function dropTape(): void {
  const state = stateOf();
  if (state.gradientDepth > 0) return;
  for (const { saved } of state.activeTape ?? []) for (const tensor of saved) tensor.dispose();
  state.activeTape = null;
}
