import { DamagedError } from "../../io/reader/chunks.ts";
import { baseOf } from "../../io/paths.ts";
import type { PassedCounter } from "../passed_over.ts";
import {
  endingRank,
  isJson,
  isLabel,
  isPicture,
  MOST_LABEL,
  type SampleLabel,
  splitInJson,
  splitName,
  takeLabel,
} from "./names.ts";
import type { TarMember } from "./members.ts";

/** How samples are made. */
export interface SampleOptions<P> {
  /** Makes of a picture's file what the sample keeps of it. */
  take: (member: TarMember, ending: string) => Promise<P>;
  /** Whether label files are read. */
  classes: boolean;
  /** Whether JSON is asked for splits. Default false. */
  splits?: boolean;
  /** Told of what is no part of a sample with a picture. */
  passed: PassedCounter;
}

/** Files of one stem that stand side by side: a picture, and a label if there is one. */
export interface TarSample<P> {
  stem: string;
  /** What was made of the picture's file, and its name. */
  picture: P;
  name: string;
  /** What its label files say. */
  label?: SampleLabel;
  /** The split that its JSON states. */
  split?: string;
}

/** Samples whose JSON is read for splits alone: where none of these states one, none does. */
const LOOKED_AT = 20;

interface Group<P> {
  stem: string;
  /** The ending of its first file. */
  first: { ending: string; name: string };
  picture?: { value: P; ending: string; rank: number; name: string };
  label?: SampleLabel;
  split?: string;
}

/**
 * Groups an archive's files to samples, as WebDataset does: files that stand side by side and have the same stem, which
 * ends at the first dot of the file's name. A sample has one picture: `jpg`, `jpeg`, `png` … go before `left.png` and the
 * like, `mask.png` behind those, and then the first one counts; of two files of the same name the last one, as when tar
 * unpacks them.
 *
 * @param members The archive's files.
 */
export async function* tarSamples<P>(
  members: AsyncGenerator<TarMember, void, void>,
  { take, classes, splits = false, passed }: SampleOptions<P>,
): AsyncGenerator<TarSample<P>, void, void> {
  let group: Group<P> | undefined, look = splits ? LOOKED_AT : 0;
  const splitIn = (bytes: Uint8Array): string | undefined => {
    const split = look > 0 ? splitInJson(bytes) : null;
    // Where one has it, all are asked.
    look = split === null ? look - 1 : Infinity;
    return split ?? undefined;
  };
  const finished = (): TarSample<P>[] => {
    if (!group) return [];
    const { stem, first, picture, label, split } = group;
    group = undefined;
    if (picture) {
      return [{
        stem,
        picture: picture.value,
        name: picture.name,
        ...(label && { label }),
        ...(split !== undefined && { split }),
      }];
    }
    const inner = /\.(tar|tar\.gz|tgz|zip)$/i.exec(first.name);
    const why = inner
      ? "is an archive in the archive: unpack the outer one, and name the folder"
      : `has no picture, only .${first.ending}; all files of a sample have its name up to the first dot, and stand side by side`;
    passed.add("sample", why, first.name);
    return [];
  };
  try {
    for await (const member of members) {
      const name = splitName(member.name);
      if (!name) {
        passUnnamed(member.name, passed);
        continue;
      }
      if (group?.stem !== name.stem) {
        yield* finished();
        group = { stem: name.stem, first: { ending: name.ending, name: member.name } };
      }
      let file: TarMember = member;
      if (look > 0 && isJson(name.ending) && member.size <= MOST_LABEL) {
        const bytes = await member.read();
        file = { ...member, read: () => Promise.resolve(bytes) };
        group.split = splitIn(bytes) ?? group.split;
      }
      await add(group, name.ending, file, { take, classes, passed });
    }
  } catch (error) {
    // A picture that came whole before the damage is a picture; its label may be behind it.
    if (error instanceof DamagedError && group?.picture) yield* finished();
    throw error;
  }
  yield* finished();
}

/** Tells of a hidden file, or one without an ending, if it could be a picture. */
function passUnnamed(name: string, passed: PassedCounter): void {
  const base = baseOf(name);
  if (!base.startsWith(".")) passed.add("file without an ending", "cannot be told to be a picture", name);
  else if (isPicture(base.toLowerCase())) {
    passed.add("hidden file", "has a name that begins with a dot", name);
  }
}

async function add<P>(
  group: Group<P>,
  ending: string,
  member: TarMember,
  { take, classes, passed }: SampleOptions<P>,
): Promise<void> {
  const { picture } = group;
  if (classes && isLabel(ending)) group.label = await takeLabel(group.label, ending, member);
  if (!isPicture(ending)) return;
  const rank = endingRank(ending), again = picture?.ending === ending;
  if (picture) {
    passed.add(
      "picture",
      again
        ? "has the name of one before it; the last one counts"
        : "stands in a sample that has one already; a sample's name ends at the first dot of a file's name, so rename " +
          "files that have more dots",
      member.name,
    );
  }
  if (!picture || again || rank < picture.rank) {
    group.picture = { value: await take(member, ending), ending, rank, name: member.name };
  }
}
