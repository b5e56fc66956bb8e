import { redact } from "../../../files/redact.ts";
import { httpStream } from "../../io/http/stream.ts";
import { type HttpOptions, MissingFileError } from "../../io/http/types.ts";
import { byteQueue, DamagedError, fileChunks } from "../../io/reader/chunks.ts";
import { closable } from "../../io/reader/closable.ts";
import { gunzipped } from "../../io/reader/gunzip.ts";
import { expandNames } from "../../io/braces.ts";
import { isRemote, pathError } from "../../io/paths.ts";
import { shownNames } from "../../io/shown_names.ts";
import type { OpenShardOptions, StreamSource } from "../../epoch/shuffle.ts";
import { BadRecordError, type ImageRecord, LostRecordsError } from "../../types.ts";
import { labeller, numbersOf, type Reading, sameName } from "../class_names.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { IS_MASK, maskWatch } from "../masks.ts";
import { type ArchiveNotes, archiveNotes, archiveSamples, doubtOf, passedInAll } from "./archive.ts";
import { classOfFolder } from "./folder_classes.ts";
import { lookAhead } from "./look_ahead.ts";
import type { TarMember } from "./members.ts";
import type { TarSample } from "./samples.ts";

/** How tar shards are read. */
export interface TarOptions {
  /** What the user named. Default: the shards' names. */
  name?: string;
  /** Class names, where label files hold numbers of known classes, or names whose order is wanted. */
  labels?: readonly string[];
  /** Whether label files are read. Default true. */
  classes?: boolean;
  /** Pictures of more bytes are bad records. Default 256 MiB. */
  maxMemberBytes?: number;
  /** Keeps splits inside of the archives apart. Default: all members count. */
  inner?: InnerSplits;
  /** Patience with servers. */
  http?: HttpOptions;
}

/** The default of {@linkcode TarOptions.maxMemberBytes}. */
export const MAX_MEMBER_BYTES: number = 256 * 2 ** 20;

/**
 * Opens tar shards, as WebDataset writes them, for reading in order: `.tar` and `.tar.gz` (told by their bytes), local or
 * over http(s) without temporary files. Samples are made as {@linkcode tarSamples} says; `passedOver` counts what is no part
 * of one, in the shards read so far.
 *
 * A shard that is damaged, cut short or gone gives the pictures before that place, and then a
 * {@linkcode LostRecordsError}.
 *
 * @param uri A path or URL, braces expanded; or a list of them as they stand.
 * @param options Labels, limits and patience.
 * @returns A source; its shards are opened one by one.
 * @throws {Error} A local shard is missing.
 */
export async function openTarStream(
  uri: string | readonly string[],
  options: TarOptions = {},
): Promise<StreamSource> {
  const { shown: shards, real } = shownNames(typeof uri === "string" ? expandNames(uri) : uri);
  const { labels = [], classes = true, maxMemberBytes = MAX_MEMBER_BYTES } = options;
  const name = redact(options.name ?? (typeof uri === "string" ? uri : uri.join(",")));
  for (const shard of shards) {
    if (isRemote(shard)) continue;
    try {
      await Deno.stat(shard);
    } catch (error) {
      throw pathError(error, shard, "read");
    }
  }
  const stop = new AbortController(), notes = new Map<string, ArchiveNotes>();
  const byFolder = classes ? folderClasses(labels, options.inner !== undefined) : () => ({});
  // Whether label files say anything, so that folders' names are none of the classes.
  const seen = { stated: !classes };
  const open = (
    shard: string,
    { signal, onBad, onDoubt }: OpenShardOptions = {},
  ): AsyncIterable<ImageRecord> => {
    const complain = onBad ?? ((error: BadRecordError) => {
      throw error;
    });
    return closable(async function* (inner) {
      const either = AbortSignal.any([inner, stop.signal]);
      const mine = archiveNotes(shard), classOf = classesOf(name, labels, mine);
      const plain = gunzipped(
        shard,
        isRemote(shard) ? httpStream(real(shard), {}, options.http, either) : fileChunks(shard),
      );
      try {
        const making = { take: taken(maxMemberBytes), classes, inner: options.inner };
        const isMask = maskWatch(), all = archiveSamples(shard, byteQueue(plain), making, mine);
        for await (const sample of settled(all, seen, byFolder)) {
          either.throwIfAborted();
          // A shard that is read again is counted again.
          notes.set(shard, mine);
          if (isMask(sample.name)) {
            mine.passed.add("picture", IS_MASK, sample.name);
            continue;
          }
          const record = recordOf(shard, sample, seen.stated ? classOf : byFolder);
          if (record instanceof BadRecordError) complain(record);
          else yield record;
        }
      } catch (error) {
        const reason = lossOf(shard, error);
        if (reason === null) throw error;
        complain(new LostRecordsError(shard, reason));
      } finally {
        await plain.return();
      }
      const missing = shards.length === 1 && !notes.has(shard) ? options.inner?.missing() : null;
      if (missing) throw missing;
      notes.set(shard, mine);
      if (!mine.end) return;
      const { gzip } = mine.end, doubt = doubtOf(mine.end);
      if (gzip?.kind === "checksum") {
        complain(new BadRecordError(shard, "(the whole shard)", gzip.message.replace(`${shard}: `, "")));
      }
      if (doubt) onDoubt?.(doubt);
    }, signal);
  };
  return {
    uri: name,
    labels: classes ? labels : [],
    shards,
    open,
    passedOver: () => passedInAll(notes),
    close(): Promise<void> {
      stop.abort(new Error(`${name}: the source was closed`));
      return Promise.resolve();
    },
  };
}

