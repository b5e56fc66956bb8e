import type { ByteQueue } from "../../io/reader/chunks.ts";
import type { ShardDoubt } from "../../epoch/shuffle.ts";
import type { PassedOver } from "../../types.ts";
import { isOfSystem, OF_SYSTEM } from "../file_kinds.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { type PassedCounter, passedCounter, sumPassed } from "../passed_over.ts";
import { type TarEnd, type TarMember, tarMembers } from "./members.ts";
import { isPicture, splitName } from "./names.ts";
import { type SampleOptions, type TarSample, tarSamples } from "./samples.ts";

/** What one archive held besides its samples. */
export interface ArchiveNotes {
  passed: PassedCounter;
  /** Null until the archive has been read to its end. */
  end: TarEnd | null;
  /** What is told besides, of labels. */
  more?: () => PassedOver[];
}

/** Notes of an archive that is about to be read. */
export function archiveNotes(shard: string): ArchiveNotes {
  return { passed: passedCounter(shard), end: null };
}

/**
 * An archive's samples in order, whether it is read or only looked through.
 *
 * @param shard The archive, for messages.
 * @param queue Its bytes.
 * @param options What is made of pictures and labels, and which split is meant.
 * @param notes Filled in on the way.
 * @throws {DamagedError} As {@linkcode tarMembers}.
 */
export function archiveSamples<P>(
  shard: string,
  queue: ByteQueue,
  { inner, ...options }: Omit<SampleOptions<P>, "passed"> & { inner?: InnerSplits },
  notes: ArchiveNotes,
): AsyncGenerator<TarSample<P>, void, void> {
  const { passed } = notes;
  const members = tarMembers(shard, queue, {
    without(what, name) {
      if (isPicture(splitName(name)?.ending ?? "")) passed.add(what, "has no content in the archive", name);
    },
    ended(end) {
      notes.end = end;
      if (end.odd) passed.add("rest of a shard", `is ${end.odd}`, shard);
      const { kind } = end.gzip ?? {};
      if (kind === "cut") passed.add("end of a gzip stream", "is missing, behind the last picture", shard);
      if (kind === "rest") passed.add("rest of a shard", "is no gzip, behind the last picture", shard);
    },
  });
  const splits = inner !== undefined;
  return wantedSamples(
    tarSamples(wantedMembers(members, passed, inner), { ...options, splits, passed }),
    passed,
    inner,
  );
}

/** Samples without those whose JSON says that they are of other splits. */
async function* wantedSamples<P>(
  samples: AsyncGenerator<TarSample<P>, void, void>,
  passed: PassedCounter,
  inner?: InnerSplits,
): AsyncGenerator<TarSample<P>, void, void> {
  for await (const sample of samples) {
    const { stem, split } = sample, asked = split !== undefined || inner?.isOpen(stem);
    const why = asked ? inner?.whyNot(stem, true, split) ?? null : null;
    if (why === null) yield sample;
    else passed.add("picture", why, stem);
  }
}

/** Members without those of other splits and those that a storage system has made; pictures among these are counted. */
async function* wantedMembers(
  members: AsyncGenerator<TarMember, void, void>,
  passed: PassedCounter,
  inner?: InnerSplits,
): AsyncGenerator<TarMember, void, void> {
  for await (const member of members) {
    const { name } = member, counts = isPicture(splitName(name)?.ending ?? "");
    const isOfOthers = name.split("/").slice(0, -1).some(isOfSystem);
    // What its JSON says of the split counts where names say nothing.
    const why = isOfOthers ? OF_SYSTEM : inner?.isOpen(name) ? null : inner?.whyNot(name, counts) ?? null;
    if (why === null) yield member;
    else if (counts) passed.add("picture", why, name);
  }
}

/** Why an archive whose last member is whole may lack others. */
export function doubtOf(end: TarEnd): ShardDoubt | null {
  if (end.odd) return { kind: "odd", reason: `its members end with ${end.odd}` };
  return end.marked ? null : { kind: "unmarked", reason: "ends without the zeros that the others end with" };
}

/**
 * What several archives passed over, together. An archive without an end mark is whole when all lack it, for then it is its
 * writer's way; where others have one, it may have been cut between two members, and that is told.
 *
 * @param all Notes of the archives.
 */
export function passedInAll(all: Iterable<[shard: string, notes: ArchiveNotes]>): PassedOver[] {
  const entries = [...all], marked = entries.some(([, { end }]) => end?.marked);
  const unmarked = passedCounter();
  for (const [shard, { end }] of marked ? entries : []) {
    if (end && !end.marked) {
      unmarked.add(
        "shard",
        "ends without the zeros that the others end with; it may be cut between two members",
        shard,
      );
    }
  }
  const lists = entries.flatMap(([, { passed, more }]) => [passed.list(), more?.() ?? []]);
  return sumPassed([...lists, unmarked.list()]);
}
