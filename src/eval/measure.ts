import type { BadRecordError, Source } from "../data/types.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/types.ts";
import { augmenter } from "./augment.ts";
import { requireClasses } from "./classes.ts";
import { embedder } from "./embed.ts";
import { type Preprocessing, preprocessingOf } from "./embedding/info.ts";
import { agreedMaker, type Maker } from "./embedding/maker.ts";
import { embedSource, type FeatureSet, matchSets, pickSet, readFeatures } from "./feature_set.ts";
import { RECIPE } from "./protocols/recipes.ts";
import { runProtocols } from "./protocols/run.ts";
import type { ProtocolName, ProtocolOptions, ProtocolRow } from "./protocols/types.ts";
import { holdoutOrder } from "./split.ts";
import { pickSubset } from "./subset.ts";
import { weightsDigest } from "./weights_digest.ts";

/** Labelled pictures: a source, which the model embeds, or the path of an embedding file. */
export type Measured = Source | string;

/** The model that embeds sources. */
export interface MeasuringModel {
  /** For people. */
  name: string;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
}

/** What {@linkcode measure} measures, and how. */
export interface MeasureOptions extends Omit<ProtocolOptions, "train" | "test" | "validation" | "augment"> {
  protocols: readonly ProtocolName[];
  /** Needed for sources. Embedding files must be of this model. */
  model?: MeasuringModel;
  /** Pictures that are learned from: the gallery. */
  train: Measured;
  /** Pictures whose class is predicted. */
  test?: Measured;
  /** Pictures that choose among probes; else a random tenth of `train` does. */
  validation?: Measured;
  /** Without `test`: the share of `train` that is drawn at random as test pictures. Left out: `knn` leaves one out. */
  holdout?: number;
  /** Names of the pictures of `train` that are learned from, and where they are from. */
  subset?: { names: readonly string[]; path: string };
  /** Linear probes learn from random crops of `train`, which must be a source. Default false. */
  augment?: boolean;
  /** Pictures embedded at once. Default 64. */
  embedBatch?: number;
  /** Called for pictures that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
  /** Called with how many pictures are embedded, and of how many. */
  embedded?: (done: number, total: number) => void;
}

/** What was measured, on what, and the figures. */
export interface MeasureReport {
  /** The model for people, and the digest of its encoder's weights. */
  model: string;
  digest: string;
  /** Its attention heads, where they are known. */
  heads?: number;
  /** The encoder is not trained, and the features of test pictures are of pictures that are not augmented. */
  features: "frozen";
  preprocessing: Preprocessing;
  /** Pictures that are learned from, that are tested, and that choose; the last is 0 where a part of the first does. */
  train: { uri: string; pictures: number };
  test: { uri: string; pictures: number } | "leave one out";
  validation?: { uri: string; pictures: number };
  classes: number;
  /** Which pictures were left out, or can never be right; a sentence for each reason. */
  notes: string[];
  rows: ProtocolRow[];
}

/** Reads or makes the features of each set, and refuses those of different encoders. */
async function openSets(options: MeasureOptions, wanted: readonly Measured[], closers: (() => void)[]) {
  const { engine, model, embedBatch: batchSize = 64, onBad, embedded } = options;
  const sources = wanted.filter((one) => typeof one !== "string");
  if (sources.length > 0 && !model) {
    throw new Error(`${sources[0].uri}: pictures need a model that embeds them`);
  }
  let maker: Maker | undefined = model && {
    model: model.name,
    digest: await weightsDigest(model.state),
    heads: model.config.heads,
    preprocessing: preprocessingOf(model.config),
  };
  const blocks = model ? Math.min(blocksNeeded(options), model.config.depth) : 0;
  const embed = model && embedder(engine, model.config, { batchSize, blocks });
  if (embed) closers.push(embed.close);
  const total = sources.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  const sets = new Map<Measured, FeatureSet>(), streamed = streamedSet(options);
  for (const one of wanted) {
    if (sets.has(one)) continue;
    if (typeof one === "string") {
      const { set, info, close } = await readFeatures(one, { stored: one === streamed });
      closers.push(close);
      maker = agreedMaker(maker, info, one);
      sets.set(one, set);
    } else {
      const { state, config: { imageSize } } = model!;
      const step = (pictures: number) => embedded?.(done += pictures, total);
      sets.set(
        one,
        await embedSource(one, { embed: embed!, state, imageSize, batchSize, blocks, onBad, step }),
      );
    }
  }
  const crops = options.augment && model && typeof options.train !== "string"
    ? augmenter(options.train, {
      embed: embed!,
      state: model.state,
      imageSize: model.config.imageSize,
      blocks,
    })
    : undefined;
  return { maker: maker!, sets, crops };
}

