/** The training loop on an engine, with the run's last checkpoint at its end; any kind of training. */
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import type { Tree } from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import type { Accountant } from "../data/epoch/account.ts";
import { EvaluatorError } from "./evaluators.ts";
import { loop, type LoopOptions } from "./loop.ts";

/** What the loop trains, and where. */
export interface RunLoopOptions<State extends Tree, Inputs extends Record<string, Tree>>
  extends Omit<LoopOptions<State, Inputs>, "ahead" | "rest"> {
  engine: Engine;
  /** Told of each batch whose step is done, where the run keeps an account of its data. */
  account?: Pick<Accountant, "add">;
}

/**
 * Trains until the run ends or is stopped, and writes its last checkpoint, also where an evaluator or the stream has failed.
 *
 * @throws {EvaluatorError} An evaluator fails; the state is saved, or the message says why not.
 * @throws {Error} As {@linkcode loop}, or the checkpoint cannot be written.
 */
export async function runLoop<State extends Tree, Inputs extends Record<string, Tree>>(
  { engine, account, ...options }: RunLoopOptions<State, Inputs>,
): Promise<void> {
  const { run } = options, start = run.step;
  let failed: { error: unknown } | undefined;
  await loop({
    ...options,
    // A queued step already takes memory of its own, and a processor loses no time between two steps.
    ahead: engine.deviceMemory() === "host" ? 0 : 1,
    // An engine that computes synchronously blocks the event loop, and signals with it. Only a timer lets the event
    // loop rest long enough to hear them.
    rest: () => engine.compiles ? setImmediate() : delay(1),
    record: (flight, values) => {
      options.record(flight, values);
      account?.add(flight.batch);
    },
    broken: (error) => {
      if (run.step > start) failed = { error };
    },
  }).catch((error) => {
    if (error instanceof EvaluatorError) failed = { error };
    if (failed?.error !== error) throw error;
  });
  await options.keeper.finish(run).catch((error) => {
    if (!failed) throw error;
    if (!(failed.error instanceof Error)) return;
    failed.error.message += `; and the run's state could not be saved: ${(error as Error).message}`;
  });
  if (failed) throw failed.error;
}
