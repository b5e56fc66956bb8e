/** A run's checkpoints: how its states come to host memory with what is known of them, and how they are written. */
import type { DataAccount } from "../data/epoch/account.ts";
import type { Engine } from "../engine/types.ts";
import type { Disk } from "../files/disk.ts";
import { storedConfig } from "./config/config.ts";
import type { RunConfig } from "./config/settings.ts";
import { type RunAccount, writeDataFile } from "./data_account.ts";
import { type Keeper, openKeeper, type Snapshot } from "./keeper.ts";
import type { ProcessGroup } from "./process_group.ts";
import type { Checkpoint, CheckpointInfo } from "./run/checkpoint.ts";
import type { MetricsLog } from "./run/metrics_file.ts";
import { saveInRun } from "./run/save.ts";
import type { Run } from "./standing.ts";
import { readState, type TrainState } from "./state.ts";

/** Takes a state to host memory. */
export type Taker = (run: Run<TrainState>) => Promise<Snapshot<CheckpointInfo & { data: DataAccount }>>;

/** What a checkpoint says besides the state and where the run is. */
export interface TakerOptions {
  engine: Pick<Engine, "name">;
  group: Pick<ProcessGroup, "places">;
  /** Pictures in the source. */
  pictures: number;
  account: Pick<RunAccount, "account">;
}

/** Takes states of a run to host memory, with what a checkpoint says of them. */
export function takerOf(config: RunConfig, { engine, group, pictures, account }: TakerOptions): Taker {
  // Other processes are asked once: after the last step they may be gone when the best state is kept.
  let asked = { step: -1, places: Promise.resolve<number[][] | undefined>(undefined) };
  return async ({ state, step, next, bad }) => {
    if (asked.step !== step) asked = { step, places: group.places(step) };
    return {
      info: {
        config: storedConfig(config),
        step,
        cursor: next,
        pictures,
        bad,
        places: await asked.places,
        data: account.account(),
        engine: engine.name,
        time: new Date().toISOString(),
      },
      tensors: await readState(state),
    };
  };
}

/** What checkpoints are written with. */
export interface RunKeeperOptions {
  /** The checkpoint that the run goes on from. */
  resumed: Pick<Checkpoint, "path"> | null;
  /** Steps done when it begins. */
  start: number;
  /** What has been measured so far; it is on the disk before the checkpoint is. */
  metrics: Pick<MetricsLog, "sync">;
  take: Taker;
  disk?: Disk;
}

/** The keeper of a run's checkpoints. */
export function keeperOf(
  config: RunConfig,
  { resumed, start, metrics, take, disk }: RunKeeperOptions,
): Keeper<TrainState> {
  const { out, keep, checkpointMinutes: minutes, checkpointSteps: steps } = config;
  return openKeeper({
    minutes,
    steps,
    start,
    path: resumed?.path ?? null,
    take,
    write: async ({ info, tensors }) => {
      await metrics.sync();
      const path = await saveInRun(out, info, tensors, { keep, disk });
      await writeDataFile(out, info.step, info.data, disk);
      return path;
    },
  });
}