/** The file whose features need not be in memory: a gallery of which only neighbours are asked. */
function streamedSet({ protocols, train, test, validation, holdout }: MeasureOptions): string | undefined {
  const alone = train !== test && train !== validation && holdout === undefined;
  const only = protocols.every((name) => name === "knn");
  return typeof train === "string" && alone && only ? train : undefined;
}

/** How many last blocks the protocols look at; 0 for the last one alone. */
function blocksNeeded({ protocols, recipes = ["saae"], blocks }: MeasureOptions): number {
  if (!protocols.includes("linear")) return 0;
  const most = Math.max(...blocks ?? recipes.flatMap((name) => RECIPE[name].blocks));
  return most > 1 ? most : 0;
}

/** Takes part of the training pictures as test pictures. */
function heldOut(set: FeatureSet, share: number, seed: number) {
  const { train, test } = holdoutOrder(set.labels.length, share, seed, set.uri);
  return { train: pickSet(set, train), test: pickSet(set, test) };
}

/**
 * Measures features by named protocols, see `runProtocols`: those of sources, which the model embeds, or of embedding
 * files. Classes are matched as in `matchSets`.
 *
 * @throws {RangeError} When there are fewer pictures than a protocol's settings ask for.
 * @throws {Error} When classes are missing or cannot be matched, features are of another encoder or no numbers, or a
 * protocol lacks test pictures.
 */
export async function measure(options: MeasureOptions): Promise<MeasureReport> {
  const closers: (() => void)[] = [];
  try {
    return await measureOpen(options, closers);
  } finally {
    for (const close of closers) close();
  }
}

/** As {@linkcode measure}; what is to be closed at the end is added to `closers`. */
async function measureOpen(options: MeasureOptions, closers: (() => void)[]): Promise<MeasureReport> {
  const { train, test, validation, holdout, subset, protocols, seed = 0 } = options;
  if (!test && holdout === undefined && protocols.some((name) => name !== "knn")) {
    const others = protocols.filter((name) => name !== "knn").join(", ");
    throw new Error(`${others}: test pictures are needed apart from those that are learned from`);
  }
  const wanted = [train, test, validation].filter((one) => one !== undefined);
  for (const one of wanted) if (typeof one !== "string") await requireClasses(one, one === train ? 2 : 1);
  if (options.augment && typeof train === "string") {
    throw new Error(`${train}: random crops need the pictures themselves, and a model that embeds them`);
  }
  const { maker, sets, crops } = await openSets(options, wanted, closers);
  let own = sets.get(train)!, tests = test === undefined ? null : sets.get(test)!;
  if (!tests && holdout !== undefined) ({ train: own, test: tests } = heldOut(own, holdout, seed));
  const picked = subset ? pickSubset(own, subset.names, subset.path) : { set: own, note: undefined };
  const matched = matchSets(picked.set, tests);
  const chooses = validation === undefined
    ? undefined
    : matchSets(picked.set, sets.get(validation)!, "validation");
  const rows = await runProtocols(protocols, {
    ...options,
    train: matched.train,
    test: matched.test,
    validation: chooses?.test ?? undefined,
    augment: crops,
  });
  const size = (set: FeatureSet) => ({ uri: set.uri, pictures: set.labels.length });
  return {
    ...maker,
    features: "frozen",
    train: size(matched.train),
    test: matched.test ? size(matched.test) : "leave one out",
    ...chooses && { validation: size(chooses.test!) },
    classes: new Set(matched.train.labels).size,
    // What is said of the gallery is said once.
    notes: [...new Set([...matched.notes, ...chooses?.notes ?? [], ...picked.note ? [picked.note] : []])],
    rows,
  };
}
