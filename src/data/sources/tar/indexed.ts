import { expandNames } from "../../io/braces.ts";
import { numberList, requireIndex } from "../../io/compact_lists.ts";
import { isRemote } from "../../io/paths.ts";
import { PICTURE_ENDINGS } from "../picture_file.ts";
import { byteQueue, DamagedError, fileQueue } from "../../io/reader/chunks.ts";
import { openFileReader } from "../../io/reader/file.ts";
import { readerPool } from "../../io/reader/pool.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../types.ts";
import { type Labeller, labeller, type Reading } from "../class_names.ts";
import { lossList, MAX_BAD } from "../../epoch/bad_limit.ts";
import { type Loss, shardLedger } from "../../epoch/shard_ledger.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { sumPassed } from "../passed_over.ts";
import { type ArchiveNotes, archiveNotes, archiveSamples, doubtOf, passedInAll } from "./archive.ts";
import { type SampleFolders, sampleFolders } from "./folder_classes.ts";
import { type NameWatch, nameWatch } from "./name_watch.ts";
import { type TarMember, tarMembers } from "./members.ts";
import { splitName } from "./names.ts";
import { MAX_MEMBER_BYTES, type TarOptions } from "./stream.ts";

/** Where each record's picture lies. */
function emptyIndex() {
  return {
    shard: numberList(Uint32Array),
    start: numberList(Float64Array),
    header: numberList(Uint32Array),
    size: numberList(Float64Array),
    label: numberList(Int32Array),
    folder: numberList(Uint32Array),
  };
}

type Index = ReturnType<typeof emptyIndex>;

/**
 * Opens local, uncompressed tar shards for random access. One pass over the headers makes an index of 32 bytes a record;
 * pictures are not read. Samples are made as in {@linkcode openTarStream}.
 *
 * @param uri A path, braces expanded; or a list of them as they stand.
 * @param options Labels and limits. Without given labels, the classes that label files state are collected; where they state
 * none, those that the archives' folders name ({@linkcode sampleFolders}).
 * @returns A source.
 * @throws {Error} A shard is missing, damaged, compressed or remote, or there are no pictures.
 */
export async function openTar(uri: string | readonly string[], options: TarOptions = {}): Promise<Source> {
  const shards = typeof uri === "string" ? expandNames(uri) : uri;
  const name = options.name ?? (typeof uri === "string" ? uri : uri.join(","));
  const remote = shards.find(isRemote);
  if (remote) throw new Error(`${remote}: random access needs local shards; open remote ones as a stream`);
  const { labels: known = [], classes = true, maxMemberBytes = MAX_MEMBER_BYTES } = options;
  const index = emptyIndex(),
    names = nameWatch(),
    folders = sampleFolders(),
    classNumbers = labeller(name, known.length > 0 ? known : undefined);
  const notes: [string, ArchiveNotes][] = [], damaged: DamagedError[] = [], counts: number[] = [];
  for (const [number, shard] of shards.entries()) {
    const mine = archiveNotes(shard), before = index.start.length;
    notes.push([shard, mine]);
    try {
      const labelOf = classes ? classNumbers.number : null;
      await indexShard(shard, number, { index, folders, names }, mine, labelOf, options.inner);
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      damaged.push(error);
    }
    counts.push(index.start.length - before);
  }
  if (damaged.length > 0) throw refusal(shards.length, damaged);
  refuseDoubtful(name, notes, counts);
  const masks = names.masks(), pictures = withoutRecords(index, masks.numbers);
  const passed = sumPassed([passedInAll(notes), masks.passedOver]);
  if (pictures.start.length === 0) {
    const missing = options.inner?.missing();
    if (missing) throw missing;
    const [first] = passed;
    throw new Error(
      `${name}: no pictures (${PICTURE_ENDINGS.join(", ")}) in the shards` +
        (first ? `; passed over: ${first.example}: ${first.what} ${first.why}` : ""),
    );
  }
  return {
    ...indexedSource(name, shards, pictures, maxMemberBytes),
    labels: classes ? finishClasses(pictures, folders, classNumbers.finish(), options) : [],
    passedOver: () => [...passed, ...classNumbers.passedOver()],
  };
}

/** Gives all records the numbers of their classes; gives the classes. */
function finishClasses(
  { label, folder }: Index,
  folders: SampleFolders,
  { labels, final }: ReturnType<Labeller["finish"]>,
  { labels: known = [], inner }: TarOptions,
): readonly string[] {
  let stated = false;
  label.update((number) => {
    const found = number < 0 ? -1 : final(number);
    stated ||= found >= 0;
    return found;
  });
  const used = new Set<number>();
  for (let at = 0; at < folder.length; at++) used.add(folder.get(at));
  const named = stated ? null : folders.classes(folder.length, { splits: inner !== undefined, known, used });
  if (!named) return labels;
  let at = 0;
  label.update(() => named.of(folder.get(at++)));
  return named.labels;
}

