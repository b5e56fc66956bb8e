/** What commands that read pictures have in common. */
import { MAX_BAD } from "../data/epoch/bad_limit.ts";
import { dataSummary } from "../data/sources/help.ts";
import { type BadRecordError, NoPictureError } from "../data/types.ts";
import type { Option } from "./command.ts";
import { text } from "./kinds.ts";
import type { Lines } from "./lines.ts";

/** What a command that takes a URI of pictures says of it. */
export const SOURCES_HELP = `${dataSummary()} (deno task data --help says more)`;

/** Names of classes. */
export const LABELS = {
  kind: text,
  help: "class names, one a line, for tar shards, Parquet and LMDBs whose classes are numbers",
  value: "FILE",
} as const satisfies Option;

/** Bad pictures that are named. */
const NAMED = 5;

/**
 * Names the first bad pictures of one pass, and fails when they are more than 1 %. One alone fails only where it is all there
 * is; records without a picture, such as nulls in a table, do not count.
 *
 * @param total Pictures of the pass.
 * @param progress Where they are named.
 * @returns To be called with each bad one.
 */
export function badPictures(total: number, progress: Lines): (bad: BadRecordError) => void {
  let count = 0, told = false;
  return (bad) => {
    if (bad instanceof NoPictureError) {
      if (!told) progress.line(`passed over: ${bad.message}; and all others without a picture`);
      told = true;
      return;
    }
    if (++count <= NAMED) progress.line(`left out: ${bad.message}`);
    if (count <= Math.max(1, MAX_BAD * total) && count < total) return;
    if (total === 1) throw new Error(`the only picture cannot be read: ${bad.message}`);
    throw new Error(
      `${count} of ${total} pictures cannot be read, more than ${100 * MAX_BAD} %; the last: ${bad.message}`,
    );
  };
}
