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
