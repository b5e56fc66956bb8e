import type { Embedding, EmbedOptions } from "../embed.ts";
import { besideRows, type Rows } from "../rows.ts";
import type { TokenName } from "./info.ts";

/**
 * What an embedder has to give for a token.
 *
 * @param shape The token's features of one picture.
 */
export function embedOptionsOf(
  token: TokenName,
  shape: readonly number[],
): Pick<EmbedOptions, "patches" | "blocks"> {
  return { patches: token === "all", blocks: token === "blocks" ? shape[0] : 0 };
}

/** The features of a batch by token, as an embedding file holds them: one row a picture. */
export function tokenRows({ class: first, mean, blocks, patches }: Embedding, token: TokenName): Rows {
  switch (token) {
    case "class":
      return first;
    case "mean":
      return mean;
    case "blocks":
      return blocks!;
    case "all":
      return besideRows(first, patches!);
    default:
      return token satisfies never;
  }
}
