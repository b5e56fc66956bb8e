/** From the words of a command line to pictures: files, folders, URIs. */
import type { Lines } from "../cli/lines.ts";
import { requireIndex } from "../data/io/compact_lists.ts";
import { join } from "../data/io/paths.ts";
import { collect } from "../data/open/collect.ts";
import { openData } from "../data/open/open_data.ts";
import { isPictureName, readPicture } from "../data/sources/picture_file.ts";
import { openJoined } from "../data/sources/joined.ts";
import type { Source } from "../data/types.ts";

/** Pictures' files as a source; keys are the paths as they were given. */
export function pictureFiles(paths: readonly string[]): Source {
  const uri = paths.length === 1 ? paths[0] : `${paths.length} files`;
  const at = (index: number) => {
    requireIndex(uri, index, paths.length);
    return paths[index];
  };
  return {
    uri,
    length: paths.length,
    labels: [],
    get: async (index) => ({ key: at(index), bytes: await readPicture(uri, at(index), at(index)) }),
    key: (index) => Promise.resolve(at(index)),
    close: () => Promise.resolve(),
  };
}

/** A data set's pictures with its name before their keys, or that of the one of several that it is made of. */
function withNames(source: Source): Source {
  const { uri, parts, origin } = source;
  const named = (index: number, key: string) =>
    join(parts && origin ? parts[origin(index).part].uri : uri, key);
  return {
    ...source,
    get: async (index) => {
      const record = await source.get(index);
      return { ...record, key: named(index, record.key) };
    },
    key: async (index) => named(index, await source.key(index)),
    place(index) {
      const place = source.place?.(index);
      // A key that stands with the bytes would come without the name.
      return place?.key === undefined ? null : { ...place, key: named(index, place.key) };
    },
  };
}

/**
 * Opens pictures: words that are names of pictures' files are read as such, all others as data sets, in the order given.
 * Where a data set is not alone, its name stands before its pictures' keys, so that pictures of one name are told apart.
 *
 * @param words At least one.
 * @throws {Error} When a data set cannot be opened.
 */
export async function openPictures(words: readonly string[], progress: Lines): Promise<Source> {
  // Files that follow each other are one source.
  const groups: string[][] = [];
  let files = false;
  for (const word of words) {
    const isFile = isPictureName(word) && await Deno.stat(word).then((info) => info.isFile, () => false);
    if (isFile && files) groups.at(-1)!.push(word);
    else groups.push([word]);
    files = isFile;
  }
  const keys = groups.map((_, i) => String(i));
  return await openJoined(keys, async (key) => {
    const group = groups[Number(key)], [word] = group;
    const single = isPictureName(word) && await Deno.stat(word).then((info) => info.isFile, () => false);
    if (single) return pictureFiles(group);
    const data = await openData(word, { classes: false, role: "test", progress: progress.line });
    const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
    return groups.length > 1 || source.parts ? withNames(source) : source;
  });
}
