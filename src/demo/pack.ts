import { dirname, join } from "node:path";
import { cacheFolder, makeCacheFolder } from "../files/cache_folder.ts";
import { clearLeftovers } from "../files/draft.ts";
import { lockPlace } from "../files/lock.ts";
import { openSource } from "../data/open/open_data.ts";
import { pack } from "../data/pack.ts";
import { SHARD_VERSION } from "../data/sources/shards/format.ts";
import { BadRecordError, type Source } from "../data/types.ts";
import { EMOJI_VERSION, type EmojiFolder, fetchEmoji, type FetchOptions } from "./fetch.ts";
import { HANDS, isHeldOut, type Meaning } from "./select.ts";

/** Where the demo's shards lie; both open with `openSource`. */
export interface DemoShards {
  /** The shards of about 90 % of the meanings, in both hands. */
  train: string;
  /** The shards of the other meanings, in both hands. */
  heldout: string;
}

/** The pictures of some meanings in both hands as a source: keys `hand/unified`, classes are categories. */
export function emojiSource({ folder }: EmojiFolder, meanings: readonly Meaning[]): Source {
  const labels = [...new Set(meanings.map((meaning) => meaning.category))].sort();
  const records = HANDS.flatMap((hand) => meanings.map((meaning) => ({ hand, ...meaning })));
  const key = (index: number) => `${records[index].hand}/${records[index].unified}`;
  return {
    uri: folder,
    length: records.length,
    labels,
    async get(index) {
      const label = labels.indexOf(records[index].category);
      try {
        return { key: key(index), bytes: await Deno.readFile(join(folder, `${key(index)}.png`)), label };
      } catch (error) {
        throw new BadRecordError(folder, key(index), error instanceof Error ? error.message : String(error));
      }
    },
    key: (index) => Promise.resolve(key(index)),
    close: () => Promise.resolve(),
  };
}

/** True when shards are there and can be opened. */
async function opens(path: string): Promise<boolean> {
  try {
    await (await openSource(path)).close();
    return true;
  } catch {
    return false;
  }
}

/** Packs some meanings, unless their shards are there; damaged ones are made anew. This process has the folder locked. */
async function packMeanings(emoji: EmojiFolder, meanings: readonly Meaning[], to: string): Promise<void> {
  if (await opens(to)) return await clearLeftovers(to);
  await Deno.remove(to, { recursive: true }).catch(() => {});
  const { bad } = await pack(emojiSource(emoji, meanings), to);
  if (bad.length === 0) return;
  await Deno.remove(to, { recursive: true });
  throw new Error(
    `${bad.length} of the demo's pictures cannot be read, the first: ${bad[0].key}: ${
      bad[0].reason
    }. Remove ` +
      `${emoji.folder} to have them fetched again`,
  );
}

/**
 * Makes the demo's shards: fetches the pictures and packs them, each only if that has not been done before. Both hands
 * of a meaning are on the same side.
 *
 * @param progress Takes lines for people.
 * @param options Where things lie and where the pictures come from; for tests.
 * @throws {Error} When the pictures cannot be fetched, see `fetchEmoji`, or the cache cannot be written.
 */
export async function prepareDemo(
  progress: (line: string) => void = () => {},
  options: FetchOptions & { shards?: string } = {},
): Promise<DemoShards> {
  const { shards = cacheFolder(`emoji-${EMOJI_VERSION}-shards-${SHARD_VERSION}`), ...fetching } = options;
  const paths = { train: join(shards, "train"), heldout: join(shards, "heldout") };
  if (await opens(paths.train) && await opens(paths.heldout)) {
    for (const path of [shards, paths.train, paths.heldout]) await clearLeftovers(path);
    return paths;
  }
  await makeCacheFolder(dirname(shards));
  await using _lock = await lockPlace(shards, { what: "the demo's shards", waiting: progress, progress });
  // Another process may have made them while we waited.
  if (await opens(paths.train) && await opens(paths.heldout)) return paths;
  const emoji = await fetchEmoji({ progress, ...fetching });
  const heldout = emoji.meanings.filter(({ unified }) => isHeldOut(unified));
  const train = emoji.meanings.filter(({ unified }) => !isHeldOut(unified));
  progress(
    `packing ${train.length} meanings for training and ${heldout.length} held out, by ${HANDS.length} hands`,
  );
  await packMeanings(emoji, train, paths.train);
  await packMeanings(emoji, heldout, paths.heldout);
  return paths;
}
