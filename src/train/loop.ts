import type { Batch } from "../data/types.ts";
import type { Tree } from "../engine/tensors.ts";
import type { Evaluations } from "./evaluators.ts";
import type { Keeper } from "./keeper.ts";
import type { ProcessGroup } from "./process_group.ts";
import type { StepValues } from "./run/metrics_file.ts";
import type { Run } from "./standing.ts";
import type { Meter } from "./show/meter.ts";
import { disposeTree } from "./state.ts";
import { type Flight, openFlights, type ScalarMetrics } from "./steps_in_flight.ts";

/** What the loop trains, and with what. */
export interface LoopOptions<State extends Tree, Inputs extends Record<string, Tree>> {
  run: Run<State>;
  /** Steps at which the run is complete. */
  total: number;
  /** One step: the old state is given up, its metrics are scalars by name, among them `loss`. */
  step(args: { state: State } & Inputs): { state: State; metrics: ScalarMetrics };
  /** The tensors that a step takes beside the state. `step`: its number in the run, from 0. Disposed after the step. */
  inputs(batch: Batch, step: number): Inputs;
  /** Called once with the arguments of the first step, before it: compiles it, or refuses. */
  first?(args: { state: State } & Inputs): Promise<void>;
  batches: AsyncIterator<Batch, void>;
  /** Steps that may be under way while the next one is begun. */
  ahead: number;
  /** Rests before each step, so that signals are heard. */
  rest(): Promise<unknown>;
  group: ProcessGroup;
  meter: Meter;
  /** Checks and records a step whose metrics have come. What it throws ends the run. */
  record(flight: Flight, values: StepValues): void;
  keeper: Keeper<State>;
  evaluations: Evaluations<State>;
  /** Told of an error of the stream, which is thrown as well, once all steps before it are recorded: the state is good. */
  broken?(error: unknown): void;
}

/**
 * The training loop, whatever is trained: does a step with each batch, takes checkpoints and runs evaluators. It ends
 * after the last step or when the run is asked to stop, with no step under way.
 *
 * At most `ahead` + 1 steps are under way. Checkpoints are taken and evaluators run only when none is.
 *
 * @throws {Error} When `inputs`, `first`, `step`, `record`, an evaluator or the stream of batches throws, or the stream ends.
 */
export async function loop<State extends Tree, Inputs extends Record<string, Tree>>(
  options: LoopOptions<State, Inputs>,
): Promise<void> {
  const { run, total, batches, group, meter, keeper, evaluations } = options;
  const start = run.step;
  const flights = openFlights(group.alive, async (flight, values) => {
    options.record(flight, values);
    await keeper.proven(flight.step);
  });
  try {
    group.note(run);
    while (run.step < total) {
      await options.rest();
      if (await group.stops(run.step)) break;
      const asked = performance.now();
      const got = await group.unlessStopped(batches.next()).catch(async (error) => {
        // Other processes may have begun a step that this one takes no part in.
        if (group.alone) {
          await flights.settle(0);
          options.broken?.(error);
        }
        throw error;
      });
      if (!got) break;
      if (got.done) throw new Error(`the stream of batches ended after ${run.step} of ${total} steps`);
      const batch = got.value;
      meter.wait(asked, flights.lastDone(), performance.now());
      await flights.settle(options.ahead);

      const inputs = options.inputs(batch, run.step);
      try {
        if (run.step === start) await options.first?.({ state: run.state, ...inputs });
        group.note({ step: run.step + 1, next: batch.next, bad: batch.bad });
        const { state, metrics } = options.step({ state: run.state, ...inputs });
        // The old state is given up: only the new one is valid from here on.
        Object.assign(run, {
          state,
          step: run.step + 1,
          epoch: batch.epoch,
          next: batch.next,
          bad: batch.bad,
        });
        flights.begin(run.step, batch, metrics);
      } finally {
        disposeTree(inputs);
      }

      const kept = run.step < total && keeper.due(run.step), looked = evaluations.due(run.step, kept);
      if (kept || looked) await flights.settle(0);
      if (looked) await evaluations.look(run, kept);
      if (kept) await keeper.take(run);
    }
    await flights.settle(0);
  } catch (error) {
    // Steps under way still use the state. With several processes they may wait for others, which hear of this only
    // now.
    if (group.alone) await flights.over();
    throw error;
  }
}
