/** The batch size of `--batch-size auto`: what fits into the devices' memory. */
import { type Data, dataLength } from "../data/open/data.ts";
import type { CompileReport, Engine } from "../engine/types.ts";
import { decimalBytes } from "../text/amounts.ts";
import { ConfigError } from "./config/config.ts";
import type { RunConfig } from "./config/settings.ts";
import { layoutOf } from "./layout.ts";
import { processOf } from "./run/plan.ts";
import { blankBatch, isExhausted, limitOf, needOf } from "./memory.ts";
import { pretraining } from "./pretraining.ts";
import { labelled } from "./show/describe.ts";
import { silent } from "./show/progress.ts";
import { disposeTree, initialState } from "./state.ts";

/** The share of the memory that a step may take: the rest is for the next batch, and for what an allocator wastes. */
export const FILL = 0.9;
/** The most pictures that are taken without being asked for: larger batches have not been tried with this method. */
const MOST = 4096;
/** Pictures of the two steps that are compiled first, on each device. */
const FIRST = [8, 16] as const;
/** Steps that are compiled at most; the first two tell nearly all. */
const TRIES = 6;

/** What the search for a fitting batch needs. */
export interface FittingBatch {
  /** The largest batch that is of use. */
  most: number;
  /** Batches must be divisible by this. */
  multiple: number;
  /** Bytes that a step of so many pictures needs, and may need; undefined when its compiler ran out of memory. */
  need(batchSize: number): Promise<{ bytes: number; limit: number } | undefined>;
}

/** So many pictures for each device that its tiles are full, where there are many. */
const even = (units: number) => units >= 64 ? Math.floor(units / 8) * 8 : units;

/**
 * A batch that fits, near to the largest. Memory grows nearly linearly with the batch: a line through two small compiled
 * steps tells where it reaches the limit, and the step there is compiled to see.
 *
 * @returns The batch with the bytes that its step needs; undefined where not even `multiple` pictures fit.
 */
export async function fittingBatch(
  { most, multiple, need }: FittingBatch,
): Promise<{ batchSize: number; bytes: number; limit: number } | undefined> {
  const highest = Math.max(1, Math.floor(most / multiple));
  const seen: { units: number; bytes: number; limit: number }[] = [];
  let beyond = highest + 1, refused = false;
  for (let tries = 0; tries < TRIES; tries++) {
    const units = tries < FIRST.length && !refused ? FIRST[tries] : reached(seen, beyond);
    const wanted = Math.min(highest, even(units));
    const best = seen.filter(({ bytes, limit }) => bytes <= limit).at(-1);
    // A sixteenth more is not worth another compilation.
    if (wanted < 1 || best && wanted <= best.units * (seen.length < 2 ? 1 : 17 / 16)) break;
    const found = await need(wanted * multiple);
    if (found && found.bytes <= found.limit) {
      seen.push({ units: wanted, ...found });
      if (wanted === highest) break;
    } else {
      beyond = wanted;
      refused = true;
      if (found) seen.unshift({ units: wanted, ...found });
    }
  }
  const best = seen.filter(({ bytes, limit }) => bytes <= limit).at(-1);
  return best && { batchSize: best.units * multiple, bytes: best.bytes, limit: best.limit };
}

/**
 * Where the line through the two largest steps reaches the limit, below the smallest that does not fit. Without two steps,
 * the middle between the largest that fits and the smallest that does not.
 */
function reached(seen: { units: number; bytes: number; limit: number }[], beyond: number): number {
  const [a, b] = [...seen].sort((p, q) => q.units - p.units);
  const fits = Math.max(0, ...seen.filter(({ bytes, limit }) => bytes <= limit).map(({ units }) => units));
  if (!b || a.bytes <= b.bytes) return Math.floor((fits + beyond) / 2);
  const slope = (a.bytes - b.bytes) / (a.units - b.units);
  return Math.min(beyond - 1, Math.floor(a.units + (a.limit - a.bytes) / slope));
}

/** What a batch size is found for. */
export interface BatchSizeOptions {
  engine: Engine;
  source: Data;
  /** Takes a line for people. */
  progress?: (line: string) => void;
}

/**
 * The run with its batch size: what is set, or for `auto` (0) the largest batch whose step takes nine tenths of each
 * device's memory (`memoryLimit`, where that is set), of at most 4096 pictures and no more than an epoch has. Three to six
 * steps are compiled for that; the last is the run's own. On a processor the memory is what the machine has free now.
 *
 * @throws {ConfigError} When nobody can tell what a step takes or may take, nothing fits, or several nodes train together.
 */
export async function withBatchSize(
  config: RunConfig,
  { engine, source, progress = silent.line }: BatchSizeOptions,
): Promise<RunConfig> {
  if (config.batchSize > 0) return config;
  const refuse = (why: string) => new ConfigError(`--batch-size auto: ${why}; give a number instead`);
  if (config.nodes > 1) {
    throw refuse("it is found for one node, and times the number of nodes it is that of all of them");
  }
  if (!engine.compiles) throw refuse(`engine ${engine.name} does not tell what a step takes`);
  const all = dataLength(source) ?? config.epochPictures, { devices } = engine;
  const pictures = Math.floor(all / (processOf(config)?.count ?? 1)),
    most = all ? Math.min(MOST, pictures) : MOST;
  if (most < devices) {
    throw refuse(`${pictures} pictures are fewer than the ${devices} devices that share a batch`);
  }
  const say = (text: string) => progress(labelled("memory", text));
  const method = pretraining(engine, { ...config, batchSize: devices }, layoutOf(devices), 1);
  const state = initialState(config, config.seed, config.ema);
  try {
    const found = await fittingBatch({
      most,
      multiple: devices,
      need: async (batchSize) => {
        say(`a batch of ${batchSize} is compiled to see what it takes`);
        const report = await compiled(method, state, config, batchSize);
        if (!report) return undefined;
        const { memory } = report, limit = limitOf(engine, memory, config.memoryLimit);
        if (!memory || limit === undefined) {
          throw refuse(`the plugin does not tell what ${memory ? "memory there is" : "a step takes"}`);
        }
        return { bytes: needOf(memory), limit: FILL * limit };
      },
    });
    if (!found) throw refuse(`not even ${devices} pictures fit into the memory`);
    const { batchSize, bytes, limit } = found;
    say(
      `--batch-size ${batchSize} is taken: ${decimalBytes(bytes)} of ${decimalBytes(limit / FILL)}` +
        `${devices > 1 ? " on each device" : ""}, of which a tenth stays free`,
    );
    return { ...config, batchSize };
  } finally {
    method.dispose();
    disposeTree(state);
  }
}

/** Compiles the step for so many pictures; undefined when there is not enough memory for that. */
async function compiled(
  method: ReturnType<typeof pretraining>,
  state: ReturnType<typeof initialState>,
  { imageSize }: Pick<RunConfig, "imageSize">,
  batchSize: number,
): Promise<CompileReport | undefined> {
  const inputs = method.inputs(blankBatch(imageSize, batchSize), 0);
  try {
    return await method.compile({ state, ...inputs });
  } catch (error) {
    if (isExhausted(error)) return undefined;
    throw error;
  } finally {
    disposeTree(inputs);
  }
}
