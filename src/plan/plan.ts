/** What a training will take on cards that nobody has rented yet. */
import { countNumbers } from "../model/inventory.ts";
import { FILL } from "../train/auto_batch.ts";
import { ConfigError, resolveConfig } from "../train/config/config.ts";
import { plural } from "../text/amounts.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { processOf } from "../train/run/plan.ts";
import { guessPerPicture, searchBatch } from "./batch.ts";
import type { Card } from "./cards.ts";
import { compileStep } from "./compiled_step.ts";
import { PlanError, TooLargeError } from "./compiler.ts";
import { type Exchange, exchangeOf, type Network, NETWORKS } from "./exchange.ts";
import { lowerStep } from "./lower_step.ts";
import { checkPlanOptions, type PlanOptions } from "./options.ts";
import type { Roofline, TimedKernel } from "./roofline.ts";
import { type StreamNeed, streamNeed } from "./stream.ts";

/** The share of a card's memory that XLA's plugin takes unless `--memory-fraction` says otherwise. */
export const DEFAULT_FRACTION = 0.75;

/** A step on a card: what it needs, and the least time that it takes. */
export interface StepPlan extends Roofline {
  /** Pictures in a step, of all cards. */
  batch: number;
  rematerialise: boolean;
  /** Bytes on each card: of arguments, of intermediates, the most at a time. */
  argumentBytes: number;
  temporaryBytes: number;
  peakBytes: number;
  /** Whether the card holds it. */
  fits: boolean;
  /** What devices exchange; undefined for one card. */
  exchange?: Exchange;
  /** Milliseconds of a step at least: all exchanges hidden behind computing, and none. */
  stepMs: number;
  stepMsNotHidden: number;
  /** Pictures a second at most, on all cards. */
  imagesPerSecond: number;
  /** Share of the cards' rate of products that the step then uses. */
  utilisation: number;
  /** The compiled kernels, exchanges left out. */
  timedKernels: TimedKernel[];
  /** The optimised program. */
  hlo: string;
}

/** What a training takes. */
export interface Plan {
  card: Card;
  config: RunConfig;
  /** The network between nodes. */
  network: Network;
  /** Bytes of a card that a step may take. */
  limitBytes: number;
  /** The step, the fastest of those that were asked for. */
  step: StepPlan;
  /** All that were compiled: without and with rematerialisation. */
  steps: StepPlan[];
  /** What does not fit with any batch, in words. */
  refused: string[];
  /** Pictures in an epoch. */
  pictures: number;
  /** Steps of the run, and hours that they take at least. */
  totalSteps: number;
  hours: number;
  stream: StreamNeed;
}

/** The step of a run's configuration on a card. */
async function planStep(config: RunConfig, options: PlanOptions, limit: number): Promise<StepPlan> {
  const { card, compiler, network = NETWORKS["infiniband-400"], progress } = options;
  const { devices, nodes, batchSize: batch, rematerialise } = config, spread = { devices, nodes };
  const lowered = await lowerStep(config, card.kind);
  progress?.(
    `compiling a step of ${batch} pictures${rematerialise ? ", rematerialised," : ""} for ${
      devices * nodes > 1 ? `${devices * nodes} × ` : ""
    }${card.kind}: a minute or more of one core`,
  );
  const compiled = await compileStep(compiler, card, lowered.text, spread, options.cache);
  const { bounds, kernels: all, ...needed } = compiled, exchange = exchangeOf(all, card, network, spread);
  const stepMs = Math.max(bounds.boundMs, exchange?.ms ?? 0);
  const peak = 1e12 * card.teraflops[config.precision];
  return {
    ...bounds,
    ...needed,
    batch,
    rematerialise,
    fits: needed.peakBytes <= limit,
    exchange,
    stepMs,
    stepMsNotHidden: bounds.boundMs + (exchange?.ms ?? 0),
    imagesPerSecond: 1000 * batch / stepMs,
    utilisation: lowered.flops / (peak * devices * nodes * stepMs / 1000),
  };
}

/** The step with the largest batch that fits, as full as `train` fills a card by itself; undefined where none does. */
async function largestStep(
  config: RunConfig,
  options: PlanOptions,
  limit: number,
): Promise<StepPlan | undefined> {
  const sharers = config.devices * config.nodes, steps = new Map<number, StepPlan>();
  // Parameters, two moments, and gradients; an average, if one is kept.
  const fixed = 4 * countNumbers(config) * (config.ema ? 5 : 4);
  const room = FILL * limit;
  const largest = await searchBatch({
    limit: room,
    fixed,
    perPicture: guessPerPicture(config) / sharers,
    // Rows in multiples of eight suit the cards' products.
    multiple: 8 * sharers,
    most: options.pictures,
    need: async (batchSize) => {
      try {
        const step = await planStep({ ...config, batchSize }, options, limit);
        options.progress?.(
          `it needs ${(step.peakBytes / 1e9).toFixed(1)} of ${(room / 1e9).toFixed(1)} GB` +
            (step.peakBytes <= room ? "" : ": too much"),
        );
        steps.set(batchSize, step);
        return step.peakBytes;
      } catch (error) {
        if (!(error instanceof TooLargeError)) throw error;
        return undefined;
      }
    },
  });
  return largest === undefined ? undefined : steps.get(largest);
}

