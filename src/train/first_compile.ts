/** The step of a run is compiled before the first one is done. */
import type { CompileReport, Engine } from "../engine/types.ts";
import { compileWithin } from "./memory.ts";
import { describeCompile, describeExchanges, labelled } from "./show/describe.ts";
import type { Progress } from "./show/progress.ts";

/** What is compiled, and for what. */
export interface FirstCompile {
  engine: Engine;
  config: { batchSize: number; memoryLimit: number; overMemory: "stop" | "try" };
  /** Batches must be divisible by this. */
  multiple: number;
  /** Whether to look for a batch that fits where this one does not. */
  search: boolean;
  /** Compiles the step, or that for another number of pictures. */
  compile(count?: number): Promise<CompileReport>;
  progress: Progress;
}

/**
 * Compiles the step, refuses one that does not fit, and says what it is.
 *
 * @returns Share of the devices' peak that one picture a second takes, where the peak is known.
 * @throws {MemoryError} When the step does not fit into the device's memory.
 */
export async function compileFirst(
  { engine, config, multiple, search, compile, progress }: FirstCompile,
): Promise<number | undefined> {
  const { batchSize, memoryLimit, overMemory } = config;
  const say = (label: string, text: string) => progress.line(labelled(label, text));
  const report = await compileWithin({
    ...{ engine, batchSize, multiple, memoryLimit, overMemory, search, compile, say },
  });
  if (engine.compiles) say("step", describeCompile(report));
  if (report.exchanges) say("exchange", describeExchanges(report.exchanges));
  const { flops, peakFlops } = report;
  return flops && peakFlops ? flops / batchSize / peakFlops : undefined;
}
