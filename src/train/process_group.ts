/** The processes that train together, as the rest of the training sees them; one alone is the simplest case. */
import type { Cursor } from "../data/types.ts";
import { AHEAD } from "../engine/xla/hosts/agree.ts";
import type { Hosts } from "../engine/xla/hosts/join.ts";
import { HostsError } from "../engine/xla/hosts/request.ts";
import { untilAborted } from "./interrupt.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { sameCheckpoint, untilFailed } from "./nodes.ts";
import type { Checkpoint } from "./run/checkpoint.ts";

/** The key of what has broken the stream of one. */
const BROKEN = "run/broken";

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
  /** Batches that this process has read beyond that of the next step, so that it can go on to the step after which all stop. */
  readonly reserve: number;
  /** Says that this process's stream has failed, with only the reserve left: all stop soon. */
  breaks(error: unknown): void;
  /** Notes where this process's stream will stand after a step, before the step begins. */
  note(place: Place): void;
  /** Where the streams of all stand after a step: epoch, position and bad pictures of each; undefined where this is the only one. */
  places(step: number): Promise<number[][] | undefined>;
  /** Whether to stop instead of beginning another step. All stop after the same one. */
  stops(step: number): Promise<boolean>;
  /** Resolves when all have trained to the end, or have stopped; rejects where they stopped because the stream of one has failed. */
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
    reserve: 0,
    breaks: () => {},
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
  let asked = false, broken: { error: unknown } | undefined;
  return {
    leads: hosts.nodeId === 0,
    alone: false,
    layout: layoutOf(devices),
    checkpoint: (own) => sameCheckpoint(hosts, own),
    alive,
    // The others would wait for this one's step.
    unlessStopped: alive,
    // One more than lie between asking and stopping: it is asked only before the next step.
    reserve: AHEAD + 1,
    breaks: (error) => void (broken = { error }),
    note: ({ step, next, bad }) => hosts.note(step, [next.epoch, next.position, bad]),
    places: async (step) => (await hosts.gather(step)).map((numbers) => numbers.slice(0, 3)),
    stops: async (step) => {
      const wanted = broken !== undefined || (signal?.aborted ?? false);
      if (wanted && !asked) await alive(hosts.askStop(step));
      asked ||= wanted;
      return step >= hosts.stopAfter();
    },
    async finished() {
      if (broken) await hosts.put(BROKEN, `node ${hosts.nodeId}: ${(broken.error as Error).message}`);
      await hosts.barrier("trained");
      if (broken) throw broken.error;
      const why = await hosts.find(BROKEN);
      if (why) throw new HostsError(new TextDecoder().decode(why));
    },
  };
}
