/** Classes that the folders of a file state. */
import type { SchemaTree } from "npm:hyparquet@1.31.5";
import { type Reading, readStated } from "../class_names.ts";
import { LABEL_NAMES, labelRank } from "../field_names.ts";
import { type Feature, findLabel, type FoundColumn } from "./columns.ts";

/** What writers put in the place of a null. */
const NULL = "__HIVE_DEFAULT_PARTITION__";

/**
 * The class that the folders of a file state: `label=cat/part-0.parquet`. Spark, DuckDB, polars and pyarrow divide tables
 * so, and leave the column out of the files.
 *
 * @param path The file.
 * @param wanted The column's name, where the user says it. Default: any of the usual names of classes.
 * @returns Undefined where no folder states one.
 */
function folderClass(path: string, wanted?: string): Reading | undefined {
  const stated = path.split("/").slice(0, -1).map((part) => /^([^=]+)=(.*)$/s.exec(part))
    .filter((found) => found !== null)
    .filter(([, name]) => wanted === undefined ? labelRank(name) < LABEL_NAMES.length : name === wanted)
    .sort(([, a], [, b]) => labelRank(a) - labelRank(b));
  if (stated.length === 0) return undefined;
  const text = unescaped(stated[0][2]);
  if (text === NULL) return null;
  return readStated(/^\d{1,9}$/.test(text) ? Number(text) : text);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The column of classes ({@linkcode findLabel}); where there is none, the class that the file's folders state.
 *
 * @param path The file.
 * @throws {Error} The column that the user named is not there, or can hold no classes.
 */
export function findClasses(
  root: SchemaTree,
  features: ReadonlyMap<string, Feature>,
  picture: SchemaTree,
  { classes, label: wanted }: { classes?: boolean; label?: string },
  path: string,
): FoundColumn<SchemaTree | null> & { folder?: Reading } {
  const none = { leaf: null, passedOver: [] };
  if (classes === false) return none;
  const folder = folderClass(path, wanted);
  const isThere = wanted === undefined || root.children.some(({ element }) => element.name === wanted);
  if (folder !== undefined && !isThere) return { ...none, folder };
  const found = findLabel(root, features, picture, wanted);
  return found.leaf || folder === undefined ? found : { ...found, folder };
}
