/** What a mask's file tells beside its pixels: whether its colours are exact, and which entries of a palette they are. */
import { Buffer } from "node:buffer";
import { chunkAt } from "../../data/picture/png_mend.ts";
import { pngChunk } from "../../data/picture/png.ts";
import { letters, sniff } from "../../data/picture/sniff.ts";
import { isDeepGrey, isLossyTiff } from "../../data/picture/tiff.ts";

/** Where a PNG's header has the bits of a channel, and its kind of colours. */
const PNG_BITS = 24, PNG_COLOURS = 25, PALETTE = 3;

/** The colour of pixels that do not count: white, 255 in a grey mask; entry 255 of a palette becomes it. */
export const IGNORED = 0xffffff;

/** By this entry of a palette Pascal VOC and its kin mark pixels that do not count. */
const IGNORED_ENTRY = 255;

/** Whether a WebP, also in the extended container, has frames that were stored with loss. */
function isLossyWebp(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length;) {
    const type = letters(bytes, at, at + 4), length = view.getUint32(at + 4, true);
    if (type === "VP8 ") return true;
    // A frame of an animation: sixteen bytes, then chunks of its own.
    at += type === "ANMF" ? 24 : 8 + length + length % 2;
  }
  return false;
}

/**
 * Why colours of a mask are not those that its maker stored. Classes would be made up, or run into one another.
 *
 * @param bytes A picture's file.
 * @returns What it is and what to do; undefined where colours are exact.
 */
export function whyInexact(bytes: Uint8Array): string | undefined {
  const format = sniff(bytes);
  const lossy = format === "jpeg"
    ? "a JPEG"
    : format === "avif"
    ? "an AVIF"
    : format === "webp" && isLossyWebp(bytes)
    ? "a WebP with loss"
    : format === "tiff" && isLossyTiff(bytes)
    ? "a TIFF compressed as JPEG or WebP are"
    : undefined;
  if (lossy) {
    return `is ${lossy}, which changes colours, of which each is a class: store masks without loss (PNG)`;
  }
  if ((format === "png" && bytes[PNG_BITS] === 16) || (format === "tiff" && isDeepGrey(bytes))) {
    return "has 16 bits a channel, of which 8 are read, so that classes run into one another: store masks with 8 bits";
  }
  return undefined;
}

/** A mask's file to decode, and what its pixels then are. */
export interface MaskEntries {
  bytes: Uint8Array;
  /** Colours as 0xrrggbb of a palette's entries, which the pixels are, as grey levels; undefined for colours. */
  palette?: readonly number[];
}

/**
 * A PNG that decodes to the entries of its palette, and without colours that count as transparent: those were stored, too.
 *
 * @param bytes A picture's file; one that is no PNG is left as it is.
 */
export function maskEntries(bytes: Uint8Array): MaskEntries {
  if (sniff(bytes) !== "png") return { bytes };
  const parts = [bytes.subarray(0, 8)];
  let palette: readonly number[] | undefined, at = 8;
  for (let chunk = chunkAt(bytes, at); chunk && chunk.type !== "IDAT"; chunk = chunkAt(bytes, at)) {
    if (chunk.type === "PLTE" && bytes[PNG_COLOURS] === PALETTE) {
      const { content } = chunk, count = Math.floor(content.length / 3);
      palette = Array.from({ length: count }, (_, i) => Buffer.from(content).readUIntBE(3 * i, 3));
      parts.push(pngChunk("PLTE", Uint8Array.from({ length: 3 * count }, (_, i) => Math.floor(i / 3))));
    } else if (chunk.type !== "tRNS") parts.push(bytes.subarray(at, chunk.end));
    at = chunk.end;
  }
  parts.push(bytes.subarray(at));
  return { bytes: new Uint8Array(Buffer.concat(parts)), palette };
}

/**
 * The colours of a palette's entries, of which the last of 256 does not count.
 *
 * @param entries One a pixel.
 * @returns Colours by entry; `same`, two entries of one colour that both occur, where classes run into one another.
 */
export function entryColours(
  entries: Iterable<number>,
  palette: readonly number[],
): { colours: readonly number[]; same?: readonly [number, number] } {
  const colours = palette.map((colour, entry) => entry === IGNORED_ENTRY ? IGNORED : colour);
  const owners = new Map<number, number>();
  for (const entry of [...new Set(entries)].sort((a, b) => a - b)) {
    if (entry === IGNORED_ENTRY) continue;
    const owner = owners.get(colours[entry]);
    if (owner !== undefined) return { colours, same: [owner, entry] };
    owners.set(colours[entry], entry);
  }
  return { colours };
}
