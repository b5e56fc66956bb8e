/** Nearest neighbours, and a quick linear probe, while a run trains. */
import { collect } from "../data/open/collect.ts";
import { openData } from "../data/open/open_data.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import { redact } from "../files/redact.ts";
import type { Engine } from "../engine/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Evaluator, Moment } from "../train/evaluators.ts";
import type { RunConfig } from "../train/config/settings.ts";
import type { TrainState } from "../train/state.ts";
import { galleryNumbers, requireClasses } from "./classes.ts";
import { embedder } from "./embed.ts";
import { embedSource, type MatchedSets, matchSets } from "./feature_set.ts";
import { trainHeads } from "./heads.ts";
import { meanOf, type TopHits } from "./hits.ts";
import { findNeighbours, knnHits } from "./knn.ts";
import { REFERENCE_PROBE } from "./linear.ts";
import { probeRows } from "./protocols/features.ts";

/** Neighbours that vote: the number that DINO found best, or all where there are fewer pictures. */
const NEIGHBOURS = 20;

/** Class tokens that the linear probe takes, and its epochs: a fifth of the reference's. */
const LINEAR_BLOCKS = 4, LINEAR_EPOCHS = 20;

/** What {@linkcode trainingProbe} looks with, and at. */
export interface TrainingProbeOptions {
  engine: Engine;
  config: ModelConfig;
  /** Pictures whose class is asked for. */
  test: Source;
  /** The gallery. Left out: each picture of `test` asks all others. */
  train?: Source;
  /** Epochs between two looks; parts are allowed. There is one after the last step, too. */
  every: number;
  /** Train a quick linear probe as well; `train` must be there. Default false. */
  linear?: boolean;
  /** Look at the averaged parameters. Default false. */
  teacher?: boolean;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  /** Told of each picture that cannot be read, at the first look. */
  onBad?: (bad: BadRecordError) => void;
}

const shares = ({ top1, top5 }: TopHits) => ({ top1: meanOf(top1), top5: meanOf(top5) });

/**
 * Evaluators for a run: `knn`, weighted nearest neighbours of the class token with k = 20, and with `linear` a linear
 * probe of 20 epochs. Both give `top1` and `top5`. The state with the highest `knn top1` is kept as a checkpoint.
 *
 * @throws {Error} When the pictures have no classes, one class only, or classes that cannot be matched; before any work
 * as far as that is known.
 */
export async function trainingProbe(options: TrainingProbeOptions): Promise<Evaluator[]> {
  const { engine, config, test, train, every, linear = false, teacher = false, batchSize = 64 } = options;
  await requireClasses(train ?? test, 2);
  if (train) {
    await requireClasses(test, 1);
    if (train.labels.length > 0 && test.labels.length > 0) galleryNumbers(train, test);
  } else if (linear) {
    throw new Error("a linear probe needs training pictures apart from those that it is measured on");
  }
  const blocks = linear ? Math.min(LINEAR_BLOCKS, config.depth) : 0;
  const embed = embedder(engine, config, { batchSize, blocks });
  let last: { step: number; sets: Promise<MatchedSets> } | undefined, onBad = options.onBad;
  const features = async ({ params, ema, frozen, buffers }: TrainState) => {
    const state = { params: teacher ? ema : params, frozen, buffers };
    const how = { embed, state, imageSize: config.imageSize, batchSize, blocks, onBad: onBad ?? (() => {}) };
    const queries = await embedSource(test, how);
    const sets = train ? matchSets(await embedSource(train, how), queries) : matchSets(queries, null);
    onBad = undefined; // They are the same ones each time.
    return sets;
  };
  /** Embeds the pictures once for all evaluators of a step. */
  const setsAt = ({ state, step }: Moment<TrainState>) => {
    if (last?.step !== step) last = { step, sets: features(state) };
    return last.sets;
  };
  const cadence = { epochs: every, end: true }, named = teacher ? "teacher " : "";
  const evaluators: Evaluator[] = [{
    name: `${named}knn`,
    cadence,
    best: { value: "top1", on: [train?.uri ?? "", test.uri].join(" → ") },
    evaluate: async (moment) => {
      const { train: gallery, test: queries } = await setsAt(moment);
      if (!linear) last = undefined;
      const k = Math.min(NEIGHBOURS, gallery.labels.length - (queries ? 0 : 1));
      const found = await findNeighbours(engine, gallery.class!, queries?.class ?? null, k);
      const truth = (queries ?? gallery).labels;
      return shares(knnHits(found, gallery.labels, truth, gallery.names.length, [k]).get(k)!);
    },
  }];
  if (!linear) return evaluators;
  const training = { ...REFERENCE_PROBE, epochs: LINEAR_EPOCHS };
  return [...evaluators, {
    name: `${named}linear`,
    cadence,
    evaluate: async (moment) => {
      const { train: learned, test: asked } = await setsAt(moment);
      last = undefined; // Their memory is the training's.
      const rows = probeRows(learned, blocks, false), tests = probeRows(asked!, blocks, false);
      for await (const { epoch, measure } of trainHeads(engine, rows, learned.names.length, training)) {
        if (epoch === training.epochs) return shares((await measure(tests))[0]);
      }
      throw new Error("the linear probe was not trained");
    },
  }];
}

/** A run's evaluation while it trains, with its pictures open. */
export interface OpenedTrainingProbe {
  /** Evaluators on an engine, see {@linkcode trainingProbe}. */
  evaluators(engine: Engine): Promise<Evaluator[]>;
  close(): Promise<void>;
}

/** The settings of a run that its evaluation reads. */
export type TrainingProbeSettings =
  & ModelConfig
  & Pick<RunConfig, "evalData" | "evalTrain" | "evalEvery" | "evalLinear" | "evalTeacher" | "labels">;

/**
 * Opens the pictures that a run's settings name for its evaluation.
 *
 * @param say Takes lines for people.
 * @returns Null where none are named.
 * @throws {Error} When they cannot be opened.
 */
export async function openTrainingProbe(
  config: TrainingProbeSettings,
  say: (line: string) => void,
): Promise<OpenedTrainingProbe | null> {
  const { evalData, evalTrain, evalEvery, evalLinear, evalTeacher, labels } = config, sources: Source[] = [];
  if (evalData === "") return null;
  const onBad = (bad: BadRecordError) => say(`left out of the evaluation: ${bad.message}`);
  const open = async (uri: string, role: "train" | "test") => {
    const source = await collect(await openData(uri, { labels: labels || undefined, role, progress: say }), {
      onBad,
    });
    sources.push(source);
    return source;
  };
  const close = async () => {
    for (const source of sources.splice(0)) await source.close();
  };
  try {
    const test = await open(evalData, evalTrain ? "test" : "train");
    const train = evalTrain ? await open(evalTrain, "train") : undefined;
    const pictures = train
      ? `, a gallery of ${train.length} (${redact(train.uri)})`
      : ", each against all others";
    say(`evaluation: ${test.length} pictures (${redact(test.uri)})${pictures}`);
    const how = { config, test, train, every: evalEvery, linear: evalLinear, teacher: evalTeacher, onBad };
    return { evaluators: (engine) => trainingProbe({ engine, ...how }), close };
  } catch (error) {
    await close();
    throw error;
  }
}
