import { byCodeUnits, isRemote, join, pathError } from "../io/paths.ts";

/** A folder with more entries of one kind is taken for a mistake. */
const MOST = 1_000_000;

/**
 * Names that stand for local files: a folder for the files in it, `*` and `?` in the last part of a path for those that
 * fit. Other names, remote ones among them, stand for themselves.
 *
 * @param names Paths, folders, patterns.
 * @param endings Which files of a folder count, such as `.parquet`.
 * @param options `split`: only files of this split, as Hugging Face names them (`train-00000-of-00002.parquet`,
 * `train.parquet`, `train/…`). Folders are searched two levels deep then.
 * @returns Files, those of one folder or pattern in the order of their characters.
 * @throws Error when nothing fits.
 */
export async function locate(
  names: readonly string[],
  endings: readonly string[],
  options: { split?: string } = {},
): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    if (isRemote(name)) found.push(name);
    else if (/[*?][^/]*$/.test(name)) found.push(...await matching(name));
    else if (await Deno.stat(name).then((info) => info.isDirectory, () => false)) {
      found.push(...await inFolder(name, endings, options.split));
    } else found.push(name);
  }
  return found;
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entries.push(entry) > MOST) throw new Error(`${folder}: more than a million entries`);
    }
  } catch (error) {
    throw pathError(error, folder, "read");
  }
  return entries.sort((a, b) => byCodeUnits(a.name, b.name));
}

async function matching(pattern: string): Promise<string[]> {
  const slash = pattern.lastIndexOf("/"), folder = slash < 0 ? "." : pattern.slice(0, slash) || "/";
  const expression = pattern.slice(slash + 1).replace(/[\\^$.+()|[\]{}]/g, "\\$&")
    .replaceAll("*", ".*").replaceAll("?", ".");
  const fits = new RegExp(`^${expression}$`);
  const files = (await entriesOf(folder)).filter((entry) => !entry.isDirectory && fits.test(entry.name));
  if (files.length === 0) throw new Error(`${pattern}: no file has such a name`);
  return files.map((entry) => slash < 0 ? entry.name : join(folder, entry.name));
}

async function inFolder(folder: string, endings: readonly string[], split?: string): Promise<string[]> {
  const fits = (name: string) => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const inSplit = (path: string) =>
    split === undefined ||
    path.split("/").some((part) =>
      part === split || part.startsWith(`${split}-`) || part.startsWith(`${split}.`)
    );
  const walk = async (below: string, depth: number): Promise<string[]> => {
    const files: string[] = [];
    for (const entry of await entriesOf(join(folder, below))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) {
        if (depth > 0) files.push(...await walk(path, depth - 1));
      } else if (fits(entry.name) && inSplit(path)) files.push(path);
    }
    return files;
  };
  const files = await walk("", 2);
  if (files.length === 0) {
    const which = split === undefined ? "" : ` of split "${split}"`;
    throw new Error(`${folder}: holds no files${which} ending with ${endings.join(", ")}`);
  }
  return files.map((file) => join(folder, file));
}
