import type { CropKind } from "../augment.ts";
import { type FeatureSet, pickSet } from "../feature_set.ts";
import { type HeadsAfter, type HeadTraining, openHeads, probeOrder, trainHeads } from "../heads.ts";
import { bootstrap, meanOf, type TopHits } from "../hits.ts";
import { heldKinds, partValidation, possibleBlocks, probeRows } from "./features.ts";
import { RECIPE, type Recipe, type RecipeName } from "./recipes.ts";
import type { ProtocolOptions, ProtocolRow } from "./types.ts";

/**
 * A recipe with what the caller has changed of it.
 *
 * @throws {RangeError} When the set has no class tokens.
 */
function recipeOf(name: RecipeName, options: ProtocolOptions): Recipe {
  const { train, blocks, pool, lrs, epochs, batchSize } = options, recipe = RECIPE[name];
  const possible = possibleBlocks(train, blocks ?? recipe.blocks);
  if (possible.length === 0) {
    throw new RangeError(
      `${train.uri} holds ${
        heldKinds(train)
      }: a linear probe needs class or blocks; embed again with --tokens class,mean,blocks`,
    );
  }
  const warmup = recipe.warmupEpochs / recipe.epochs;
  return {
    ...recipe,
    blocks: possible,
    // A grid leaves out what an embedding file lacks; a single probe says that it is missing.
    pool: pool ?? (train.mean ? recipe.pool : recipe.pool.filter((one) => !one)),
    lrs: lrs ?? recipe.lrs,
    epochs: epochs ?? recipe.epochs,
    warmupEpochs: epochs ? warmup * epochs : recipe.warmupEpochs,
    batchSize: Math.min(batchSize ?? recipe.batchSize, train.labels.length),
  };
}

/** What a row says of a head. */
const described = (name: RecipeName, training: HeadTraining, n: number, pool: boolean, head: number) => ({
  protocol: `linear ${name}`,
  tokens: "class token",
  n,
  pool,
  settings: {
    lr: training.lrs[head],
    batch: training.batchSize,
    epochs: training.epochs,
    norm: training.norm,
    optimizer: training.optimizer,
  },
});

const shares = ({ top1, top5 }: TopHits, seed: number) => ({
  top1: bootstrap(top1, seed),
  top5: bootstrap(top5, seed),
});

/** One kind of heads of a recipe. */
interface Variant {
  n: number;
  pool: boolean;
  training: HeadTraining;
}

/** All kinds of heads of a recipe. */
function variantsOf({ blocks, pool, norm, ...training }: Recipe): Variant[] {
  return blocks.flatMap((n) =>
    pool.flatMap((pool) => norm.map((norm) => ({ n, pool, training: { ...training, norm } })))
  );
}

/** The heads of a variant after an epoch. */
interface Trained extends HeadsAfter {
  variant: Variant;
}

/** Trains variants on frozen features, one after the other. */
async function* frozen(
  variants: readonly Variant[],
  train: FeatureSet,
  { engine, seed }: ProtocolOptions,
): AsyncGenerator<Trained, void, void> {
  for (const variant of variants) {
    const { n, pool, training } = variant, rows = probeRows(train, n, pool);
    for await (const after of trainHeads(engine, rows, train.names.length, training, seed)) {
      yield { ...after, variant };
    }
  }
}

/** Trains variants side by side on random crops, which are embedded once for all of them. */
async function* augmented(
  variants: readonly Variant[],
  train: FeatureSet,
  kind: CropKind,
  { engine, augment, seed = 0, progress }: ProtocolOptions,
): AsyncGenerator<Trained, void, void> {
  const classes = train.names.length, { epochs, batchSize: batch } = variants[0].training;
  const steps = Math.floor(train.labels.length / batch);
  const all = variants.map(({ n, pool, training }) => {
    const { width } = probeRows(pickSet(train, [0]), n, pool);
    return openHeads(engine, { width, classes, batch }, training, seed);
  });
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = probeOrder(seed, epoch, train.labels.length);
      let at = 0;
      for await (const part of augment!.batches(train, order, { batch, epoch, kind, seed })) {
        variants.forEach(({ n, pool }, i) => all[i].step(probeRows(part, n, pool), epoch + at / steps));
        progress?.(`random crops, epoch ${epoch + 1} of ${epochs}: step ${++at} of ${steps}`);
      }
      for (const [i, variant] of variants.entries()) {
        yield { variant, epoch: epoch + 1, measure: all[i].measure };
      }
    }
  } finally {
    for (const { close } of all) close();
  }
}

