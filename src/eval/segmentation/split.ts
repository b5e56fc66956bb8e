/** A folder of pictures with masks in two parts. */
import { holdoutOrder } from "../split.ts";
import type { MaskedFile } from "./masked_files.ts";

/**
 * Parts pictures with masks at random, the same way for the same seed and number.
 *
 * @param share The share of the test pictures.
 * @param folder Named in errors.
 * @throws {RangeError} When a part would be empty.
 */
export function splitFiles(
  files: readonly MaskedFile[],
  share: number,
  seed: number,
  folder: string,
): { train: MaskedFile[]; test: MaskedFile[] } {
  const { train, test } = holdoutOrder(files.length, share, seed, folder);
  return { train: train.map((i) => files[i]), test: test.map((i) => files[i]) };
}
