/** Contact sheets of what a search has found. */
import { decodePicture } from "../../data/picture/decode.ts";
import { ADVANCE, canvas, type Colour, write } from "../../data/picture/drawing.ts";
import { resize } from "../../data/picture/resize.ts";
import { type Picture, PictureError } from "../../data/types.ts";

/** A picture of a contact sheet. */
export interface SheetPicture {
  /** The file, as it is; missing or unreadable ones leave their place empty. */
  bytes?: Uint8Array;
  /** Lines beneath, at most two. */
  lines: readonly string[];
  /** Framed, as a query is. */
  framed?: boolean;
}

/** Pictures beside each other; what does not fit into a row goes on in the next one, behind its first place. */
export type SheetRow = readonly SheetPicture[];

/** Side of a picture, and what is around it, in pixels. */
const SIDE = 128, GAP = 12, FRAME = 4, LINE = 18;
const BACK: Colour = [255, 255, 255], INK: Colour = [30, 32, 36], ACCENT: Colour = [0, 110, 200];
const EMPTY: Colour = [232, 234, 238];

/** The whole picture in a square, its proportions kept. */
async function fitted(bytes: Uint8Array | undefined, side: number): Promise<Picture | undefined> {
  if (!bytes) return undefined;
  try {
    const picture = await decodePicture(bytes), scale = side / Math.max(picture.width, picture.height);
    const [width, height] = [picture.width, picture.height].map((n) => Math.max(1, Math.round(n * scale)));
    return resize(picture, width, height, "bilinear");
  } catch (error) {
    if (error instanceof PictureError) return undefined;
    throw error;
  }
}

/** Copies a picture to a place that holds it whole. */
function place(sheet: Picture, { width, height, data }: Picture, left: number, top: number): void {
  for (let y = 0; y < height; y++) {
    sheet.data.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * sheet.width + left) * 3);
  }
}

/** Fills a square row by row. */
function square(sheet: Picture, left: number, top: number, side: number, colour: Colour): void {
  const row = new Uint8Array(side * 3);
  for (let x = 0; x < side; x++) row.set(colour, x * 3);
  for (let y = 0; y < side; y++) sheet.data.set(row, ((top + y) * sheet.width + left) * 3);
}

/** A line as long as a picture is wide, in larger letters where it fits so. */
function caption(sheet: Picture, line: string, left: number, top: number, colour: Colour): void {
  const room = (scale: number) => Math.floor(SIDE / ADVANCE / scale), letters = [...line];
  const scale = letters.length <= room(2) ? 2 : 1, most = room(scale);
  const shown = letters.length <= most ? line : `${letters.slice(0, most - 1).join("")}…`;
  write(sheet, shown, left, top + (scale === 1 ? 4 : 0), scale, colour);
}

/**
 * Draws rows of pictures with lines beneath each.
 *
 * @param rows At least one picture.
 * @param columns Pictures beside each other, at least 2; a longer row is broken.
 * @returns One picture.
 */
export async function drawSheet(rows: readonly SheetRow[], columns: number): Promise<Picture> {
  const broken = rows.flatMap((row) => {
    const [first, ...others] = row, parts: (SheetPicture | undefined)[][] = [];
    for (let at = 0; at === 0 || at < others.length; at += columns - 1) {
      parts.push([at === 0 ? first : undefined, ...others.slice(at, at + columns - 1)]);
    }
    return parts;
  });
  const wide = Math.max(...broken.map((row) => row.length)), high = SIDE + 2 * LINE + GAP;
  const sheet = canvas(wide * (SIDE + GAP) + GAP, broken.length * high + GAP, BACK);
  for (const [r, row] of broken.entries()) {
    for (const [c, one] of row.entries()) {
      if (!one) continue;
      const left = GAP + c * (SIDE + GAP), top = GAP + r * high, picture = await fitted(one.bytes, SIDE);
      if (one.framed) square(sheet, left - FRAME, top - FRAME, SIDE + 2 * FRAME, ACCENT);
      square(sheet, left, top, SIDE, EMPTY);
      if (picture) {
        place(sheet, picture, left + ((SIDE - picture.width) >> 1), top + ((SIDE - picture.height) >> 1));
      }
      one.lines.slice(0, 2).forEach((line, i) =>
        caption(sheet, line, left, top + SIDE + 6 + i * LINE, one.framed ? ACCENT : INK)
      );
    }
  }
  return sheet;
}
