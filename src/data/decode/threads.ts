import type { WorkerAnswer, WorkerJob, WorkerMemory, WorkerStart } from "./worker.ts";
import type { Slots } from "./batch_memory.ts";

/** What became of a picture. */
export interface Made {
  /** The slot of the result, the caller's now, whose contents count when good. */
  slot: number;
  good: boolean;
  key?: string;
  /** Milliseconds spent reading. */
  reading: number;
}

/** Threads that prepare pictures. */
export interface Threads {
  /** Makes one. Several go in a message, unless a thread would have to wait for them. */
  run(picture: WorkerJob["picture"]): Promise<Made>;
  /** Ends the threads. */
  close(): void;
}

/** Pictures in a message: a message costs as much as a twentieth of a picture. */
const GROUP = 8;
/** Pictures that a thread has at once, so that it need not wait while batches are put together. */
const MOST = 24;

/** Pictures that keep a thread at work until the next message comes. */
const ENOUGH = 8;

interface Thread {
  worker: Worker;
  /** What it works on, oldest first. */
  messages: Waiting[][];
  /** Pictures in those. */
  pictures: number;
}

interface Waiting {
  job: WorkerJob;
  resolve: (made: Made) => void;
  reject: (error: Error) => void;
}

/**
 * Starts nothing yet: threads start when there is work for them.
 *
 * @param count How many at most.
 * @param start What each is told first.
 * @param memory Where results go.
 */
export function threads(count: number, start: WorkerStart, memory: Slots): Threads {
  const all: Thread[] = [], queue: Waiting[] = [];
  let planned = false, closed = false, broken: Error | null = null;

  const tell = (worker: Worker, piece: SharedArrayBuffer) =>
    worker.postMessage({ memory: piece } satisfies WorkerMemory);
  memory.watch((piece) => all.forEach(({ worker }) => tell(worker, piece)));
  const fail = (error: Error) => {
    broken ??= error;
    for (const { reject } of [...all.flatMap(({ messages }) => messages.flat()), ...queue]) reject(broken);
    for (const thread of all) thread.messages = [];
    queue.length = 0;
  };
  const open = (): Thread => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href, { type: "module" });
    const thread: Thread = { worker, messages: [], pictures: 0 };
    worker.onmessage = ({ data: { good, keys, reading } }: MessageEvent<WorkerAnswer>) => {
      const done = thread.messages.shift() ?? [];
      thread.pictures -= done.length;
      done.forEach(({ job, resolve }, i) =>
        resolve({ slot: job.slot, good: good[i], key: keys[i], reading: reading / done.length })
      );
      plan();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      // `deno compile` takes no module that only a thread loads.
      const advice = Deno.build.standalone
        ? "; compile with --include and the path of src/data/decode/worker.ts"
        : "";
      fail(new Error(`a decoding thread failed: ${event.message}${advice}`));
    };
    worker.postMessage(start);
    for (const piece of memory.pieces) tell(worker, piece);
    all.push(thread);
    return thread;
  };
  const pump = () => {
    planned = false;
    while (queue.length > 0 && !closed) {
      let thread = all.reduce<Thread | null>(
        (least, thread) => least && least.pictures <= thread.pictures ? least : thread,
        null,
      );
      if ((!thread || thread.pictures > 0) && all.length < count) thread = open();
      if (!thread || thread.pictures >= MOST) return;
      // A busy thread waits for a whole message; this runs again after each of its answers.
      if (thread.pictures >= ENOUGH && queue.length < GROUP) return;
      // The queue is shared out among the idle threads, so that none waits for another's pictures.
      const idle = count - all.filter(({ pictures }) => pictures > 0).length;
      const share = Math.ceil(queue.length / Math.max(1, idle));
      const message = queue.splice(0, Math.min(share, GROUP, MOST - thread.pictures));
      thread.pictures += message.length;
      thread.messages.push(message);
      thread.worker.postMessage(message.map(({ job }) => job));
    }
  };
  const plan = () => {
    if (planned) return;
    planned = true;
    // Waits until the current code is done: a caller may be about to add many pictures.
    queueMicrotask(pump);
  };
  return {
    run: (picture) =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken);
        queue.push({ job: { picture, slot: memory.take() }, resolve, reject });
        plan();
      }),
    close() {
      closed = true;
      for (const { worker } of all.splice(0)) worker.terminate();
    },
  };
}
