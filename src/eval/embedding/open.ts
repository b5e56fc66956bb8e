import { isPathError, pathError, requirePath } from "../../files/path_error.ts";
import { openSafetensors } from "../../files/safetensors.ts";
import { EmbeddingError } from "./check.ts";
import type { EmbeddingFile, EmbeddingFormat } from "./format.ts";
import { lmdbFormat } from "./lmdb_format.ts";
import { npyFormat } from "./npy_format.ts";
import { parquetFormat } from "./parquet_format.ts";
import { safetensorsFormat } from "./safetensors_format.ts";

/** The kinds of files that embeddings are written to and read from. */
export const EMBEDDING_FORMATS: readonly EmbeddingFormat[] = [
  safetensorsFormat,
  npyFormat,
  parquetFormat,
  lmdbFormat,
];

function formatByName(path: string): EmbeddingFormat | undefined {
  requirePath(path);
  return EMBEDDING_FORMATS.find(({ ending }) => path.toLowerCase().endsWith(ending));
}

/**
 * The format that a file's name asks for.
 *
 * @throws {RangeError} When its ending is of none; names those that there are.
 */
export function embeddingFormat(path: string): EmbeddingFormat {
  const format = formatByName(path);
  if (format) return format;
  const endings = EMBEDDING_FORMATS.map(({ ending }) => ending).join(", ");
  throw new RangeError(`${path}: the name of an embedding file ends with one of ${endings}`);
}

/**
 * Whether a path is an embedding file, and not pictures or a model. All but .npy files are looked into: a safetensors file
 * may be a model, a Parquet or LMDB file may hold pictures, and each is an embedding where it says so.
 */
export async function isEmbedding(path: string): Promise<boolean> {
  const format = formatByName(path);
  const there = await Deno.stat(path).then(({ isFile }) => isFile, () => false);
  if (!format || !there) return false;
  if (format === npyFormat) return true;
  if (format === safetensorsFormat) {
    const file = await openSafetensors(path).catch(() => null);
    file?.close();
    return file?.metadata.embedding !== undefined;
  }
  try {
    (await format.open(path)).close();
    return true;
  } catch (error) {
    return error instanceof EmbeddingError;
  }
}

/**
 * Opens an embedding that {@linkcode embedData} has written.
 *
 * @param path Its name tells the format.
 * @throws {Error} When there is no such file, it is damaged or no embedding.
 */
export async function openEmbedding(path: string): Promise<EmbeddingFile> {
  try {
    return await embeddingFormat(path).open(path);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    if (why instanceof Deno.errors.NotFound) {
      throw new Error(`${path}: there is no such embedding file`, { cause });
    }
    throw isPathError(cause) ? pathError(cause, path, "read") : cause;
  }
}

/**
 * Refuses to replace what is no embedding: it may be the pictures or the model themselves.
 *
 * @throws {Error} There is such a file.
 */
export async function refuseOther(out: string): Promise<void> {
  if (!await Deno.stat(out).then(({ isFile }) => isFile, () => false)) return;
  try {
    (await openEmbedding(out)).close();
  } catch (cause) {
    throw new Error(
      `${out}: is there already and is no embedding that could be replaced (${
        (cause as Error).message
      }); name another ` +
        "file, or remove it",
      { cause },
    );
  }
}
