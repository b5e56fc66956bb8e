/** What an embedding file says of itself, held against what it must say and what it holds. */
import { isCount, isObject } from "../../files/json_values.ts";
import { EMBEDDING_VERSION, type EmbeddingInfo } from "./info.ts";

/** A file that says that it is an embedding, and cannot be used. */
export class EmbeddingError extends Error {
  override name = "EmbeddingError";
}

/**
 * Refuses a file that does not hold what it says.
 *
 * @throws {EmbeddingError} Always.
 */
export function damaged(path: string, what: string): never {
  throw new EmbeddingError(`${path}: damaged, or changed by another program: ${what}; embed again`);
}

/**
 * Says which file an error is of.
 *
 * @throws {Error} What the work throws, with the file's path.
 */
export async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { message } = cause as Error;
    throw message.startsWith(path) ? cause : new Error(`${path}: ${message}`, { cause });
  }
}

const isText = (value: unknown) => typeof value === "string";
const isShape = (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.every((side) => isCount(side) && side > 0);

/** What must stand there for the file to be read, compared and searched. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: isText,
  digest: isText,
  source: isText,
  count: isCount,
  preprocessing: isObject,
  classes: (value) => Array.isArray(value) && value.every(isText),
  tokens: (value) => isObject(value) && Object.keys(value).length > 0 && Object.values(value).every(isShape),
};

/**
 * Reads what a file says of itself.
 *
 * @param text JSON.
 * @param path Named in errors.
 * @throws {Error} When it was not written by `embed`.
 * @throws {EmbeddingError} When it was written by a newer version, or something is missing or of another kind.
 */
export function parseInfo(text: string | undefined, path: string): EmbeddingInfo {
  let info: Partial<EmbeddingInfo> | undefined;
  try {
    info = JSON.parse(text ?? "");
  } catch { /* told below */ }
  if (info?.format !== "semantic-ae embedding") {
    throw new Error(`${path}: holds no embedding that deno task embed has written (it does not say so)`);
  }
  if (!(Number(info.version) <= EMBEDDING_VERSION)) {
    throw new EmbeddingError(
      `${path}: has format version ${info.version}; this program reads up to ${EMBEDDING_VERSION}. Update it`,
    );
  }
  for (const [name, fits] of Object.entries(FIELDS)) {
    const value: unknown = info[name as keyof EmbeddingInfo];
    if (fits(value)) continue;
    damaged(
      path,
      `of what it says of itself, "${name}" is ${JSON.stringify(value)?.slice(0, 60) ?? "missing"}`,
    );
  }
  return info as EmbeddingInfo;
}

/**
 * Checks that there is a class for each picture, or none.
 *
 * @param labels −1 for none.
 * @throws {EmbeddingError} There are more or fewer labels than pictures, or one is of no class.
 */
export function checkLabels(
  labels: Int32Array,
  { count, classes }: Pick<EmbeddingInfo, "count" | "classes">,
  path: string,
): Int32Array {
  if (labels.length !== count) damaged(path, `${labels.length} labels of ${count} pictures`);
  // Without names, numbers are told nobody.
  const most = classes.length || Infinity;
  const at = labels.findIndex((label) => label < -1 || label >= most);
  if (at >= 0) damaged(path, `picture ${at} is of class ${labels[at]}, of ${classes.length} classes`);
  return labels;
}
