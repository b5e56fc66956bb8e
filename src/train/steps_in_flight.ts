import type { Batch } from "../data/types.ts";
import type * as tf from "../engine/tensors.ts";
import type { StepValues } from "./run/metrics_file.ts";
import { readValues } from "./step_inputs.ts";

/** What a step reports, scalars by name. */
export type ScalarMetrics = { loss: tf.Tensor; [name: string]: tf.Tensor };

/** A step that the device may still be working on. */
export interface Flight {
  /** Its number in the run, from 1. */
  step: number;
  batch: Pick<Batch, "epoch" | "keys" | "bad" | "came" | "shards">;
  /** When its metrics had arrived, in milliseconds; infinite before. */
  done: number;
}

/** The steps under way, in order. */
export interface Flights {
  /** Adds a step that was begun. */
  begin(step: number, batch: Flight["batch"], metrics: ScalarMetrics): void;
  /** Waits for the oldest steps, one by one, until no more than so many are under way. */
  settle(atMost: number): Promise<void>;
  /** When the last step had finished; infinite while it has not, minus infinity where none is under way. */
  lastDone(): number;
  /** Resolves when no step is under way any more, whether they succeeded or not. */
  over(): Promise<void>;
}

/**
 * No step under way yet.
 *
 * @param alive Waits for a step's values, or fails where they will never come.
 * @param settled Checks and records the values of a step; what it throws ends `settle`.
 */
export function openFlights(
  alive: (values: Promise<StepValues>) => Promise<StepValues>,
  settled: (flight: Flight, values: StepValues) => Promise<void>,
): Flights {
  const flights: (Flight & { values: Promise<StepValues> })[] = [];
  return {
    begin: (step, batch, metrics) => {
      const flight = { step, batch, done: Infinity, values: readValues(metrics) };
      flight.values.then(() => flight.done = performance.now(), () => {});
      flights.push(flight);
    },
    settle: async (atMost) => {
      while (flights.length > atMost) {
        const values = await alive(flights[0].values);
        await settled(flights.shift()!, values);
      }
    },
    lastDone: () => flights.at(-1)?.done ?? -Infinity,
    over: async () => void await Promise.allSettled(flights.map(({ values }) => values)),
  };
}
