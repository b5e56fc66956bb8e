/** What a training on an encoder needs before its first step: its folder, its stream and its logs. */
import { join } from "node:path";
import { openBadLog } from "../data/epoch/bad_log.ts";
import { streamBatches, type StreamOptions } from "../data/stream.ts";
import type { Batch, Cursor, Source } from "../data/types.ts";
import { checkSameSettings } from "./config/same_config.ts";
import type { Setting } from "./config/setting.ts";
import type { RunConfig } from "./config/settings.ts";
import { type RunAccount, runAccount } from "./data_account.ts";
import { openLog } from "./prepare.ts";
import { type Checkpoint, readCheckpointOf } from "./run/checkpoint.ts";
import type { CheckpointKind } from "./run/checkpoint_kinds.ts";
import { prepareFolderOf } from "./run/folder.ts";
import type { MetricsLog } from "./run/metrics_file.ts";
import { planSteps, refusePassed, type StepPlan } from "./run/plan.ts";
import { describeBad, labelled } from "./show/describe.ts";

/** The settings that every training has: how long, how often it is kept, how its pictures are read. */
export type DownstreamConfig = Pick<
  RunConfig,
  | "out"
  | "resume"
  | "seed"
  | "batchSize"
  | "epochs"
  | "steps"
  | "keep"
  | "checkpointMinutes"
  | "checkpointSteps"
  | "logEvery"
  | "tensorboard"
  | "memoryLimit"
  | "overMemory"
  | "precision"
  | "onBad"
  | "concurrency"
  | "workers"
  | "prefetch"
>;

/** What a training learns from, and how it tells its own checkpoints. */
export interface DownstreamData<Config extends DownstreamConfig> {
  source: Source;
  kind: CheckpointKind<Config>;
  /** All settings; those that are not free must be the same when it goes on. */
  table: Readonly<Record<string, Setting>>;
  /** What config.json is to hold. */
  stored: Config;
  /** Refuses to go on from a checkpoint with other pictures than it has learned from. */
  check(checkpoint: Checkpoint<Config>): void;
  /** What batches hold. */
  stream: Pick<StreamOptions, "imageSize" | "views" | "withLabels" | "withObjects">;
}

/** A training that can begin. */
export interface PreparedDownstream<Config extends DownstreamConfig> {
  /** The checkpoint that it goes on from. */
  resumed: Checkpoint<Config> | null;
  /** Where the stream goes on, and the bad pictures that it has skipped. */
  place: { cursor: Cursor; bad: number };
  plan: StepPlan;
  batches: AsyncIterator<Batch, void>;
  metrics: MetricsLog;
  account: RunAccount;
  /** Ends the stream and closes the logs. */
  close(): Promise<void>;
}

/** What of a run's settings says who takes which part: this process takes all. */
const ALONE = { process: "", nodes: 1, nodeId: 0, epochPictures: 0 } as const;

/**
 * Prepares a training: does everything that can fail before anything is on the engine.
 *
 * @param say Takes a line for people.
 * @throws {ConfigError} When the folder is in use, the batch is too large, or the run cannot go on with these pictures or is past its end.
 * @throws {Error} When a file cannot be read or written, or a checkpoint is of another configuration.
 */
export async function prepareDownstream<Config extends DownstreamConfig>(
  config: Config,
  { source, kind, table, stored, check, stream }: DownstreamData<Config>,
  say: (text: string) => void,
): Promise<PreparedDownstream<Config>> {
  const { out, batchSize } = config, plan = planSteps({ ...config, ...ALONE }, source);
  const resumed = await prepareFolderOf(config, {
    stored,
    read: async (path) => {
      const checkpoint = await readCheckpointOf(path, kind);
      checkSameSettings<Config>(table, checkpoint.config, checkpoint.path, config);
      check(checkpoint);
      refusePassed(checkpoint, { steps: config.steps, total: plan.total });
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
      ...stream,
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
    return { resumed, place, plan, batches, metrics, account, close };
  } catch (error) {
    badLog.close();
    throw error;
  }
}