/** Trains all variants of a recipe. */
function trained(recipe: Recipe, variants: readonly Variant[], train: FeatureSet, options: ProtocolOptions) {
  return options.augment
    ? augmented(variants, train, recipe.crop, options)
    : frozen(variants, train, options);
}

/** What is known of a variant's heads, by head. */
interface Seen {
  last: TopHits[];
  best: { hits: TopHits; share: number; epoch: number }[];
}

/** One head: after the last epoch, and after the one that did best on the test pictures, which is told. */
async function single(name: RecipeName, options: ProtocolOptions, test: FeatureSet): Promise<ProtocolRow[]> {
  const { train, progress, seed = 0 } = options,
    recipe = recipeOf(name, options),
    variants = variantsOf(recipe);
  const seen = new Map<Variant, Seen>(variants.map((variant) => [variant, { last: [], best: [] }]));
  for await (const { variant, epoch, measure } of trained(recipe, variants, train, options)) {
    const { n, pool, training } = variant, { last, best } = seen.get(variant)!;
    (await measure(probeRows(test, n, pool))).forEach((hits, head) => {
      last[head] = hits;
      const share = meanOf(hits.top1);
      if (!(best[head]?.share >= share)) best[head] = { hits, share, epoch };
    });
    progress?.(`linear ${name}, n ${n}${pool ? " + pool" : ""}: epoch ${epoch} of ${training.epochs}`);
  }
  return [...seen].flatMap(([{ n, pool, training }, { last, best }]) =>
    training.lrs.flatMap((_, head): ProtocolRow[] => {
      const { hits, epoch } = best[head];
      const common = {
        ...described(name, training, n, pool, head),
        augmented: options.augment !== undefined,
      };
      return [
        { ...common, which: "last", chosenOn: "nothing", ...shares(last[head], seed) },
        { ...common, which: "best", epoch, chosenOn: "the test pictures", ...shares(hits, seed) },
      ];
    })
  );
}

/** Many heads on the same features; the best on validation pictures is measured on the test pictures. */
async function grid(name: RecipeName, options: ProtocolOptions, test: FeatureSet): Promise<ProtocolRow> {
  const { progress, seed = 0 } = options;
  const { train, validation } = options.validation
    ? { train: options.train, validation: options.validation }
    : partValidation(options.train, seed);
  let chosen: { row: ProtocolRow; share: number } | undefined;
  const recipe = recipeOf(name, { ...options, train }), variants = variantsOf(recipe);
  for await (const { variant, epoch, measure } of trained(recipe, variants, train, options)) {
    const { n, pool, training } = variant, { epochs, lrs } = training;
    progress?.(
      `linear ${name}, heads ${
        variants.indexOf(variant) + 1
      } of ${variants.length}: epoch ${epoch} of ${epochs}`,
    );
    if (epoch < epochs) continue;
    const scores = (await measure(probeRows(validation, n, pool))).map(({ top1 }) => meanOf(top1));
    const best = Math.max(...scores), head = scores.indexOf(best);
    if (chosen && chosen.share >= best) continue;
    const [hits] = await measure(probeRows(test, n, pool), head);
    const common = { ...described(name, training, n, pool, head), augmented: options.augment !== undefined };
    const settings = { ...common.settings, heads: variants.length * lrs.length, validation: best };
    chosen = {
      share: best,
      row: { ...common, settings, which: "last", chosenOn: "validation pictures", ...shares(hits, seed) },
    };
  }
  return chosen!.row;
}

/**
 * Linear probes on a frozen encoder: on features that were computed once, or with `augment` on those of random crops.
 *
 * @throws {Error} When features that a recipe needs are not there, or there are no test pictures.
 * @throws {RangeError} When there are no class tokens.
 */
export async function linearProtocol(options: ProtocolOptions): Promise<ProtocolRow[]> {
  const { test, recipes = ["saae"] } = options, rows: ProtocolRow[] = [];
  if (!test) throw new Error("a linear probe needs test pictures apart from those that it is trained on");
  for (const name of recipes) {
    if (name === "grid") rows.push(await grid(name, options, test));
    else rows.push(...await single(name, options, test));
  }
  return rows;
}
