import { redact } from "../../files/redact.ts";
import { sumPassed } from "../sources/passed_over.ts";
import type { Cursor, PassedOver } from "../types.ts";
import type { Came, CamePage, Fate } from "./came.ts";

/** How many records came to what. */
export interface Counts {
  /** Pictures that were read and decoded. */
  read: number;
  /** Records that cannot be used: unreadable, damaged, not a picture. */
  bad: number;
  /** Records whose place for a picture is empty, such as nulls in a table. They are no fault. */
  withoutPicture: number;
  /** Records that a damaged or missing shard would have held, about. */
  lost: number;
}

/** What came of an epoch. */
export interface EpochAccount extends Counts {
  epoch: number;
  /** Pictures at the epoch's end that filled no batch. By index, those behind the last batch are not looked at. */
  left: number;
}

/** What came of a shard, in all epochs. */
export interface ShardAccount extends Counts {
  shard: string;
  /** Records that it gave when it was read to its end, of all processes; null before. */
  pictures: number | null;
  /** Why records are lost, and in which epochs. */
  why?: string;
  epochs?: number[];
}

/** A reason why records were not read. */
export interface ReasonAccount {
  fate: "bad" | "withoutPicture" | "lost";
  why: string;
  count: number;
  /** The first of them. */
  example: string;
}

/** What came of a source, in all epochs. */
export interface SourceAccount extends Counts {
  uri: string;
  /** Records that it has; null for a stream. */
  pictures: number | null;
  reasons: ReasonAccount[];
  /** Empty for a source without shards. */
  shards: ShardAccount[];
  /** What it holds besides records. */
  passedOver: PassedOver[];
}

/**
 * What came of a run's data: `data.json` of a run folder. Every record whose turn came is counted once each epoch, as read,
 * bad, without a picture, lost or left over. Passwords and signatures in addresses are left out.
 */
export interface DataAccount extends Counts {
  version: 1;
  /** What the user named. */
  data: string;
  /** The part of the records that is counted here, such as `0/4`; missing for all of them. */
  process?: string;
  /** Where counting began: later than epoch 0 in a run that was begun by a version which did not count. */
  since: Cursor;
  epochs: EpochAccount[];
  sources: SourceAccount[];
}

/** More reasons than this are counted together. */
const MOST_REASONS = 20;

/** More epochs than this are not listed of a shard. */
const MOST_EPOCHS = 100;

/** A fresh account. */
export function emptyAccount(
  data: { uri: string; sources: readonly { uri: string; length: number | null }[] },
  options: { process?: { index: number; count: number }; since?: Cursor } = {},
): DataAccount {
  const { process, since = { epoch: 0, position: 0 } } = options;
  const shared = process && process.count > 1;
  return {
    version: 1,
    data: redact(data.uri),
    ...(shared && { process: `${process.index}/${process.count}` }),
    since,
    ...zero(),
    epochs: [],
    sources: data.sources.map(({ uri, length }) => ({
      uri: redact(uri),
      pictures: length,
      ...zero(),
      reasons: [],
      shards: [],
      passedOver: [],
    })),
  };
}

const zero = (): Counts => ({ read: 0, bad: 0, withoutPicture: 0, lost: 0 });

/** Keeps an account up to date. */
export interface Accountant {
  /** Takes what a batch says of the records since the one before. */
  add(page: CamePage): void;
  /** Takes what the sources have passed over so far, of each source in turn. */
  passedOver(lists: readonly (readonly PassedOver[])[]): void;
  /** The account as it stands, a copy. */
  account(): DataAccount;
}

/**
 * Goes on with an account.
 *
 * @param begun Where it stands, as {@linkcode emptyAccount} makes it or a checkpoint keeps it. Not changed.
 */
