import { isPictureName, openFolder } from "../sources/folder.ts";
import { listShards, openShards } from "../sources/shards/read.ts";
import { lmdbVersion } from "../sources/lmdb/format.ts";
import { type LmdbImagesOptions, openLmdbImages } from "../sources/lmdb/images.ts";
import { join, pathError } from "../io/paths.ts";
import { withFileReader } from "../io/reader/file.ts";
import type { Source } from "../types.ts";

/**
 * Opens a data set by what it is: a folder of pictures, a folder of shards, one shard, an LMDB of pictures as Python's lmdb
 * writes it, or a folder with a data.mdb.
 *
 * @param uri A path or a file: URL.
 * @param options Class names for LMDBs whose values hold a class's number.
 * @returns A source with random access; close it when done.
 * @throws Error that says what is wrong with the path and what would be right.
 * @example
 * ```ts ignore
 * const source = await openSource("./my-photos");
 * console.log(source.length, source.labels);
 * await source.close();
 * ```
 */
export async function openSource(
  uri: string,
  options: Pick<LmdbImagesOptions, "labels"> = {},
): Promise<Source> {
  const path = pathOf(uri);
  let stat: Deno.FileInfo;
  try {
    stat = await Deno.stat(path);
  } catch (error) {
    throw pathError(error, path, "read");
  }
  if (!stat.isDirectory) {
    if (isPictureName(path)) throw new Error(`${path}: a single picture; name the folder that it is in`);
    return await openLmdb(path, path, options);
  }
  let shards: string[];
  try {
    shards = await listShards(path);
  } catch (error) {
    throw pathError(error, path, "read");
  }
  if (shards.length > 0) return await openShards(path, shards);
  const single = join(path, "data.mdb");
  if (await Deno.stat(single).then((found) => found.isFile, () => false)) {
    return await openLmdb(path, single, options);
  }
  return await openFolder(path);
}

/** Data version 2 is that of our shards, 1 everybody else's. */
async function openLmdb(path: string, file: string, options: LmdbImagesOptions): Promise<Source> {
  const start = await withFileReader(file, (reader) => reader.read(0, Math.min(256, reader.length)));
  return lmdbVersion(start) === 1 ? await openLmdbImages(path, options) : await openShards(file);
}

function pathOf(uri: string): string {
  if (uri === "") throw new Error("no data named: give a folder of pictures or shards");
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1].toLowerCase();
  if (scheme === "file") return decodeURIComponent(new URL(uri).pathname);
  if (scheme && uri.includes("://")) {
    throw new Error(`${uri}: ${scheme} sources cannot be read; name a local folder of pictures or shards`);
  }
  return uri;
}
