import type { EmbeddingInfo } from "./info.ts";

/** Who made features: an encoder, and how its pictures were prepared. */
export type Maker = Pick<EmbeddingInfo, "model" | "digest" | "heads" | "preprocessing">;

/**
 * Refuses features of another encoder, or of pictures that were prepared otherwise.
 *
 * @param known Who made the features that are there already.
 * @param info Who made those of a file.
 * @param path The file, for errors.
 * @throws {Error} When the two cannot be compared.
 */
export function agreedMaker(
  known: Maker | undefined,
  { model, digest, heads, preprocessing }: Maker,
  path: string,
): Maker {
  if (!known) return { model, digest, ...heads !== undefined && { heads }, preprocessing };
  if (known.digest !== digest) {
    throw new Error(
      `${path}: was embedded by another encoder, ${model} (${digest.slice(0, 19)}…), than ${known.model} ` +
        `(${known.digest.slice(0, 19)}…), so its features cannot be compared; embed it again`,
    );
  }
  if (heads !== undefined && known.heads !== undefined && heads !== known.heads) {
    throw new Error(
      `${path}: was embedded with ${heads} attention heads, ${known.model} has ${known.heads}, so its features cannot be ` +
        "compared; embed it again, with the same --heads",
    );
  }
  if (JSON.stringify(known.preprocessing) !== JSON.stringify(preprocessing)) {
    throw new Error(`${path}: its pictures were prepared otherwise; embed it again`);
  }
  return known;
}