/** Damage is told before any work starts, and of all shards at once. */
function refusal(count: number, damaged: readonly DamagedError[]): Error {
  const advice = "Repair or replace what is damaged, or leave it out";
  if (damaged.length === 1) return new DamagedError(`${damaged[0].message}. ${advice}`);
  const shown = damaged.slice(0, 5).map(({ message }) => message).join("; ");
  const more = damaged.length > 5 ? ` and ${damaged.length - 5} more` : "";
  return new DamagedError(`${damaged.length} of ${count} tar shards are damaged: ${shown}${more}. ${advice}`);
}

/** Refuses shards that ended well but oddly, and gave so few pictures beside the others that too many are missing. */
function refuseDoubtful(
  name: string,
  notes: readonly [shard: string, notes: ArchiveNotes][],
  counts: readonly number[],
): void {
  const ledger = shardLedger({ shards: notes.length }), losses = new Map<string, Loss>();
  const take = (news: readonly Loss[]) => news.forEach((loss) => losses.set(loss.shard, loss));
  notes.forEach(([shard, { end }], i) => {
    const doubt = end && doubtOf(end);
    take(ledger.ended({ shard, records: counts[i], ...(doubt && { doubt }) }));
  });
  take(ledger.settled());
  const lost = [...losses.values()].reduce((sum, loss) => sum + (loss.lost ?? 0), 0);
  if (lost <= Math.max(1, MAX_BAD * ledger.total()!)) return;
  throw new DamagedError(
    `${name}: about ${lost} of ${ledger.total()} pictures are missing, more than ${100 * MAX_BAD} %: ` +
      `${lossList([...losses.values()])}. Repair or replace these shards, or leave them out`,
  );
}

async function indexShard(
  shard: string,
  number: number,
  { index, folders, names }: { index: Index; folders: SampleFolders; names: NameWatch },
  notes: ArchiveNotes,
  labelOf: ((reading: Reading, key: string) => number) | null,
  inner?: InnerSplits,
): Promise<void> {
  const queue = fileQueue(shard);
  try {
    const [first, second] = await queue.peek(2);
    if (first === 0x1f && second === 0x8b) {
      throw new Error(
        `${shard}: compressed (gzip), so it has no random access; open it as a stream or unpack it`,
      );
    }
    const making = { take: (member: TarMember) => Promise.resolve(member), classes: labelOf !== null, inner };
    for await (const { stem, picture, name, label } of archiveSamples(shard, queue, making, notes)) {
      const { start, offset, stored } = picture;
      index.shard.push(number);
      index.start.push(start);
      index.header.push(offset - start);
      index.size.push(stored);
      index.folder.push(folders.number(stem));
      names.add(name);
      index.label.push(label && labelOf ? labelOf(label.reading, stem) : -1);
    }
  } finally {
    queue.close();
  }
}

/** An index without some of its records. */
function withoutRecords(index: Index, dropped: ReadonlySet<number>): Index {
  if (dropped.size === 0) return index;
  const kept = emptyIndex();
  for (let at = 0; at < index.start.length; at++) {
    if (dropped.has(at)) continue;
    kept.shard.push(index.shard.get(at));
    kept.start.push(index.start.get(at));
    kept.header.push(index.header.get(at));
    kept.size.push(index.size.get(at));
    kept.label.push(index.label.get(at));
    kept.folder.push(index.folder.get(at));
  }
  return kept;
}

function indexedSource(
  uri: string,
  shards: readonly string[],
  index: Index,
  maxMemberBytes: number,
): Omit<Source, "labels"> {
  const files = readerPool((shard) => openFileReader(shards[shard]));
  /** Reads a record's headers, and what is stored of it as far as `most` allows. */
  const load = async (at: number, most: number) => {
    requireIndex(uri, at, index.start.length);
    const shard = index.shard.get(at), stored = index.size.get(at);
    const length = index.header.get(at) + (stored <= most ? stored : 0);
    const bytes = await files.use(shard, (reader) => reader.read(index.start.get(at), length));
    const { value: member } = await tarMembers(shards[shard], byteQueue([bytes].values())).next();
    const name = member && splitName(member.name);
    if (!name || member.stored !== stored) {
      throw new DamagedError(`${shards[shard]}: changed since it was opened`);
    }
    return { key: name.stem, ending: name.ending, member };
  };
  return {
    uri,
    length: index.start.length,
    async get(at): Promise<ImageRecord> {
      requireIndex(uri, at, index.start.length);
      const shard = shards[index.shard.get(at)];
      try {
        const { key, ending, member } = await load(at, maxMemberBytes);
        if (member.size > maxMemberBytes) {
          const reason =
            `${ending} of ${member.size} bytes, over the limit of ${maxMemberBytes} (maxMemberBytes)`;
          throw new BadRecordError(shard, key, reason);
        }
        const record: ImageRecord = { source: shard, key, bytes: await member.read() };
        const label = index.label.get(at);
        if (label >= 0) record.label = label;
        return record;
      } catch (error) {
        // What is wrong with the bytes is the record's fault; what is wrong with the machine is not.
        if (!(error instanceof DamagedError || error instanceof RangeError)) throw error;
        throw new BadRecordError(shard, `record ${at}`, error.message);
      }
    },
    key: async (at) => (await load(at, 0)).key,
    origin(at) {
      requireIndex(uri, at, index.start.length);
      return { part: 0, shard: shards[index.shard.get(at)] };
    },
    close: () => files.close(),
  };
}
