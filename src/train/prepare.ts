/** What a run needs before its first step: its folder, its stream and its logs. */
import { join } from "node:path";
import { openBadLog, silentBadLog } from "../data/epoch/bad_log.ts";
import { type Data, dataLength, dataUri } from "../data/open/data.ts";
import type { Batch, Cursor } from "../data/types.ts";
import { trainBatches } from "./batches.ts";
import { type RunAccount, runAccount } from "./data_account.ts";
import { ConfigError } from "./config/config.ts";
import { checkSameConfig } from "./config/same_config.ts";
import type { RunConfig } from "./config/settings.ts";
import { placeOf } from "./nodes.ts";
import type { ProcessGroup } from "./process_group.ts";
import type { Checkpoint } from "./run/checkpoint.ts";
import { openEventFile, TENSORBOARD_FOLDER, withEvents } from "./run/event_file.ts";
import { prepareFolder } from "./run/folder.ts";
import { refusePassed, type StepPlan } from "./run/plan.ts";
import { describeBad, labelled } from "./show/describe.ts";
import { withReserve } from "./reserve.ts";
import { type MetricsLog, openMetrics, silentMetrics } from "./run/metrics_file.ts";

/** A run that can begin. */
export interface PreparedRun {
  /** The checkpoint that it goes on from. */
  resumed: Checkpoint | null;
  /** Where this process's stream goes on, and the bad pictures that it has skipped. */
  place: { cursor: Cursor; bad: number };
  batches: AsyncIterator<Batch, void>;
  metrics: MetricsLog;
  /** What comes of the data. */
  account: RunAccount;
  /** Ends the stream and closes the logs. */
  close(): Promise<void>;
}

/**
 * The run's metrics, also for TensorBoard where that is asked for.
 *
 * @param step Steps that the run goes on from.
 * @param say Takes a line for people.
 * @throws {Error} When a file cannot be read or written.
 */
export async function openLog(
  { out, tensorboard }: Pick<RunConfig, "out" | "tensorboard">,
  step: number,
  say: (text: string) => void,
): Promise<MetricsLog> {
  const metrics = await openMetrics(join(out, "metrics.jsonl"), step);
  if (!tensorboard) return metrics;
  try {
    return withEvents(metrics, await openEventFile(join(out, TENSORBOARD_FOLDER), step), say);
  } catch (error) {
    metrics.close();
    throw error;
  }
}

/**
 * Prepares a run: does everything that can fail before anything is on the engine. Only the leading process has files;
 * the others learn from it where the run goes on.
 *
 * @param plan How long the run is.
 * @param say Takes a line for people.
 * @throws {ConfigError} When the folder is in use, or the run cannot go on with this data or these processes, or is past its end.
 * @throws {Error} When a file cannot be read or written.
 */
export async function prepareRun(
  config: RunConfig,
  source: Data,
  group: ProcessGroup,
  { pictures, total }: StepPlan,
  say: (text: string) => void,
): Promise<PreparedRun> {
  const { leads } = group, { out } = config;
  const placeIn = (checkpoint: Checkpoint) => {
    checkSameConfig(checkpoint.config, checkpoint.path, config);
    if (checkpoint.pictures === pictures) {
      refusePassed(checkpoint, { steps: config.steps, total });
      return placeOf(checkpoint, config, dataLength(source) === null);
    }
    throw new ConfigError(
      `${
        dataUri(source)
      } has ${pictures} pictures, but ${checkpoint.path} was made with ${checkpoint.pictures}; ` +
        "resume with the same data",
    );
  };
  // A run that is refused stays as it was: where its data lies, too, stands in config.json alone.
  const own = leads ? await prepareFolder(config, placeIn) : null, resumed = await group.checkpoint(own);
  const place = resumed ? placeIn(resumed) : { cursor: { epoch: 0, position: 0 }, bad: 0 };
  const badLog = leads ? await openBadLog(join(out, "bad.jsonl")) : silentBadLog();
  try {
    const account = runAccount(
      config,
      source,
      resumed,
      place.cursor,
      (label, text) => say(labelled(label, text)),
    );
    const begun = { ...place, account: account.account() };
    const stream = trainBatches(config, source, begun, group.reserve, (record) => {
      if (badLog.add(record)) say(labelled(...describeBad(record)));
    });
    const ahead = { size: group.reserve, most: total - (resumed?.step ?? 0), failed: group.breaks };
    const batches = group.alone ? stream : withReserve(stream, ahead);
    const metrics = leads ? await openLog(config, resumed?.step ?? 0, say) : silentMetrics();
    const close = async () => {
      metrics.close();
      await stream.return?.();
      badLog.close();
    };
    return { resumed, place, batches, metrics, account, close };
  } catch (error) {
    badLog.close();
    throw error;
  }
}
