/** What comes of a run's data: counted step by step, said when an epoch is over, kept in checkpoints and in data.json. */
import { join } from "node:path";
import { accountant, type DataAccount } from "../data/epoch/account.ts";
import { describeAccount, epochNote } from "../data/epoch/account_text.ts";
import { BadLimitError } from "../data/epoch/bad_limit.ts";
import { beginAccount } from "../data/epoch/begin_account.ts";
import { type Data, dataPassedOver, dataSources, openedOf } from "../data/open/data.ts";
import { describePassedOver } from "../data/sources/passed_over.ts";
import type { Batch, Cursor } from "../data/types.ts";
import type { Disk } from "../files/disk.ts";
import { publishFile } from "../files/publish.ts";
import type { RunConfig } from "./config/settings.ts";
import type { Checkpoint } from "./run/checkpoint.ts";
import { shareOf, type ShareSettings } from "./run/plan.ts";

/** A run's account of its data. */
export interface RunAccount {
  /** Adds what a batch says, when its step is done. */
  add(batch: Pick<Batch, "epoch" | "came" | "shards">): void;
  /** Adds what led to the end of the stream, if the error is one of the data. */
  fail(error: unknown): void;
  /** The account as it stands. */
  account(): DataAccount;
  /** The same in a few lines; what was passed over only where it was not said before. */
  lines(): string[];
}

/** The account that a checkpoint keeps, where it is one of this data and of this process's part of it. */
function keptAccount(kept: DataAccount | undefined, fresh: DataAccount): DataAccount {
  const same = kept && kept.process === fresh.process && kept.sources.length === fresh.sources.length;
  return same ? kept : fresh;
}

/**
 * Opens a run's account, or goes on with that of a checkpoint. When an epoch is over it says what is known only then: that a
 * stream holds another number of pictures than was promised, and what it passed over.
 *
 * @param resumed The checkpoint that the run goes on from.
 * @param since Where the stream begins.
 * @param say Takes a line for people.
 */
export function runAccount(
  config: ShareSettings & Pick<RunConfig, "epochPictures">,
  source: Data,
  resumed: Pick<Checkpoint, "data"> | null,
  since: Cursor,
  say: (label: string, text: string) => void,
): RunAccount {
  const { process } = shareOf(config), opened = openedOf(source);
  const fresh = beginAccount(source, { process, since });
  const keeper = accountant(keptAccount(resumed?.data, fresh));
  const promised = opened.access === "random" ? 0 : config.epochPictures;
  let said = describePassedOver(dataPassedOver(source));
  let epoch: number | null = null, told = false;
  const account = () => {
    keeper.passedOver(dataSources(source).map(({ passedOver }) => passedOver?.() ?? []));
    return keeper.account();
  };
  const over = (number: number) => {
    if (told || opened.access === "random") return;
    told = true;
    const note = epochNote(keeper.account(), number, { promised, processes: process?.count ?? 1, since });
    if (note) say("note", note);
    const passed = describePassedOver(dataPassedOver(source));
    if (passed && passed !== said) say("besides", passed);
    said = passed;
  };
  return {
    add(batch) {
      keeper.add(batch);
      if (epoch !== null && batch.epoch > epoch) over(epoch);
      epoch = batch.epoch;
    },
    fail(error) {
      if (error instanceof BadLimitError) keeper.add(error.page);
    },
    account,
    lines: () => describeAccount(account()).filter((line) => line !== said),
  };
}

/** The file of a run folder that says what came of the data. */
export const DATA_FILE = "data.json";

/**
 * Writes the account beside the checkpoint that it belongs to, whole or not at all.
 *
 * @param run The run folder.
 * @param step Steps done.
 */
export async function writeDataFile(
  run: string,
  step: number,
  account: DataAccount,
  disk?: Disk,
): Promise<void> {
  await publishFile(join(run, DATA_FILE), JSON.stringify({ step, ...account }, null, 1) + "\n", { disk });
}

/**
 * Leaves what came of the data in the folder of a run that ends because of them, and says so in the error.
 *
 * @param out The run folder.
 * @param step Steps done.
 */
export async function tellData(
  out: string,
  account: RunAccount,
  step: number,
  error: BadLimitError,
): Promise<void> {
  account.fail(error);
  // Without room for it, the error is all there is.
  if (!await writeDataFile(out, step, account.account()).then(() => true, () => false)) return;
  error.message += `. What came of the data: ${join(out, DATA_FILE)}`;
}
