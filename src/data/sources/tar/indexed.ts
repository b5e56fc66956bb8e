import { expandBraces } from "../../io/braces.ts";
import { numberList, requireIndex } from "../../io/compact_lists.ts";
import { isRemote } from "../../io/paths.ts";
import { PICTURE_ENDINGS } from "../picture_file.ts";
import { byteQueue, DamagedError, fileQueue } from "../../io/reader/chunks.ts";
import { openFileReader } from "../../io/reader/file.ts";
import { readerPool } from "../../io/reader/pool.ts";
import { BadRecordError, type ImageRecord, type Source } from "../../types.ts";
import { labeller, type Reading } from "../class_names.ts";
import { tarMembers } from "./members.ts";
import { isLabel, isPicture, type SampleLabel, splitName, takeLabel } from "./names.ts";
import { pictureRank } from "./samples.ts";
import { MAX_MEMBER_BYTES, type TarOptions } from "./stream.ts";

/** Where each record's picture lies. */
function emptyIndex() {
  return {
    shard: numberList(Uint32Array),
    start: numberList(Float64Array),
    header: numberList(Uint32Array),
    size: numberList(Float64Array),
    label: numberList(Int32Array),
  };
}

/**
 * Opens local, uncompressed tar shards for random access. One pass over the headers makes an index of 28 bytes a record;
 * pictures are not read. Samples are made as in {@linkcode openTarStream}.
 *
 * @param uri A path, braces expanded; or a list of them.
 * @param options Labels and limits. Without given labels, the classes that label files state are collected.
 * @returns A source.
 * @throws Error for a shard that is missing, damaged, compressed or remote, and when there are no pictures.
 */
export async function openTar(uri: string | readonly string[], options: TarOptions = {}): Promise<Source> {
  const shards = (typeof uri === "string" ? [uri] : uri).flatMap(expandBraces);
  const name = options.name ?? (typeof uri === "string" ? uri : uri.join(","));
  const remote = shards.find(isRemote);
  if (remote) throw new Error(`${remote}: random access needs local shards; open remote ones as a stream`);
  const { labels: known = [], classes = true } = options;
  const index = emptyIndex(), classNumbers = labeller(name, known.length > 0 ? known : undefined);
  for (let shard = 0; shard < shards.length; shard++) {
    await indexShard(shards[shard], shard, index, classes ? classNumbers.number : null);
  }
  if (index.start.length === 0) {
    throw new Error(`${name}: no pictures (${PICTURE_ENDINGS.join(", ")}) in the shards`);
  }
  const { labels, final } = classNumbers.finish();
  index.label.update((number) => number < 0 ? -1 : final(number));
  return {
    ...source(name, shards, index, options.maxMemberBytes ?? MAX_MEMBER_BYTES),
    labels: classes ? labels : [],
    passedOver: classNumbers.passedOver,
  };
}

async function indexShard(
  shard: string,
  number: number,
  index: ReturnType<typeof emptyIndex>,
  labelOf: ((reading: Reading, key: string) => number) | null,
): Promise<void> {
  const queue = fileQueue(shard);
  type Found = { start: number; header: number; size: number; rank: number };
  let stem: string | undefined, picture: Found | undefined;
  let label: SampleLabel | undefined;
  const finish = () => {
    if (picture) {
      index.shard.push(number);
      index.start.push(picture.start);
      index.header.push(picture.header);
      index.size.push(picture.size);
      index.label.push(label && labelOf ? labelOf(label.reading, stem!) : -1);
    }
    picture = label = undefined;
  };
  try {
    const [first, second] = await queue.peek(2);
    if (first === 0x1f && second === 0x8b) {
      throw new Error(
        `${shard}: compressed (gzip), so it has no random access; open it as a stream or unpack it`,
      );
    }
    for await (const member of tarMembers(shard, queue)) {
      const parts = splitName(member.name);
      if (!parts) continue;
      if (parts.stem !== stem) finish();
      stem = parts.stem;
      const { ending } = parts;
      if (isPicture(ending) && (!picture || picture.rank > pictureRank(ending))) {
        const { start, offset, size } = member;
        if (offset + size > queue.length) {
          throw new DamagedError(
            `${shard}: ends after ${queue.length} bytes, in the middle of ${member.name}`,
          );
        }
        picture = { start, header: offset - start, size, rank: pictureRank(ending) };
      } else if (labelOf && isLabel(ending)) {
        label = await takeLabel(label, ending, member);
      }
    }
  } finally {
    queue.close();
  }
  finish();
}

function source(
  uri: string,
  shards: readonly string[],
  index: ReturnType<typeof emptyIndex>,
  maxMemberBytes: number,
): Omit<Source, "labels"> {
  const files = readerPool((shard) => openFileReader(shards[shard]));
  const load = async (at: number, size: number): Promise<{ key: string; bytes: Uint8Array<ArrayBuffer> }> => {
    requireIndex(uri, at, index.start.length);
    const shard = index.shard.get(at), header = index.header.get(at);
    const bytes = await files.use(shard, (reader) => reader.read(index.start.get(at), header + size));
    const member = await tarMembers(shards[shard], byteQueue([bytes].values())).next();
    const parts = member.done ? null : splitName(member.value.name);
    if (!parts || member.value?.size !== index.size.get(at)) {
      throw new DamagedError(`${shards[shard]}: changed since it was opened`);
    }
    return { key: parts.stem, bytes: bytes.subarray(header) };
  };
  return {
    uri,
    length: index.start.length,
    async get(at): Promise<ImageRecord> {
      requireIndex(uri, at, index.start.length);
      const size = index.size.get(at), shard = shards[index.shard.get(at)];
      const large = size > maxMemberBytes;
      try {
        const { key, bytes } = await load(at, large ? 0 : size);
        if (large) {
          const reason = `${size} bytes, over the limit of ${maxMemberBytes} (maxMemberBytes)`;
          throw new BadRecordError(shard, key, reason);
        }
        const record: ImageRecord = { source: shard, key, bytes }, label = index.label.get(at);
        if (label >= 0) record.label = label;
        return record;
      } catch (error) {
        // What is wrong with the bytes is the record's fault; what is wrong with the machine is not.
        if (!(error instanceof DamagedError || error instanceof RangeError)) throw error;
        throw new BadRecordError(shard, `record ${at}`, error.message);
      }
    },
    key: async (at) => (await load(at, 0)).key,
    close: () => files.close(),
  };
}
