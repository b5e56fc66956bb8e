import type { Rows } from "../rows.ts";
import type { EmbeddingInfo, TokenName } from "./info.ts";

/** Reads pictures' names: one that begins with a byte order mark (U+FEFF) keeps it. */
export const NAMES = new TextDecoder("utf-8", { ignoreBOM: true });

/** Some pictures of an embedding that is written. */
export interface ContentPart {
  count: number;
  keys(): Promise<string[]>;
  /** count × the token's size. */
  rows(token: TokenName): Promise<Float32Array>;
}

/** An embedding that is written, part by part, so that it need not fit into memory. */
export interface EmbeddingContent {
  info: EmbeddingInfo;
  /** The class of each picture, −1 for none. */
  labels: Int32Array;
  parts: readonly ContentPart[];
}

/** An embedding file that is open. */
export interface EmbeddingFile {
  path: string;
  info: EmbeddingInfo;
  /** The class of each picture, an index into `info.classes`; −1 for none. */
  labels: Int32Array;
  /** The name of each picture. */
  keys(): Promise<string[]>;
  /**
   * All features of one token, one row a picture: of `blocks` and `all` those of each picture side by side.
   *
   * @throws {Error} When the file does not hold it.
   */
  rows(token: TokenName): Promise<Rows>;
  /**
   * As `rows`, of `count` pictures from `from` on, which must be there.
   *
   * @throws {Error} When the file does not hold the token.
   */
  part(token: TokenName, from: number, count: number): Promise<Rows>;
  /** Safe to call twice; reads throw afterwards. */
  close(): void;
}

/** A kind of embedding file. */
export interface EmbeddingFormat {
  /** How its names end, with the dot. */
  ending: string;
  /** Whether a file holds several kinds of tokens. */
  several: boolean;
  /** One phrase for the help. */
  help: string;
  /**
   * Writes a file, whole or not at all.
   *
   * @throws {Error} When it cannot be written.
   */
  write(path: string, content: EmbeddingContent): Promise<void>;
  /**
   * Opens a file.
   *
   * @throws {Error} When it is damaged, or no embedding.
   */
  open(path: string): Promise<EmbeddingFile>;
}

/**
 * Refuses a token that a file does not hold.
 *
 * @throws {Error} When it is not there; names those that are.
 */
export function requireToken(
  { path, info }: Pick<EmbeddingFile, "path" | "info">,
  token: TokenName,
): number[] {
  const shape = info.tokens[token];
  if (shape) return shape;
  const held = Object.keys(info.tokens).join(", ");
  throw new Error(
    `${path}: holds ${held}, but "${token}" is needed; embed again with --tokens ${held},${token}`,
  );
}
