/**
 * Where a node's work is, in memory that its main thread and its link share: the link can answer for it, and stop it at a
 * certain step, while the main thread is blocked in the plugin.
 */

/** Steps that are remembered. Nodes that wait for each other's results are never so far apart. */
const REMEMBERED = 16;
/** Numbers that are noted of a step. */
const NOTED = 4;
const NEVER = 2 ** 31 - 1;

/** Keys by which nodes agree where to stop, and tell node 0 where they are. */
export const KEYS = {
  stop: "pace/stop",
  stopSeen: (node: number) => `pace/stop/${node}`,
  ask: (number: number) => `pace/ask/${number}`,
  answer: (number: number, node: number) => `pace/answer/${number}/${node}`,
};

/** The shared memory as numbers. */
export interface Pace {
  readonly memory: SharedArrayBuffer;
  /** Steps after which to stop; infinite until somebody asks for it. */
  stop(): number;
  setStop(step: number): void;
  /** Remembers numbers, at most four, of the state after a step. */
  note(step: number, numbers: readonly number[]): void;
  /** What was noted of a step; undefined when it is not known yet, or forgotten. */
  noted(step: number): number[] | undefined;
}

/** New memory, or another thread's. */
export function openPace(memory = new SharedArrayBuffer(8 + REMEMBERED * (1 + NOTED) * 8)): Pace {
  const head = new Int32Array(memory, 0, 1), rows = new Float64Array(memory, 8);
  const fresh = Atomics.load(head, 0) === 0;
  if (fresh) {
    Atomics.store(head, 0, NEVER);
    rows.fill(-1);
  }
  const place = (step: number) => (step % REMEMBERED) * (1 + NOTED);
  return {
    memory,
    stop: () => {
      const step = Atomics.load(head, 0);
      return step === NEVER ? Infinity : step;
    },
    setStop: (step) => void Atomics.store(head, 0, step),
    note: (step, numbers) => {
      const at = place(step);
      rows[at] = -1;
      for (let i = 0; i < NOTED; i++) rows[at + 1 + i] = numbers[i] ?? 0;
      rows[at] = step;
      Atomics.load(head, 0); // What was written before is seen by who reads after.
    },
    noted: (step) => {
      Atomics.load(head, 0);
      const at = place(step);
      return rows[at] === step ? [...rows.subarray(at + 1, at + 1 + NOTED)] : undefined;
    },
  };
}
