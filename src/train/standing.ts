import type { Cursor } from "../data/types.ts";

/** Where a run stands. The loop moves it on. */
export interface Run<State> {
  /** On the engine; given up to the next step. */
  state: State;
  /** Steps done. */
  step: number;
  /** The epoch that the last batch was drawn in. */
  epoch: number;
  /** Where the stream goes on. */
  next: Cursor;
  /** Bad pictures skipped so far. */
  bad: number;
}

/** The epoch of the last batch before a cursor; after an epoch's last batch that is at the start of the next epoch. */
export function epochBefore({ epoch, position }: Cursor): number {
  return Math.max(0, position === 0 ? epoch - 1 : epoch);
}
