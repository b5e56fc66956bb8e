/**
 * What pre-training brings where labels are few: an encoder that is fine-tuned, beside the same model from scratch, beside
 * logistic regression on its frozen features, for several budgets of labels and seeds. Stopped, it goes on where it was.
 */
import { join } from "node:path";
import { task } from "../src/cli/command.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { list, number, onOff, share, text, whole } from "../src/cli/kinds.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import { embedder } from "../src/eval/embed.ts";
import { embedSource, type FeatureSet, matchSets, pickSet } from "../src/eval/feature_set.ts";
import { runProtocols } from "../src/eval/protocols/run.ts";
import { readModel, type StoredModel } from "../src/eval/stored_model.ts";
import { alignCells } from "../src/text/table.ts";
import { type Budgeted, withinBudget } from "../src/finetune/budget.ts";
import { resolveFinetuneConfig } from "../src/finetune/config.ts";
import { type TestPictures, testPictures } from "../src/finetune/evaluate.ts";
import { finetune } from "../src/finetune/finetune.ts";
import type { LabelledPictures } from "../src/finetune/labelled.ts";
import { openLabelled } from "../src/finetune/open_labelled.ts";
import { LARGEST_SEED } from "../src/random.ts";
import { runProgress } from "../src/train/show/progress.ts";
import { disposeTree } from "../src/train/state.ts";
import { encoderSizes } from "../src/model/config.ts";

/** What is compared. */
const STARTS = ["fine-tuned", "scratch"] as const;

/** What all trainings share. */
interface Common {
  engine: Engine;
  model: StoredModel;
  path: string;
  out: string;
  whole: LabelledPictures;
  test: TestPictures;
  batchSize: number;
  signal: AbortSignal;
  shell: Shell;
}

/** A figure that an earlier start has found; undefined where there is none. */
async function known(file: string): Promise<number | undefined> {
  return await Deno.readTextFile(file).then((text) => JSON.parse(text).top1 as number, () => undefined);
}

/** The pictures of a budget. */
const budgeted = (whole: LabelledPictures, share: number, seed: number): Promise<Budgeted> =>
  withinBudget(whole, { subset: "", perClass: 0, share }, seed);

/** Trains once, or goes on; gives the accuracy after the last epoch, or undefined where it was stopped. */
async function trained(
  common: Common,
  start: typeof STARTS[number],
  how: { share: number; seed: number; epochs: number; lr: number },
): Promise<number | undefined> {
  const { engine, model, path, whole, test, signal, shell } = common, { share, seed, epochs } = how;
  const out = join(common.out, `${start}-${share}-${seed}`), file = join(out, "figure.json");
  const before = await known(file);
  if (before !== undefined) return before;
  const { pictures } = await budgeted(whole, share, seed), progress = runProgress(shell.progress);
  const scratch = start === "scratch";
  const config = resolveFinetuneConfig(encoderSizes(model.config), {
    ...{ ...how, out, evalEvery: epochs, preset: "demo", model: path, fromScratch: scratch },
    // Layers of random weights have nothing to keep.
    ...scratch && { layerDecay: 1 },
    batchSize: Math.min(common.batchSize, pictures.labels.length - pictures.labels.length % 2),
    resume: await Deno.stat(join(out, "config.json")).then(() => true, () => false),
  });
  progress.line(`${start}, ${100 * share} % of the labels, seed ${seed}`);
  const from = scratch ? undefined : model.tensors;
  const { state, stopped, found } = await finetune(config, {
    engine,
    pictures,
    test,
    from,
    progress,
    signal,
  });
  disposeTree(state);
  if (stopped || signal.aborted) return undefined;
  await Deno.writeTextFile(file, JSON.stringify({ top1: found["test top1"] }));
  return found["test top1"];
}

/** Logistic regression on frozen class tokens. */
async function probed(
  { engine, out, whole }: Common,
  features: () => Promise<{ train: FeatureSet; test: FeatureSet }>,
  { share, seed }: { share: number; seed: number },
): Promise<number> {
  const file = join(out, `probe-${share}-${seed}.json`), before = await known(file);
  if (before !== undefined) return before;
  const { train, test } = await features(), { places } = await budgeted(whole, share, seed);
  const wanted = new Set(places),
    rows = train.places!.flatMap((place, row) => wanted.has(place) ? [row] : []);
  const matched = matchSets(pickSet(train, rows), test);
  const [{ top1: { value } }] = await runProtocols(["logreg"], {
    ...{ engine, seed, train: matched.train, test: matched.test },
  });
  await Deno.writeTextFile(file, JSON.stringify({ top1: value }));
  return value;
}

