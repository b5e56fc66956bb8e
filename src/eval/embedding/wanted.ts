/** What an embedding is asked to hold. */
import type { EmbeddingFormat } from "./format.ts";
import { type TokenName, TOKENS } from "./info.ts";
import type { EmbedWay } from "./way.ts";
import { requireWhole } from "../../text/whole.ts";

/** What is asked for; see `embedData`. */
export interface Wanted {
  /** The file, and the format that its ending names. */
  out: string;
  format: EmbeddingFormat;
  tokens: readonly TokenName[];
  /** How many last blocks `blocks` means. */
  blocks: number;
  way?: EmbedWay;
  batchSize?: number;
  partBytes?: number;
}

/**
 * Checks what an embedding is to hold, before work starts.
 *
 * @throws {RangeError} When tokens or another option cannot be used.
 */
export function checkWanted(
  { out, tokens, blocks, format, way, batchSize = 64, partBytes = 1 }: Wanted,
): void {
  const refuse = (why: string): never => {
    throw new RangeError(why);
  };
  const unknown = tokens.find((token) => !TOKENS.includes(token));
  if (unknown !== undefined) {
    refuse(`there is no token ${JSON.stringify(unknown)}; take ${TOKENS.join(", ")}`);
  }
  requireWhole("batch size", batchSize);
  if (!(partBytes >= 1)) refuse(`partBytes is ${partBytes}; it must be a number from 1 up`);
  const none = tokens.length === 0 || new Set(tokens).size < tokens.length;
  if (none || (tokens.length > 1 && !format.several)) {
    const why = format.several
      ? "name each kind of token once"
      : `a ${format.ending} file holds one kind of token`;
    refuse(`${out}: ${tokens.join(", ") || "nothing"} cannot be stored there: ${why}`);
  }
  const other = way && tokens.find((token) => token !== "class" && token !== "mean");
  if (other) refuse(`${out}: "${other}" is there for pictures prepared as for evaluation alone`);
  if (!(Number.isInteger(blocks) && blocks >= 1)) refuse(`blocks is ${blocks}; it must be from 1 up`);
}
