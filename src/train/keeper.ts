import type { StoredTensor } from "../files/stored_tensor.ts";
import { nonFinite, refusal } from "./finite.ts";
import type { Run } from "./standing.ts";

/** A state in host memory, with what belongs to it. */
export interface Snapshot<Info> {
  info: Info;
  tensors: Record<string, StoredTensor>;
}

/** Turns states into checkpoints, each only once the next loss has proved to be a number. */
export interface Keeper<State> {
  /** Whether the state after this step is to be taken. */
  due(step: number): boolean;
  /** Takes the state and holds it back until the next step proves it good. No step may be under way. */
  take(run: Run<State>): Promise<void>;
  /** A step's loss was a number: a state taken before it is written. */
  proven(step: number): Promise<void>;
  /**
   * Writes the state that a run ends with, unless a checkpoint of it is there.
   *
   * @throws {NonFiniteError} When it holds a value that is not a finite number.
   */
  finish(run: Run<State>): Promise<void>;
  /** The last checkpoint that is on the disk; null where there is none. */
  path(): string | null;
}

/** What a keeper works with. */
export interface KeeperOptions<State, Info> {
  /** Minutes between two states taken; 0: not by time. */
  minutes: number;
  /** Steps between them; 0: not by steps. */
  steps: number;
  /** The checkpoint that the run goes on from, if any. */
  path: string | null;
  /** Steps done when the run begins or resumes. */
  start: number;
  /** Copies a state to host memory. */
  take(run: Run<State>): Promise<Snapshot<Info>>;
  /** Writes a checkpoint, whole or not at all, and gives its path. */
  write(snapshot: Snapshot<Info>): Promise<string>;
  /** The time in milliseconds; for tests. */
  now?: () => number;
}

/** A keeper of a run's checkpoints. */
export function openKeeper<State, Info>(options: KeeperOptions<State, Info>): Keeper<State> {
  const { minutes, steps, start, now = () => performance.now() } = options;
  let { path } = options;
  let waiting: { step: number; snapshot: Snapshot<Info> } | null = null;
  // The clock starts here, after the first step has been compiled.
  let since: number | undefined;
  return {
    due: (step) => {
      since ??= now();
      const byTime = minutes > 0 && now() - since >= 60_000 * minutes;
      return byTime || (steps > 0 && step % steps === 0);
    },
    take: async (run) => {
      waiting = { step: run.step, snapshot: await options.take(run) };
      since = now();
    },
    proven: async (step) => {
      if (!waiting || waiting.step >= step) return;
      const { snapshot } = waiting;
      path = await options.write(snapshot);
      waiting = null;
    },
    finish: async (run) => {
      if (run.step === start && path) return;
      const last = await options.take(run), name = nonFinite(last.tensors);
      if (name) throw refusal(run.step, [], `${name} holds a value that is no finite number`, path);
      path = await options.write(last);
    },
    path: () => path,
  };
}

/** A keeper for processes that do not lead: another one writes the checkpoints. */
export const noKeeper: Keeper<unknown> = {
  due: () => false,
  take: () => Promise.resolve(),
  proven: () => Promise.resolve(),
  finish: () => Promise.resolve(),
  path: () => null,
};
