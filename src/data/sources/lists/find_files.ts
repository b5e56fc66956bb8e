/** Files beside pictures that may list them. */
import { baseOf, folderOf, join } from "../../io/paths.ts";
import { SPLIT_WORDS } from "../splits.ts";

/** A file that may be a list. */
export interface ListFile {
  path: string;
  /** As seen from the named folder: `meta/train.txt`, `../images.txt`. */
  name: string;
}

/** Tables, whatever they are called; and texts, which may be anything else. */
const TABLE = /\.(csv|tsv|jsonl|ndjson)$|(^|\/)metadata\.parquet$/i, TEXT = /\.(txt|lst)$/i;

/** What stands around a folder. */
export interface Around {
  files: ListFile[];
  /** The folders beside it. */
  folders: string[];
}

/** Words in names of texts that are lists of pictures. */
const LIST_WORDS = new RegExp(
  `${SPLIT_WORDS.join("|")}|images?|labels?|class|annotation|partition|identity|metadata|list`,
  "i",
);

/** What shows how to hand in answers, with any classes. */
const EXAMPLE = /submission/i;

/** Lists that are not read, if their names say that they are of splits: MATLAB's files, and JSON of any kind. */
const UNREAD = /\.(mat|json)$/i, OF_SPLITS = new RegExp(`${SPLIT_WORDS.join("|")}|split|setid`, "i");

/** Whether a file may be a list of splits that is not read, by its name. */
export function isUnreadList(name: string): boolean {
  const base = baseOf(name);
  return UNREAD.test(base) && OF_SPLITS.test(base);
}

/** Folders beside the pictures' that hold lists. */
const LIST_FOLDER =
  /^(meta(data)?|imagesets|anno(tation)?s?|labels?|eval|.*(splits?|lists?|partitions?)([-_ ].*)?)$/i;

/** A folder with more of them has one for each picture. */
const MOST_IN_FOLDER = 200;

/** All that are looked into; and how many folders below the named one they may lie. */
const MOST = 500, DEEPEST = 3;

/** Whether a file may be a list of pictures, by its name. */
export function isListName(name: string): boolean {
  const base = baseOf(name);
  if (EXAMPLE.test(base)) return false;
  return isUnreadList(name) || TABLE.test(name) || (TEXT.test(base) && LIST_WORDS.test(base));
}

/**
 * The files that may list a folder's pictures: in it, beside it, and in folders beside it that are called so.
 *
 * @param root The folder.
 * @param inside Those in it, as {@linkcode isListName} tells, relative to it.
 * @param real Its real path.
 */
export async function listFilesOf(root: string, inside: readonly string[], real: string): Promise<Around> {
  const files = fewInFolder(inside.filter((name) => name.split("/").length <= DEEPEST + 1))
    .map((name) => ({ path: join(root, name), name }));
  const at = real.lastIndexOf("/"), parent = real.slice(0, Math.max(1, at));
  const around = at < 0 || parent === real
    ? { files: [], folders: [] }
    : await beside(parent, real.slice(at + 1));
  return { files: [...files, ...around.files].slice(0, MOST), folders: around.folders };
}

/** Those in the folder around the pictures', and in its folders of lists. */
async function beside(parent: string, own: string): Promise<Around> {
  const found: string[] = [], folders: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    try {
      for await (const { name, isFile, isDirectory } of Deno.readDir(join(parent, folder))) {
        const relative = folder === "" ? name : `${folder}/${name}`;
        if (name.startsWith(".") || (folder === "" && name === own)) continue;
        if (isFile && isListName(name)) found.push(relative);
        if (isDirectory && folder === "") folders.push(name);
        if (isDirectory && (depth > 0 ? depth < 2 : LIST_FOLDER.test(name))) await look(relative, depth + 1);
      }
    } catch {
      // What stands around the named folder is nobody's business where it cannot be read.
    }
  };
  await look("", 0);
  const files = fewInFolder(found).map((name) => ({ path: join(parent, name), name: `../${name}` }));
  return { files, folders };
}

/** Without those of folders that have too many, in the order of names, numbers in them by their size. */
function fewInFolder(names: readonly string[]): string[] {
  const folders = Map.groupBy(names, folderOf);
  const order = new Intl.Collator("en", { numeric: true });
  return [...folders.values()].filter((list) => list.length <= MOST_IN_FOLDER).flat().sort(order.compare);
}