/** Embeds all pictures when they are first asked for. */
function featuresOf({ engine, model, whole, test, shell }: Common) {
  const { config } = model, { imageSize } = config, batchSize = 64;
  let made: Promise<{ train: FeatureSet; test: FeatureSet }> | undefined;
  const make = async () => {
    const state = await model.load(), embed = embedder(engine, config, { batchSize });
    const how = { embed, state, imageSize, batchSize, blocks: 0, onBad: () => {} };
    shell.progress.line("embedding all pictures for the probe");
    const sets = { train: await embedSource(whole.source, how), test: await embedSource(test.source, how) };
    disposeTree({ ...state });
    return sets;
  };
  return () => made ??= make();
}

/** Mean and range of a few figures, in per cent. */
function cell(values: readonly number[]): string {
  if (values.length === 0) return "";
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return `${(100 * mean).toFixed(1)}${values.length > 1 ? ` ± ${(100 * half).toFixed(1)}` : ""}`;
}

export const benchTask = task({
  name: "bench finetune",
  summary: "Fine-tuning beside training from scratch and a linear probe, for several budgets of labels.",
  operands: { model: { value: "MODEL", help: "the pre-trained encoder" } },
  options: {
    train: { kind: text, help: "labelled pictures to learn from", value: "URI" },
    test: { kind: text, help: "labelled pictures to be measured on", value: "URI" },
    out: { kind: text, help: "folder of the runs", value: "FOLDER", default: "runs/finetune-table" },
    shares: { kind: list({ ...share }), help: "budgets of labels", default: [0.01, 0.1, 1] },
    epochs: { kind: list(number()), help: "epochs for each budget", default: [150, 50, 12] },
    seeds: { kind: list(whole(0, LARGEST_SEED)), help: "seeds", default: [0, 1] },
    lr: { kind: number(), help: "learning rate for 256 pictures a step", default: 4e-3 },
    batchSize: { kind: whole(2), help: "pictures in a step, where there are so many", default: 64 },
    ...ENGINE_AND_MEMORY,
    json: { kind: onOff, help: "print the figures as JSON" },
  },
  notes: [
    "Figures are top-1 after the last epoch: nothing is chosen on the test pictures. ±: half the range over seeds.",
  ],
  examples: [["bench finetune runs/cifar --train train.parquet --test test.parquet", "twelve trainings"]],
}, async (given, shell) => {
  const { model: path, train, test: tested, out, shares, epochs, seeds, lr, batchSize } = given;
  const { print, progress } = shell;
  if (!train || !tested) throw new UsageError("name the pictures: --train URI --test URI");
  if (shares.length !== epochs.length) throw new UsageError("--epochs needs as many numbers as --shares");
  const model = await readModel(path);
  model.notes.forEach(progress.line);
  await Deno.mkdir(out, { recursive: true });
  const whole = await openLabelled(train, { labels: "", role: "train", progress });
  const asked = await openLabelled(tested, { labels: "", role: "test", progress });
  const test = testPictures(asked, whole.names, whole.source.uri),
    stop = shell.interruptible("finishing the step");
  const engine = await openEngine(...engineArguments(given, progress));
  try {
    const common = { engine, model, path, out, whole, test, batchSize, signal: stop.signal, shell };
    const features = featuresOf(common), figures: Record<string, number[]>[] = [];
    for (const [i, share] of shares.entries()) {
      const found: Record<string, number[]> = { probe: [], "fine-tuned": [], scratch: [] };
      figures.push(found);
      for (const seed of seeds) {
        if (stop.signal.aborted) break;
        found.probe.push(await probed(common, features, { share, seed }));
        for (const start of STARTS) {
          const top1 = await trained(common, start, { share, seed, epochs: epochs[i], lr });
          if (top1 === undefined) break;
          found[start].push(top1);
        }
      }
    }
    const table = figures.map((found, i) => ({ share: shares[i], epochs: epochs[i], ...found }));
    await Deno.writeTextFile(join(out, "table.json"), JSON.stringify(table, null, 1) + "\n");
    const rows = figures.map((found, i) => [
      `${100 * shares[i]} %`,
      String(epochs[i]),
      ...[found.probe, found["fine-tuned"], found.scratch].map(cell),
    ]);
    const lines = alignCells(
      [["labels", "epochs", "linear probe", "fine-tuned", "from scratch"], ...rows],
      1,
    );
    print(given.json ? JSON.stringify(table) : lines.join("\n"));
    return stop.code();
  } finally {
    stop.close();
    await engine.close();
    await whole.source.close();
    await asked.source.close();
  }
});
