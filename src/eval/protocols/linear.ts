import { type HeadTraining, trainHeads } from "../heads.ts";
import { bootstrap, meanOf, type TopHits } from "../hits.ts";
import type { FeatureSet } from "../feature_set.ts";
import { partValidation, possibleBlocks, probeRows } from "./features.ts";
import { RECIPE, type Recipe, type RecipeName } from "./recipes.ts";
import type { ProtocolOptions, ProtocolRow } from "./types.ts";

/** A recipe with what the caller has changed of it. */
function recipeOf(name: RecipeName, options: ProtocolOptions): Recipe {
  const { train, blocks, pool, lrs, epochs, batchSize } = options, recipe = RECIPE[name];
  const warmup = recipe.warmupEpochs / recipe.epochs;
  return {
    ...recipe,
    blocks: possibleBlocks(train, blocks ?? recipe.blocks),
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

/** All kinds of heads of a recipe. */
function variants({ blocks, pool, norm, ...training }: Recipe) {
  return blocks.flatMap((n) =>
    pool.flatMap((pool) => norm.map((norm) => ({ n, pool, training: { ...training, norm } })))
  );
}

/** One head: after the last epoch, and after the one that did best on the test pictures, which is told. */
async function single(name: RecipeName, options: ProtocolOptions, test: FeatureSet): Promise<ProtocolRow[]> {
  const { engine, train, progress, seed = 0 } = options, rows: ProtocolRow[] = [];
  for (const { n, pool, training } of variants(recipeOf(name, options))) {
    const tests = probeRows(test, n, pool), { lrs, epochs } = training;
    const last: TopHits[] = [], best: { hits: TopHits; share: number; epoch: number }[] = [];
    for await (
      const { epoch, measure } of trainHeads(
        engine,
        probeRows(train, n, pool),
        train.names.length,
        training,
        seed,
      )
    ) {
      (await measure(tests)).forEach((hits, head) => {
        last[head] = hits;
        const share = meanOf(hits.top1);
        if (!(best[head]?.share >= share)) best[head] = { hits, share, epoch };
      });
      progress?.(`linear ${name}, n ${n}${pool ? " + pool" : ""}: epoch ${epoch} of ${epochs}`);
    }
    lrs.forEach((_, head) => {
      const common = described(name, training, n, pool, head), { hits, epoch } = best[head];
      rows.push({ ...common, which: "last", chosenOn: "nothing", ...shares(last[head], seed) });
      rows.push({ ...common, which: "best", epoch, chosenOn: "the test pictures", ...shares(hits, seed) });
    });
  }
  return rows;
}

/** Many heads on the same features; the best on validation pictures is measured on the test pictures. */
async function grid(name: RecipeName, options: ProtocolOptions, test: FeatureSet): Promise<ProtocolRow> {
  const { engine, progress, seed = 0 } = options;
  const { train, validation } = options.validation
    ? { train: options.train, validation: options.validation }
    : partValidation(options.train, seed);
  let chosen: { row: ProtocolRow; share: number } | undefined;
  const all = variants(recipeOf(name, { ...options, train }));
  for (const [i, { n, pool, training }] of all.entries()) {
    const rows = probeRows(train, n, pool), { epochs, lrs } = training;
    for await (const { epoch, measure } of trainHeads(engine, rows, train.names.length, training, seed)) {
      progress?.(`linear ${name}, features ${i + 1} of ${all.length}: epoch ${epoch} of ${epochs}`);
      if (epoch < epochs) continue;
      const scores = (await measure(probeRows(validation, n, pool))).map(({ top1 }) => meanOf(top1));
      const best = Math.max(...scores), head = scores.indexOf(best);
      if (chosen && chosen.share >= best) continue;
      const [hits] = await measure(probeRows(test, n, pool), head);
      const common = described(name, training, n, pool, head);
      const settings = { ...common.settings, heads: all.length * lrs.length, validation: best };
      chosen = {
        share: best,
        row: { ...common, settings, which: "last", chosenOn: "validation pictures", ...shares(hits, seed) },
      };
    }
  }
  return chosen!.row;
}

/**
 * Linear probes on frozen features.
 *
 * @throws {Error} When features that a recipe needs are not there, or there are no test pictures.
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
