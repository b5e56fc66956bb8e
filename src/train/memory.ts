import process from "node:process";
import type { Batch } from "../data/types.ts";
import type { CallMemory, CompileReport, Engine } from "../engine/types.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { decimalBytes } from "../text/amounts.ts";
import { ConfigError } from "./config/config.ts";
import { type BatchNeed, largestBatch } from "./largest_batch.ts";

/** A step needs more than its devices' memory; says which batch would fit. */
export class MemoryError extends ConfigError {
  override name = "MemoryError";
}

/** Bytes that a call takes on each device; memory that outputs reuse is counted once. */
export function needOf({ arguments: given, temporaries, outputs, aliased }: CallMemory): number {
  return given + temporaries + Math.max(0, outputs - aliased);
}

/** Bytes of the host's memory that this process may still take: what the system has, and a container's limit. */
export function hostMemory(): number {
  const { available } = Deno.systemMemoryInfo();
  // Without a limit, the system reports an absurdly large one or 0.
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(available, Math.max(0, limit - Deno.memoryUsage().rss)) : available;
}

/**
 * Bytes of each device that a call may take; undefined where nobody can tell.
 *
 * @param memory What the call needs, if that is known.
 * @param setting The user's limit in GB; 0: none.
 */
export function limitOf(engine: Engine, memory: CallMemory | undefined, setting: number): number | undefined {
  if (setting > 0) return setting * 1e9;
  const own = engine.deviceMemory();
  if (own !== "host") return own?.limit;
  // Devices in the host's memory share it, and the arguments already lie there.
  return hostMemory() / engine.devices + (memory?.arguments ?? 0) / engine.devices;
}

/** A program's memory in one line. */
export function describeMemory(memory: CallMemory, limit: number | undefined, devices: number): string {
  const { arguments: given, temporaries } = memory;
  // Some plugins leave something out of their peak.
  const peak = Math.max(memory.peak, needOf(memory));
  return `${devices > 1 ? "on each device " : ""}arguments ${decimalBytes(given)}, ` +
    `temporaries ${decimalBytes(temporaries)}, peak ${decimalBytes(peak)}` +
    (limit === undefined ? "" : `, of ${decimalBytes(limit)}`);
}

/** Whether a compiler or a device said that there is not enough memory. */
export function isExhausted(error: unknown): boolean {
  return error instanceof Error && (("code" in error && error.code === "RESOURCE_EXHAUSTED") ||
    /RESOURCE_EXHAUSTED|out of memory/i.test(error.message));
}

/** What is needed to fit a step into its devices. */
export interface FitOptions {
  engine: Engine;
  /** Pictures in the step that the run asks for, of all devices. */
  batchSize: number;
  /** Batches must be divisible by this. */
  multiple: number;
  /** See the settings `memoryLimit` (GB) and `overMemory`. */
  memoryLimit: number;
  overMemory: "stop" | "try";
  /** False where smaller batches cannot be tried: with several nodes, all would have to compile them together. */
  search: boolean;
  /** Compiles the step for so many pictures. */
  compile(batchSize: number): Promise<CompileReport>;
  say(label: string, text: string): void;
}

/** A batch of black pictures, to compile a step of another size with. */
export function blankBatch(imageSize: number, count: number): Pick<Batch, "base" | "views" | "indices"> {
  return {
    base: new Uint8Array(count * imageSize ** 2 * 3),
    views: new Float32Array(2 * count * VIEW_FIELDS),
    indices: Array.from({ length: count }, (_, i) => i),
  };
}

/**
 * Compiles a run's step and says what memory it takes. A step that would not fit is not begun: smaller batches are
 * compiled until the largest that fits is known.
 *
 * @returns The report of the step as asked for.
 * @throws {MemoryError} When it does not fit and the run does not mean to try all the same; names the largest batch.
 */
export async function compileWithin(options: FitOptions): Promise<CompileReport> {
  const { engine, batchSize, compile, say } = options;
  let limit = limitOf(engine, undefined, options.memoryLimit);
  const tried = async (batch: number): Promise<{ report?: CompileReport; error?: unknown }> => {
    try {
      return { report: await compile(batch) };
    } catch (error) {
      if (!isExhausted(error)) throw error;
      return { error };
    }
  };
  const { report, error } = await tried(batchSize);
  if (report && !report.memory) return report;
  let needed = "more memory than there is";
  if (report?.memory) {
    limit = limitOf(engine, report.memory, options.memoryLimit);
    say("memory", describeMemory(report.memory, limit, engine.devices));
    if (limit === undefined || needOf(report.memory) <= limit) return report;
    needed =
      `${decimalBytes(needOf(report.memory))} of ${engine.devices > 1 ? "each device's" : "the device's"} ` +
      `memory, which has ${decimalBytes(limit)}`;
    if (options.overMemory === "try") {
      say("note", `the step needs ${needed}; it is tried because of --over-memory try`);
      return report;
    }
  }
  const need: BatchNeed = async (batch) => {
    say("memory", `a batch of ${batch} is compiled to see whether it would fit`);
    const { report } = await tried(batch);
    return report?.memory && needOf(report.memory);
  };
  const known = report?.memory && needOf(report.memory);
  if (!options.search) {
    throw new MemoryError(`a step of ${batchSize} pictures needs ${needed}. Take a smaller --batch-size`, {
      cause: error,
    });
  }
  const fits = await largestBatch({ batchSize, known, multiple: options.multiple, limit, need });
  const advice = fits
    ? `The largest batch that fits is ${fits}: --batch-size ${fits}`
    : `Even a batch of ${options.multiple} does not fit: take a smaller model or a device with more memory`;
  const all = report ? "; --over-memory try begins all the same" : "";
  throw new MemoryError(`a step of ${batchSize} pictures needs ${needed}. ${advice}${all}`, { cause: error });
}
