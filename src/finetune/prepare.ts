/** What a fine-tuning needs before its first step: its folder, its stream and its logs. */
import { join } from "node:path";
import { openBadLog } from "../data/epoch/bad_log.ts";
import { streamBatches } from "../data/stream.ts";
import type { Batch, Cursor } from "../data/types.ts";
import { ConfigError } from "../train/config/config.ts";
import { checkSameSettings } from "../train/config/same_config.ts";
import { type RunAccount, runAccount } from "../train/data_account.ts";
import { openLog } from "../train/prepare.ts";
import { type Checkpoint, readCheckpointOf } from "../train/run/checkpoint.ts";
import { prepareFolderOf } from "../train/run/folder.ts";
import type { MetricsLog } from "../train/run/metrics_file.ts";
import { planSteps, type StepPlan } from "../train/run/plan.ts";
import { describeBad, labelled } from "../train/show/describe.ts";
import { DEFAULT_VIEWS, type ViewOptions } from "../views/sample.ts";
import { CLASSIFIER, learnedFrom } from "./classifier_file.ts";
import { storedFinetuneConfig } from "./config.ts";
import { baseSizeOf } from "./finetuning.ts";
import { type LabelledPictures, picturesDigest } from "./labelled.ts";
import { FINETUNE_SETTINGS, type FinetuneConfig } from "./settings.ts";

/** A fine-tuning that can begin. */
export interface PreparedFinetune {
  /** The checkpoint that it goes on from. */
  resumed: Checkpoint<FinetuneConfig> | null;
  /** Where the stream goes on, and the bad pictures that it has skipped. */
  place: { cursor: Cursor; bad: number };
  plan: StepPlan;
  /** Of the pictures, see {@linkcode picturesDigest}. */
  digest: string;
  batches: AsyncIterator<Batch, void>;
  metrics: MetricsLog;
  account: RunAccount;
  /** Ends the stream and closes the logs. */
  close(): Promise<void>;
}

/** How views are drawn for a classifier: crop and flip alone. */
export function classifierViews(config: FinetuneConfig): ViewOptions {
  const { cropScale, cropRatio, flip } = config;
  return {
    ...DEFAULT_VIEWS,
    ...{ imageSize: baseSizeOf(config), cropScale, cropRatio, flip, colour: 0, grey: 0 },
    ...{ blur: [0, 0] as const, solarise: [0, 0] as const },
  };
}

/** Refuses to go on with other pictures or other classes than a run has learned from. */
function checkSamePictures(
  checkpoint: Checkpoint<FinetuneConfig>,
  { names, labels, source: { uri } }: LabelledPictures,
  digest: string,
): void {
  const { path } = checkpoint, before = learnedFrom(checkpoint);
  const resume = "resume with the same data, or begin another run in another --out";
  if (JSON.stringify(before.classes) !== JSON.stringify(names)) {
    const other = names.find((name) => !before.classes.includes(name)) ??
      before.classes.find((name) => !names.includes(name));
    const what = other === undefined ? "in another order" : `of which "${other}" is not in both`;
    throw new ConfigError(
      `${uri} has ${names.length} classes, but ${path} has learned ${before.classes.length}, ${what}; ${resume}`,
    );
  }
  if (checkpoint.pictures !== labels.length) {
    throw new ConfigError(
      `${uri} has ${labels.length} pictures, but ${path} was made with ${checkpoint.pictures}; ${resume}`,
    );
  }
  if (before.digest !== digest) {
    throw new ConfigError(
      `${uri} has other pictures, or other classes of them, than ${path} was made with; ${resume}`,
    );
  }
}

/** What of a run's settings says who takes which part: this process takes all. */
const ALONE = { process: "", nodes: 1, nodeId: 0, epochPictures: 0 } as const;

/**
 * Prepares a run: does everything that can fail before anything is on the engine.
 *
 * @param say Takes a line for people.
 * @throws {ConfigError} When the folder is in use, the batch is too large, or the run cannot go on with these pictures.
 * @throws {Error} When a file cannot be read or written, or a checkpoint is of another configuration.
 */
export async function prepareFinetune(
  config: FinetuneConfig,
  pictures: LabelledPictures,
  say: (text: string) => void,
): Promise<PreparedFinetune> {
  const { out, batchSize } = config, { source } = pictures;
  const plan = planSteps({ ...config, ...ALONE }, source), digest = await picturesDigest(pictures);
  const resumed = await prepareFolderOf(config, {
    stored: storedFinetuneConfig(config),
    read: async (path) => {
      const checkpoint = await readCheckpointOf(path, CLASSIFIER);
      checkSameSettings(FINETUNE_SETTINGS, checkpoint.config, checkpoint.path, config);
      checkSamePictures(checkpoint, pictures, digest);
      return checkpoint;
    },
  });
  const place = resumed
    ? { cursor: resumed.cursor, bad: resumed.bad }
    : { cursor: { epoch: 0, position: 0 }, bad: 0 };
  const badLog = await openBadLog(join(out, "bad.jsonl"));
  try {
    const since = place.cursor, tell = (label: string, text: string) => say(labelled(label, text));
    const account = runAccount({ ...ALONE, batchSize }, source, resumed, since, tell);
    const { seed, onBad, concurrency, workers, prefetch } = config;
    const batches = streamBatches(source, {
      ...{ batchSize, seed, onBad, concurrency, workers, prefetch },
      imageSize: baseSizeOf(config),
      views: classifierViews(config),
      withLabels: true,
      from: place.cursor,
      bad: place.bad,
      account: account.account(),
      onBadRecord: (record) => {
        if (badLog.add(record)) say(labelled(...describeBad(record)));
      },
      // A batch is copied to the device before the next is asked for.
      keep: 2,
    })[Symbol.asyncIterator]();
    const metrics = await openLog(config, resumed?.step ?? 0, say);
    const close = async () => {
      metrics.close();
      await batches.return?.();
      badLog.close();
    };
    return { resumed, place, plan, digest, batches, metrics, account, close };
  } catch (error) {
    badLog.close();
    throw error;
  }
}
