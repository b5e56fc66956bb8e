import type { Ledger } from "./ledger.ts";
import type { Trainings } from "./model.ts";
import type { Nursery } from "./process.ts";

/** What goes on in a soak, shared by its two lanes. */
export interface Soak extends Trainings {
  /** The folder of everything; a new one. */
  work: string;
  minutes: number;
  ledger: Ledger;
  /** Whether small disks can be mounted here. */
  disks: boolean;
  /** Milliseconds until no new life should begin; negative when it is over. */
  left(): number;
  /** Aborted when the soak is to end at once. */
  signal: AbortSignal;
  say(line: string): void;
}

/** One of the two things that go on at once. Each has folders of its own, so that what is left over has a culprit. */
export interface Lane {
  soak: Soak;
  name: "training" | "other";
  folder: string;
  /** What its processes have as their cache and for temporary files. */
  cache: string;
  temporary: string;
  nursery: Nursery;
  counts: Record<string, Counts>;
}

/** How often something happened, by name. */
export type Counts = Record<string, number>;
