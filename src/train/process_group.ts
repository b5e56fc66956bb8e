/** The processes that train together, as the rest of the training sees them; one alone is the simplest case. */
import type { Cursor } from "../data/types.ts";
import type { Hosts } from "../engine/xla/hosts/join.ts";
import { untilAborted } from "./interrupt.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { sameCheckpoint, untilFailed } from "./nodes.ts";
import type { Checkpoint } from "./run/checkpoint.ts";

/** Where a process's stream stands after a step. */
export interface Place {
  step: number;
  next: Cursor;
  /** Bad pictures skipped so far. */
  bad: number;
}

/** The processes that train together, seen from one of them. */
export interface ProcessGroup {
  /** True for the one that writes the run folder, shows how the run goes on and evaluates. */
  readonly leads: boolean;
  /** True where there is no other process, so that whatever this one has begun will finish. */
  readonly alone: boolean;
  layout: Layout;
  /** The checkpoint that all go on from. `own`: the leading process's; null where there is none. */
  checkpoint(own: Checkpoint | null): Promise<Checkpoint | null>;
  /** Waits for a result that the others take part in; rejects when the run has failed. */
  alive<T>(wanted: Promise<T>): Promise<T>;
  /** Waits for a batch; gives undefined where the run may stop without it. */
  unlessStopped<T>(wanted: Promise<T>): Promise<T | undefined>;
  /** Notes where this process's stream will stand after a step, before the step begins. */
  note(place: Place): void;
  /** Where the streams of all stand after a step: epoch, position and bad pictures of each; undefined where this is the only one. */
  places(step: number): Promise<number[][] | undefined>;
  /** Whether to stop instead of beginning another step. All stop after the same one. */
  stops(step: number): Promise<boolean>;
  /** Resolves when all have trained to the end. */
  finished(): Promise<void>;
}

/**
 * A process that trains alone.
 *
 * @param devices Devices that share each batch.
 * @param signal Aborting it ends the run after the step under way.
 */
export function oneProcess(devices: number, signal?: AbortSignal): ProcessGroup {
  const stoppable = untilAborted(signal);
  return {
    leads: true,
    alone: true,
    layout: layoutOf(devices),
    checkpoint: (own) => Promise.resolve(own),
    alive: (wanted) => wanted,
    unlessStopped: stoppable,
    note: () => {},
    places: () => Promise.resolve(undefined),
    stops: () => Promise.resolve(signal?.aborted ?? false),
    finished: () => Promise.resolve(),
  };
}

/**
 * A node among several.
 *
 * @param devices Devices that share each batch, those of all nodes together.
 * @param signal Aborting it asks all nodes to stop; they agree on the step after which they do.
 */
export function severalNodes(hosts: Hosts, devices: number, signal?: AbortSignal): ProcessGroup {
  const alive = untilFailed(hosts.failed);
  let asked = false;
  return {
    leads: hosts.nodeId === 0,
    alone: false,
    layout: layoutOf(devices),
    checkpoint: (own) => sameCheckpoint(hosts, own),
    alive,
    // The others would wait for this one's step.
    unlessStopped: alive,
    note: ({ step, next, bad }) => hosts.note(step, [next.epoch, next.position, bad]),
    places: async (step) => (await hosts.gather(step)).map((numbers) => numbers.slice(0, 3)),
    stops: async (step) => {
      if (signal?.aborted && !asked) await alive(hosts.askStop(step));
      asked ||= signal?.aborted ?? false;
      return step >= hosts.stopAfter();
    },
    finished: () => hosts.barrier("trained"),
  };
}
