import type { SourceFormat } from "./format.ts";
import { coco } from "./formats/coco.ts";
import { folder } from "./formats/folder.ts";
import { imagenet } from "./formats/imagenet.ts";
import { lmdb } from "./formats/lmdb.ts";
import { market } from "./formats/market.ts";
import { parquet } from "./formats/parquet.ts";
import { sysu } from "./formats/sysu.ts";
import { tar } from "./formats/tar.ts";

/** Every kind of source, in the order in which help lists them and a path is tried. */
export const FORMATS: readonly SourceFormat[] = [folder, lmdb, tar, parquet, coco, imagenet, market, sysu];

/** The format that a prefix names. */
export function formatNamed(
  prefix: string,
  formats: readonly SourceFormat[] = FORMATS,
): SourceFormat | undefined {
  return formats.find(({ name, aliases }) => name === prefix || aliases?.includes(prefix));
}

/** The format that a name's ending tells. */
export function formatByEnding(
  name: string,
  formats: readonly SourceFormat[] = FORMATS,
): SourceFormat | undefined {
  const lower = name.toLowerCase();
  return formats.find(({ endings }) => endings.some((ending) => lower.endsWith(ending)));
}
