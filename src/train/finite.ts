import type { StoredTensor } from "../files/stored_tensor.ts";

/** A loss, a term or a gradient that is no longer a finite number; the run cannot go on. */
export class NonFiniteError extends Error {
  override name = "NonFiniteError";
  constructor(
    message: string,
    /** The step, counted from 1. */
    readonly step: number,
    /** Keys of the batch's pictures. */
    readonly keys: readonly string[],
    /** The last good checkpoint, if there is one. */
    readonly checkpoint: string | null,
  ) {
    super(message);
  }
}

/** The name of the first tensor with a value that is not a finite number. */
export function nonFinite(tensors: Record<string, StoredTensor>): string | undefined {
  return Object.entries(tensors).find(([, { data }]) =>
    data instanceof Float32Array && !data.every(Number.isFinite)
  )?.[0];
}

/** The error that ends a run which cannot go on. */
export function refusal(
  step: number,
  keys: readonly string[],
  what: string,
  checkpoint: string | null,
): NonFiniteError {
  return new NonFiniteError(
    `step ${step}: ${what}; the run stops and this state is not saved. ` +
      (checkpoint ? `The last good checkpoint is ${checkpoint}. ` : "There is no checkpoint yet. ") +
      `A lower --lr, a longer --warmup-epochs or --clip-grad may help. The batch: ${keys.join(", ")}`,
    step,
    keys,
    checkpoint,
  );
}