/** The whole configuration of a run that is only planned; its nodes have no addresses yet. */
function planned(settings: Partial<RunConfig>, batchSize: number | undefined): RunConfig {
  const { devices = 1, nodes = 1 } = settings;
  return resolveConfig({
    ...settings,
    batchSize: batchSize ?? 8 * devices * nodes,
    ...nodes > 1 ? { coordinator: "planned:1", nodeId: 0 } : {},
  });
}

/** The steps that are asked for: as set, or both without and with rematerialisation where the batch is open. */
async function stepsOf(
  options: PlanOptions,
  limit: number,
): Promise<{ steps: StepPlan[]; refused: string[] }> {
  const { settings, card } = options, { batchSize } = settings;
  const config = planned(settings, batchSize);
  if (batchSize !== undefined) return { steps: [await planStep(config, options, limit)], refused: [] };
  const least = 8 * config.devices * config.nodes;
  if (options.pictures < least) {
    throw new ConfigError(
      `there are only ${options.pictures} pictures, fewer than the ${least} (eight for each card) that are tried at ` +
        "least; give --batch-size N",
    );
  }
  const steps: StepPlan[] = [], refused: string[] = [];
  for (const rematerialise of settings.rematerialise === undefined ? [false, true] : [config.rematerialise]) {
    const step = await largestStep({ ...config, rematerialise }, options, limit);
    if (step) steps.push(step);
    else {
      refused.push(
        `${rematerialise ? "rematerialised, " : ""}not even ${
          8 * config.devices * config.nodes
        } pictures fit into ` +
          `${(limit / 1e9).toFixed(1)} GB of ${card.kind}`,
      );
    }
  }
  return { steps, refused };
}

/**
 * Compiles a run's training step for a card that is not here and says what it will take: memory, the least time of a step
 * and what follows from that. All times are lower bounds and all rates upper ones: no step runs faster with these kernels.
 *
 * @param options The card, the compiler, and the settings as `deno task train` takes them.
 * @returns The plan. Without `settings.batchSize` it is that of the largest batch which fits.
 * @throws {TypeError} When the card, the compiler or the settings are none.
 * @throws {RangeError} When the pictures are no whole number from 1.
 * @throws {ConfigError} When settings do not go together.
 * @throws {PlanError} When no batch fits, or the compiler cannot compile the step.
 * @example How long an epoch takes on an H100 at least. Needs the compiler, so it is not run here.
 * ```ts ignore
 * import { CARDS, findCompiler, plan } from "../../mod.ts";
 *
 * const { step, hours } = await plan({
 *   card: CARDS.h100,
 *   compiler: await findCompiler(),
 *   settings: { preset: "base", precision: "bfloat16", batchSize: 256, epochs: 1 },
 *   pictures: 1_281_167,
 * });
 * console.log(step.boundMs, hours);
 * ```
 */
export async function plan(options: PlanOptions): Promise<Plan> {
  checkPlanOptions(options);
  const { card, settings, network = NETWORKS["infiniband-400"] } = options,
    run = planned(settings, settings.batchSize);
  const { memoryLimit, memoryFraction } = run;
  // With --process a run has its part of the pictures alone.
  const pictures = Math.floor(options.pictures / (run.nodes === 1 ? processOf(run)?.count ?? 1 : 1));
  const limitBytes = memoryLimit > 0 ? memoryLimit * 1e9 : card.memory * (memoryFraction || DEFAULT_FRACTION);
  const { steps, refused } = await stepsOf({ ...options, pictures }, limitBytes);
  if (steps.length === 0) {
    throw new PlanError(`${refused.join("; ")}: take a smaller model, or a card with more memory`);
  }
  const step = steps.reduce((best, other) => other.imagesPerSecond > best.imagesPerSecond ? other : best);
  const config = { ...planned(settings, step.batch), rematerialise: step.rematerialise };
  const perEpoch = Math.floor(pictures / step.batch);
  if (perEpoch === 0) {
    throw new ConfigError(`batchSize is ${step.batch}, but the data has only ${plural(pictures, "picture")}`);
  }
  const all = Math.round(config.epochs * perEpoch);
  const totalSteps = config.steps > 0 ? Math.min(config.steps, all) : all;
  return {
    card,
    config,
    network,
    limitBytes,
    step,
    steps,
    refused,
    pictures,
    totalSteps,
    hours: totalSteps * step.stepMs / 3.6e6,
    stream: streamNeed(step.imagesPerSecond, config.imageSize),
  };
}