/** A picture's bytes, or what is wrong with it. */
type Taken = Uint8Array<ArrayBuffer> | { bad: string };

/** Samples, those with a folder's class not before label files were looked for behind them. */
function settled(
  samples: AsyncIterable<TarSample<Taken>>,
  seen: { stated: boolean },
  byFolder: ClassOf,
): AsyncGenerator<TarSample<Taken>, void, void> {
  return lookAhead(samples, sizeOf, () => seen.stated, ({ label, stem }) => {
    seen.stated ||= label !== undefined;
    return !seen.stated && Object.keys(byFolder(null, stem)).length > 0;
  });
}

const sizeOf = ({ picture }: TarSample<Taken>) => "bad" in picture ? 0 : picture.length;

function taken(most: number): (member: TarMember, ending: string) => Promise<Taken> {
  return async (member, ending) => {
    if (member.size <= most) return await member.read();
    return { bad: `${ending} of ${member.size} bytes, over the limit of ${most} (maxMemberBytes)` };
  };
}

type ClassOf = (reading: Reading, key: string) => Pick<ImageRecord, "label" | "className">;

/** What a record gets for what its label files say. */
function classesOf(uri: string, labels: readonly string[], notes: ArchiveNotes): ClassOf {
  const numbers = labeller(uri, labels.length > 0 ? labels : undefined);
  notes.more = numbers.passedOver;
  return (reading, key) => {
    // Without a list the names are not known before the end, so each record says its own.
    if (labels.length === 0 && typeof reading === "string") return { className: reading };
    if (labels.length === 0 && typeof reading === "number") return { label: reading };
    const label = numbers.number(reading, key);
    return label < 0 ? {} : { label };
  };
}

/** What a record gets for the folder that it is in. */
function folderClasses(labels: readonly string[], splits: boolean): ClassOf {
  const known = numbersOf(labels);
  return (_, key) => {
    const className = classOfFolder(key, splits);
    if (className === undefined) return {};
    if (labels.length === 0) return { className };
    const [label, ...more] = known.get(sameName(className)) ?? [];
    return label === undefined || more.length > 0 ? {} : { label };
  };
}

function recordOf(
  shard: string,
  { stem, picture, label }: TarSample<Taken>,
  classOf: ClassOf,
): ImageRecord | BadRecordError {
  if ("bad" in picture) return new BadRecordError(shard, stem, picture.bad);
  return { source: shard, key: stem, bytes: picture, ...classOf(label?.reading ?? null, stem) };
}

/** Why the rest of a shard is lost; null where the machine or the server is at fault, and a new try may go well. */
function lossOf(shard: string, error: unknown): string | null {
  if (error instanceof DamagedError) return error.message.replace(`${shard}: `, "");
  if (error instanceof MissingFileError) return error.message.replace(`${redact(shard)}: `, "");
  // The file was there when the source was opened.
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof Deno.errors.NotFound ? "the file is gone" : null;
}
