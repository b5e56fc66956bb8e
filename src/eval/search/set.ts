/** An embedding file as a set of pictures that is searched. */
import type { EmbeddingFile } from "../embedding/format.ts";
import { requireToken } from "../embedding/format.ts";
import { type TokenName, TOKENS } from "../embedding/info.ts";
import { openEmbedding } from "../embedding/open.ts";
import type { Rows } from "../rows.ts";
import { fileGallery, type Gallery } from "./gallery.ts";

/** Pictures with features that are open to be searched. */
export interface PictureSet {
  file: EmbeddingFile;
  /** Which of the file's features are compared. */
  token: TokenName;
  gallery: Gallery;
  /** The name of each picture. */
  keys: readonly string[];
  /** The class of a picture; undefined where it has none. */
  labelOf(row: number): string | undefined;
  /**
   * The row of a picture by its name; undefined where there is none.
   *
   * @throws {Error} When several pictures have the name.
   */
  rowOf(key: string): number | undefined;
  close(): void;
}

/**
 * Opens an embedding file to be searched.
 *
 * @param path An embedding file.
 * @param token Which features are compared. Default: the class token, or else what the file holds.
 * @returns The set. Features are read when they are needed, names and labels at once.
 * @throws {Error} When it cannot be read, or does not hold the token.
 */
export async function openPictureSet(path: string, token?: TokenName): Promise<PictureSet> {
  const file = await openEmbedding(path);
  try {
    const { info, labels } = file, wanted = token ?? TOKENS.find((name) => info.tokens[name]) ?? "class";
    requireToken(file, wanted);
    const keys = await file.keys();
    let rows: Map<string, number> | undefined;
    return {
      file,
      token: wanted,
      gallery: { ...fileGallery(file, wanted), nameOf: (row) => Promise.resolve(`${path}: ${keys[row]}`) },
      keys,
      labelOf: (row) => info.classes[labels[row]],
      rowOf(key) {
        rows ??= new Map(keys.map((name, row) => [name, row]));
        const row = rows.get(key);
        if (row === undefined) return undefined;
        if (keys.indexOf(key) === row) return row;
        throw new Error(
          `${path}: "${key}" is the name of several pictures, so it does not say which is meant`,
        );
      },
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * The features of some pictures of a set.
 *
 * @param rows Which.
 */
export async function setRows({ file, token }: PictureSet, rows: readonly number[]): Promise<Rows> {
  const parts: Rows[] = [];
  for (const row of rows) parts.push(await file.part(token, row, 1));
  const width = parts[0]?.width ?? 0, data = new Float32Array(rows.length * width);
  parts.forEach((part, i) => data.set(part.data, i * width));
  return { rows: rows.length, width, data };
}
