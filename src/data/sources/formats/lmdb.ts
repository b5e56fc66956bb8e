import { basename, join } from "node:path";
import { byCodeUnits, pathError } from "../../io/paths.ts";
import type { Source } from "../../types.ts";
import { IS_EMBEDDING, isLmdbEmbedding } from "../embeddings.ts";
import { type OpenRequest, type SourceFormat, SPLIT } from "../format.ts";
import { type InnerSplits, innerSplits } from "../inner_splits.ts";
import { openJoined } from "../joined.ts";
import { lmdbVersion } from "../lmdb/format.ts";
import { openLmdbImages } from "../lmdb/images.ts";
import { countedHere, requestedPath, splitQuestion } from "../named_paths.ts";
import { withPlaces } from "../places.ts";
import { openRight, startOf } from "../right_files.ts";
import { listShards, openShards } from "../shards/read.ts";
import { chooseSplit, NoSplitError, oncePerSplit, splitOf } from "../splits.ts";

/** LMDB: our shards, and pictures as Python's lmdb writes them. */
export const lmdb: SourceFormat = {
  name: "lmdb",
  title: "LMDB",
  endings: [".lmdb", ".mdb"],
  remote: false,
  options: [
    { name: "database", value: "NAME", help: "one of several named databases in the file" },
    SPLIT,
  ],
  shortOption: "database",
  examples: [
    ["./packed", "shards that `deno task pack` wrote"],
    ["lmdb:./bedroom_train_lmdb", "an LMDB of pictures that another program wrote: LSUN, ImageNet, Caffe"],
  ],
  async recognise({ path, entries, start }) {
    return entries === null ? lmdbVersion(start) !== null : (await lmdbsIn(path, entries)).length > 0;
  },
  async open(request) {
    const path = await requestedPath(request), entries = await entriesOf(path);
    const question = splitQuestion(request, path, "LMDB");
    const alone = () =>
      chooseSplit([{ item: path, name: basename(path), split: splitOf(basename(path)) }], question);
    // Where the name states no split, the keys may.
    const openAlone = async () => {
      const other = attempt(alone);
      if (other !== null && splitOf(basename(path)) !== null) throw other;
      return await openOne(path, request, other === null);
    };
    if (entries === null) return await openAlone();
    const found = await lmdbsIn(path, entries);
    if (found.length === 0) {
      throw new Error(`${path}: holds no LMDB: no data.mdb, and no file or folder named .lmdb or .mdb`);
    }
    if (await isSet(path)) return await openShards(alone()[0], await shardsIn(path), request.objects);
    const items = await withPlaces(
      found.map((name) => ({ item: join(path, name), name, split: splitOf(name) })),
      path,
    );
    const [{ name }, ...others] = oncePerSplit(items);
    if (name === "data.mdb" && others.length === 0) return await openAlone();
    const chosen = chooseSplit(items.map((item) => ({ ...item, item })), question);
    const paths = countedHere(chosen, request).map(({ item }) => item);
    return await openJoined(paths, (one) => openOne(one, request));
  },
};

/** The error where a split is asked for that is not there. */
function attempt(choose: () => unknown): NoSplitError | null {
  try {
    choose();
    return null;
  } catch (error) {
    if (error instanceof NoSplitError) return error;
    throw error;
  }
}

/** The names in a folder; null for a file, and for what is not there: its reader says so. */
async function entriesOf(path: string): Promise<string[] | null> {
  if (!await Deno.stat(path).then((info) => info.isDirectory, () => false)) return null;
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (error) {
    throw pathError(error, path, "read");
  }
}

const isDataFile = (name: string) => /\.l?mdb$/.test(name) && !/^lock\.|-lock/.test(name);

/** The LMDBs in a folder: files by their endings, and folders named so that hold one. */
async function lmdbsIn(path: string, entries: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of entries.toSorted(byCodeUnits)) {
    const inside = /(^|[^a-z])l?mdb$/i.test(name) ? await entriesOf(join(path, name)) : null;
    if (inside ? inside.some(isDataFile) : isDataFile(name) && await isMeant(path, name)) found.push(name);
  }
  return found;
}

/**
 * Whether a file's name promises an LMDB of pictures; Microsoft's databases are called .mdb as well, and features may lie beside
 * the pictures that they are of.
 */
async function isMeant(folder: string, name: string): Promise<boolean> {
  if (name === "data.mdb") return true;
  const file = join(folder, name);
  return name.endsWith(".lmdb") ? !await isLmdbEmbedding(file) : await versionOf(file) !== null;
}

/** The shards in a folder. */
async function shardsIn(folder: string): Promise<string[]> {
  const files = await listShards(folder);
  const others = await Promise.all(files.map(isLmdbEmbedding));
  return files.filter((_, i) => !others[i]);
}

/** Data version 2 is that of our shards, 1 everybody else's. */
async function versionOf(file: string): Promise<1 | 2 | null> {
  return lmdbVersion(await startOf(file));
}

/** Whether the .lmdb files in a folder are shards of ours, and not somebody's LMDBs of that name. */
async function isSet(folder: string): Promise<boolean> {
  const files = await shardsIn(folder);
  for (const file of files) if (await versionOf(file) === 1) return false;
  return files.length > 0;
}

/** Opens a file, a folder with its data.mdb, or one of shards. */
async function openOne(
  path: string,
  { options, labels, objects }: OpenRequest,
  named = true,
): Promise<Source> {
  const entries = await entriesOf(path), { database, split: wanted } = options;
  const stated = splitOf(basename(path)) !== null;
  const inner = wanted === "none" ? undefined : innerSplits({ where: path, wanted, named, stated });
  if (entries && !entries.includes("data.mdb")) {
    return await openShards(path, await shardsIn(path), objects);
  }
  const file = entries ? join(path, "data.mdb") : path;
  return await openRight(
    [file],
    (start) => lmdbVersion(start) !== null,
    () => openFile(path, file, { database, labels, objects, inner }),
  );
}

async function openFile(
  path: string,
  file: string,
  { database, labels, objects, inner }: Pick<OpenRequest, "labels" | "objects"> & {
    database?: string;
    inner?: InnerSplits;
  },
): Promise<Source> {
  if (await isLmdbEmbedding(file)) throw new Error(`${file}: ${IS_EMBEDDING}`);
  if (database !== undefined || await versionOf(file) === 1) {
    return await openLmdbImages(path, { database, labels, inner });
  }
  try {
    return await openShards(file, undefined, objects);
  } catch (error) {
    // No shard of ours; pictures under keys of somebody else's are welcome in version 2 as well.
    const source = await openLmdbImages(path, { labels, inner }).catch((reason) => {
      if (reason instanceof NoSplitError) throw reason;
      return null;
    });
    if (source) return source;
    throw error;
  }
}