export function accountant(begun: DataAccount): Accountant {
  const account = structuredClone(begun);
  // A stream counts what it passes over in the shards that it has read, and after a resume begins with none.
  const before = begun.sources.map(({ pictures, passedOver }) => pictures === null ? passedOver : []);
  const shardsOf = account.sources.map(({ shards }) => new Map(shards.map((shard) => [shard.shard, shard])));
  const shardOf = (part: number, name: string): ShardAccount => {
    const { shards } = account.sources[part], byName = shardsOf[part];
    const known = byName.get(name);
    if (known) return known;
    const shown = redact(name), shard = byName.get(shown) ?? { shard: shown, pictures: null, ...zero() };
    if (!byName.has(shown)) shards.push(shard);
    byName.set(shown, shard).set(name, shard);
    return shard;
  };
  const epochOf = (epoch: number): EpochAccount => {
    const last = account.epochs.at(-1);
    const known = last?.epoch === epoch ? last : account.epochs.find((one) => one.epoch === epoch);
    if (known) return known;
    account.epochs.push({ epoch, ...zero(), left: 0 });
    return account.epochs.at(-1)!;
  };
  const add = (one: Came) => {
    const { epoch, part, shard: name, fate, count } = one;
    if (fate === "left") return void (epochOf(epoch).left += count);
    const source = account.sources[part], shard = name === undefined ? null : shardOf(part, name);
    for (const counts of [account, epochOf(epoch), source, ...(shard ? [shard] : [])]) counts[fate] += count;
    if (fate === "read" || one.why === undefined) return;
    const example = [name, one.key].filter((text) => text !== undefined).join(": ");
    addReason(source.reasons, fate, one.why, count, redact(example));
    if (fate !== "lost" || !shard) return;
    shard.why = redact(one.why);
    shard.epochs ??= [];
    if (shard.epochs.at(-1) !== epoch && shard.epochs.length < MOST_EPOCHS) shard.epochs.push(epoch);
  };
  return {
    add({ came, shards }) {
      came.forEach(add);
      for (const { part, shard, pictures } of shards) {
        const known = shardOf(part, shard);
        known.pictures = Math.max(known.pictures ?? 0, pictures);
      }
    },
    passedOver(lists) {
      lists.forEach((list, part) =>
        account.sources[part].passedOver = atLeast(
          before[part],
          list.map((one) => ({
            ...one,
            ...(one.where !== undefined && { where: redact(one.where) }),
            ...(one.example !== undefined && { example: redact(one.example) }),
          })),
        )
      );
    },
    account: () => structuredClone(account),
  };
}

/** What is passed over now, no less of each kind than before. */
function atLeast(before: readonly PassedOver[], now: readonly PassedOver[]): PassedOver[] {
  const kindOf = ({ what, why }: PassedOver) => `${what}\0${why}`;
  const kinds = new Map(sumPassed([now]).map((one) => [kindOf(one), one]));
  for (const one of sumPassed([before])) {
    if (one.count > (kinds.get(kindOf(one))?.count ?? 0)) kinds.set(kindOf(one), one);
  }
  return [...kinds.values()];
}

function addReason(
  reasons: ReasonAccount[],
  fate: Exclude<Fate, "read" | "left">,
  why: string,
  count: number,
  example: string,
): void {
  // Places and sizes differ from record to record; the kind of fault is the same.
  const alike = (text: string) => text.replace(/\d+/g, "0");
  const kind = reasons.find((one) => one.fate === fate && alike(one.why) === alike(why));
  if (kind) kind.count += count;
  else if (reasons.length < MOST_REASONS) reasons.push({ fate, why: redact(why), count, example });
  else {
    const rest = "other reasons", known = reasons.find((one) => one.fate === fate && one.why === rest);
    if (known) known.count += count;
    else reasons.push({ fate, why: rest, count, example });
  }
}

/**
 * What a source's shards gave when they were read before, for the shards that an account knows.
 *
 * @param account The account.
 * @param part Which source.
 * @param shards Its shards' names.
 */
export function knownShards(
  account: DataAccount,
  part: number,
  shards: readonly string[],
): Map<string, number> {
  const counts = new Map(account.sources[part]?.shards.map(({ shard, pictures }) => [shard, pictures]));
  return new Map(shards.flatMap((shard) => {
    const pictures = counts.get(redact(shard));
    return typeof pictures === "number" ? [[shard, pictures]] : [];
  }));
}
