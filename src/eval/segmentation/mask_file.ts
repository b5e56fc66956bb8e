/** What a mask's file tells beside its pixels: whether its colours are exact, and which of them does not count. */
import { chunkAt } from "../../data/picture/png_mend.ts";
import { letters, sniff } from "../../data/picture/sniff.ts";
import { isDeepGrey } from "../../data/picture/tiff.ts";

/** Where a PNG's header has the bits of a channel. */
const PNG_BITS = 24;

/**
 * Why colours of a mask are not those that its maker stored. Classes would be made up, or run into one another.
 *
 * @param bytes A picture's file.
 * @returns What it is and what to do; undefined where colours are exact.
 */
export function whyInexact(bytes: Uint8Array): string | undefined {
  const format = sniff(bytes);
  if (format === "jpeg" || (format === "webp" && letters(bytes, 12, 16) === "VP8 ")) {
    return `is a ${
      format === "jpeg" ? "JPEG" : "WebP with loss"
    }, which changes colours, of which each is a class: store masks without loss (PNG)`;
  }
  if ((format === "png" && bytes[PNG_BITS] === 16) || (format === "tiff" && isDeepGrey(bytes))) {
    return "has 16 bits a channel, of which 8 are read, so that classes run into one another: store masks with 8 bits";
  }
  return undefined;
}

/**
 * The colour of entry 255 in a PNG's palette, by which Pascal VOC and its kin mark pixels that do not count.
 *
 * @param bytes A picture's file.
 * @returns 0xrrggbb; undefined where there is no such entry, or another one has its colour too.
 */
export function voidColour(bytes: Uint8Array): number | undefined {
  if (sniff(bytes) !== "png") return undefined;
  for (let chunk = chunkAt(bytes, 8); chunk && chunk.type !== "IDAT"; chunk = chunkAt(bytes, chunk.end)) {
    if (chunk.type !== "PLTE" || chunk.content.length !== 256 * 3) continue;
    const { content } = chunk;
    const colour = (entry: number) =>
      (content[3 * entry] << 16) | (content[3 * entry + 1] << 8) | content[3 * entry + 2];
    const last = colour(255), shared = Array.from({ length: 255 }, (_, i) => colour(i)).includes(last);
    return shared ? undefined : last;
  }
  return undefined;
}
