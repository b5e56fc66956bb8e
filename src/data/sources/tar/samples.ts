import { PICTURE_ENDINGS } from "../picture_file.ts";
import { BadRecordError, type ImageRecord } from "../../types.ts";
import type { Reading } from "../class_names.ts";
import { isLabel, isPicture, type SampleLabel, splitName, takeLabel } from "./names.ts";
import type { TarMember } from "./members.ts";

/** How records are made of an archive's files. */
export interface SampleOptions {
  /** What a record gets for what its label files say. Missing: they are not read. */
  classOf?: (reading: Reading, key: string) => Pick<ImageRecord, "label" | "className">;
  /** Pictures of more bytes are bad records. */
  maxMemberBytes: number;
  /** Told of bad records. */
  onBad: (error: BadRecordError) => void;
}

interface Sample {
  stem: string;
  picture?: { rank: number; bytes: Uint8Array } | { rank: number; bad: string };
  label?: SampleLabel;
}

/**
 * Groups consecutive files of one stem to records: one picture and perhaps a label. Samples without a picture are passed
 * over. Of several pictures `jpg`, `jpeg`, `png` … go before `left.png` and the like, and then the first.
 *
 * @param shard The archive, for messages.
 * @param members Its files.
 * @param options Labels and limits.
 */
export async function* tarRecords(
  shard: string,
  members: AsyncGenerator<TarMember, void, void>,
  options: SampleOptions,
): AsyncGenerator<ImageRecord, void, void> {
  let sample: Sample | undefined;
  const finish = (): ImageRecord | undefined => {
    if (!sample) return;
    const { stem, picture, label } = sample;
    if (!picture) return;
    if ("bad" in picture) return void options.onBad(new BadRecordError(shard, stem, picture.bad));
    const known = label && options.classOf?.(label.reading, stem);
    return { source: shard, key: stem, bytes: picture.bytes, ...known };
  };
  for await (const member of members) {
    const name = splitName(member.name);
    if (!name) continue;
    if (sample?.stem !== name.stem) {
      const record = finish();
      if (record) yield record;
      sample = { stem: name.stem };
    }
    await take(sample, name.ending, member, options);
  }
  const record = finish();
  if (record) yield record;
}

async function take(
  sample: Sample,
  ending: string,
  member: TarMember,
  options: SampleOptions,
): Promise<void> {
  if (isPicture(ending)) {
    const rank = pictureRank(ending);
    if (sample.picture && sample.picture.rank <= rank) return;
    sample.picture = member.size > options.maxMemberBytes
      ? {
        rank,
        bad:
          `${ending} of ${member.size} bytes, over the limit of ${options.maxMemberBytes} (maxMemberBytes)`,
      }
      : { rank, bytes: await member.read() };
  } else if (options.classOf && isLabel(ending)) {
    sample.label = await takeLabel(sample.label, ending, member);
  }
}

/** Smaller is taken first. */
export function pictureRank(ending: string): number {
  const plain = PICTURE_ENDINGS.indexOf(ending);
  return plain < 0 ? PICTURE_ENDINGS.length : plain;
}
