import { httpStream } from "../../io/http/stream.ts";
import type { HttpOptions } from "../../io/http/types.ts";
import { byteQueue, DamagedError, fileChunks, gunzipped } from "../../io/reader/chunks.ts";
import { closable } from "../../io/reader/closable.ts";
import { expandBraces } from "../../io/braces.ts";
import { isRemote, pathError } from "../../io/paths.ts";
import type { OpenShardOptions, StreamSource } from "../../epoch/shuffle.ts";
import { BadRecordError, type ImageRecord } from "../../types.ts";
import { labeller, type Reading } from "../class_names.ts";
import { tarMembers } from "./members.ts";
import { tarRecords } from "./samples.ts";

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
  /** Patience with servers. */
  http?: HttpOptions;
}

/** The default of {@linkcode TarOptions.maxMemberBytes}. */
export const MAX_MEMBER_BYTES: number = 256 * 2 ** 20;

/**
 * Opens tar shards, as WebDataset writes them, for reading in order: `.tar` and `.tar.gz` (told by their bytes), local or
 * over http(s) without temporary files. Consecutive files of one stem are one sample.
 *
 * @param uri A path or URL, braces expanded; or a list of them.
 * @param options Labels, limits and patience.
 * @returns A source; its shards are opened one by one.
 * @throws Error when a local shard is missing.
 */
export async function openTarStream(
  uri: string | readonly string[],
  options: TarOptions = {},
): Promise<StreamSource> {
  const shards = (typeof uri === "string" ? [uri] : uri).flatMap(expandBraces);
  const { labels = [], classes = true, maxMemberBytes = MAX_MEMBER_BYTES } = options;
  const name = options.name ?? (typeof uri === "string" ? uri : uri.join(","));
  const classNumbers = labeller(name, labels.length > 0 ? labels : undefined);
  const classOf = (reading: Reading, key: string): Pick<ImageRecord, "label" | "className"> => {
    // Without a list the names are not known before the end, so each record says its own.
    if (labels.length === 0 && typeof reading === "string") return { className: reading };
    if (labels.length === 0 && typeof reading === "number") return { label: reading };
    const label = classNumbers.number(reading, key);
    return label < 0 ? {} : { label };
  };
  for (const shard of shards) {
    if (isRemote(shard)) continue;
    try {
      await Deno.stat(shard);
    } catch (error) {
      throw pathError(error, shard, "read");
    }
  }
  const stop = new AbortController();
  const open = (shard: string, { signal, onBad }: OpenShardOptions = {}): AsyncIterable<ImageRecord> => {
    const complain = onBad ?? ((error: BadRecordError) => {
      throw error;
    });
    return closable(async function* (inner) {
      const either = AbortSignal.any([inner, stop.signal]);
      const chunks = isRemote(shard) ? httpStream(shard, {}, options.http, either) : fileChunks(shard);
      const plain = gunzipped(shard, chunks);
      const members = tarMembers(shard, byteQueue(plain));
      try {
        const making = { classOf: classes ? classOf : undefined, maxMemberBytes, onBad: complain };
        for await (const record of tarRecords(shard, members, making)) {
          either.throwIfAborted();
          yield record;
        }
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
        complain(
          new BadRecordError(shard, "(the rest of the shard)", error.message.replace(`${shard}: `, "")),
        );
      } finally {
        await plain.return();
      }
    }, signal);
  };
  return {
    uri: name,
    labels: classes ? labels : [],
    shards,
    open,
    passedOver: classNumbers.passedOver,
    close(): Promise<void> {
      stop.abort(new Error(`${name}: the source was closed`));
      return Promise.resolve();
    },
  };
}
