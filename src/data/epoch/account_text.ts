import { plural } from "../../text/amounts.ts";
import { describePassedOver } from "../sources/passed_over.ts";
import type { Cursor } from "../types.ts";
import { MAX_BAD } from "./bad_limit.ts";
import type { Counts, DataAccount, ReasonAccount, ShardAccount } from "./account.ts";

/** Lines of one kind that are shown. */
const MOST_LINES = 5;

/**
 * Says in a few lines what came of the data: how much was read, and whatever was not, with the shard and the reason.
 *
 * @param account What was counted.
 * @returns Lines without an end; the first says how much was read.
 */
export function describeAccount(account: DataAccount): string[] {
  const { sources, process } = account;
  const several = sources.length > 1;
  const lines = [summary(account, epochText(account)) + (process ? `; this is part ${process}` : "")];
  if (several) lines.push(...sources.map((source) => `${source.uri}: ${summary(source, "")}`));
  const shards = sources.flatMap((source) => source.shards.filter(({ lost, why }) => lost > 0 || why));
  lines.push(...limited(shards.map((shard) => shardText(shard, account.epochs.length > 1)), "shard"));
  const reasons = sources.flatMap((source) => source.reasons.filter(({ fate }) => fate !== "lost"));
  lines.push(...limited(reasons.map(reasonText), "reason"));
  const passed = describePassedOver(sources.flatMap(({ passedOver }) => passedOver));
  return passed ? [...lines, passed] : lines;
}

function summary({ read, bad, withoutPicture, lost }: Counts, when: string): string {
  const rest = [
    ...(lost > 0 ? [`about ${plural(lost, "picture")} lost with damaged or missing shards`] : []),
    ...(bad > 0 ? [`${bad} bad`] : []),
    ...(withoutPicture > 0 ? [`${plural(withoutPicture, "record")} without a picture`] : []),
  ];
  return [`${plural(read, "picture")} read${when}`, ...rest].join(", ") +
    (rest.length === 0 ? ", none bad" : "");
}

function epochText({ epochs }: DataAccount): string {
  const numbers = epochs.map(({ epoch }) => epoch);
  if (numbers.length === 0) return "";
  const first = Math.min(...numbers), last = Math.max(...numbers);
  return first === last ? ` in epoch ${first}` : ` in epochs ${first} to ${last}`;
}

function shardText({ shard, lost, why, pictures, epochs = [] }: ShardAccount, several: boolean): string {
  const when = several && epochs.length > 0
    ? `, in epoch${epochs.length > 1 ? "s" : ""} ${shortList(epochs)}`
    : "";
  const held = pictures === null ? "" : ` (it gave ${pictures} when it was whole)`;
  const count = lost > 0 ? `about ${plural(lost, "picture")}` : "nobody knows how many pictures";
  return `${shard}: ${count} lost: ${why ?? "damaged"}${held}${when}`;
}

/**
 * Says that an epoch of a stream held another number of pictures than was promised, by more than 1 %.
 *
 * @param account What was counted.
 * @param epoch An epoch that is over.
 * @param known `promised`: pictures of all processes. `since`: where this account's counting began.
 * @returns Null where there is nothing to say, or nothing was promised.
 */
export function epochNote(
  account: DataAccount,
  epoch: number,
  known: { promised: number; processes: number; since: Cursor },
): string | null {
  const { promised, processes, since } = known;
  const counts = account.epochs.find((one) => one.epoch === epoch);
  const whole = since.epoch < epoch || (since.epoch === epoch && since.position === 0);
  if (!counts || !whole || promised === 0) return null;
  const held = processes * (counts.read + counts.left + counts.bad + counts.lost);
  if (Math.abs(held - promised) <= Math.max(processes, MAX_BAD * promised)) return null;
  return `epoch ${epoch} held about ${
    plural(held, "picture")
  }, --epoch-pictures says ${promised}: the run's epochs and its ` +
    "schedule count by the latter";
}

function shortList(epochs: readonly number[]): string {
  return epochs.length <= 4 ? epochs.join(", ") : `${epochs.slice(0, 3).join(", ")} … ${epochs.at(-1)}`;
}

function reasonText({ fate, why, count, example }: ReasonAccount): string {
  return `${fate === "bad" ? `${count} bad` : `${count} without a picture`}: ${why}, such as ${example}`;
}

function limited(lines: readonly string[], noun: string): string[] {
  if (lines.length <= MOST_LINES) return [...lines];
  return [...lines.slice(0, MOST_LINES), `and ${plural(lines.length - MOST_LINES, noun)} more`];
}
