/** A contact sheet of queries with their nearest pictures. */
import { canvas, type Colour, fill, write } from "../data/picture/drawing.ts";
import { decodePicture } from "../data/picture/decode.ts";
import { requireSource } from "../data/open/data.ts";
import { resize } from "../data/picture/resize.ts";
import { BadRecordError, type Picture, PictureError, type Source } from "../data/types.ts";
import type { ReidExample } from "./evaluate.ts";

/** Sides of a thumbnail, the frame around it, and the gap to the next, in pixels. */
const WIDTH = 64, HEIGHT = 128, FRAME = 4, GAP = 4;
const HEAD = 16;

const PAPER: Colour = [255, 255, 255], INK: Colour = [60, 60, 60];
/** Frames: of a query, of a right picture and of a wrong one. */
const ASKED: Colour = [60, 60, 60], RIGHT: Colour = [0, 150, 60], WRONG: Colour = [210, 40, 40];

/** Where the wanted keys stand in a source. */
async function placesOf(source: Source, wanted: ReadonlySet<string>): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (let index = 0; index < source.length && places.size < wanted.size; index++) {
    const key = await source.key(index);
    if (wanted.has(key)) places.set(key, index);
  }
  return places;
}

/** A picture of a source as a thumbnail; null where it cannot be read any more. */
async function thumbnail(source: Source, index: number | undefined): Promise<Picture | null> {
  if (index === undefined) return null;
  try {
    return resize(await decodePicture((await source.get(index)).bytes), WIDTH, HEIGHT, "bicubic");
  } catch (error) {
    if (error instanceof BadRecordError || error instanceof PictureError) return null;
    throw error;
  }
}

/** Puts a framed thumbnail onto the sheet. */
function put(sheet: Picture, picture: Picture | null, column: number, row: number, colour: Colour): void {
  const left = GAP + column * (WIDTH + 2 * FRAME + GAP) + (column > 0 ? 2 * GAP : 0);
  const top = HEAD + row * (HEIGHT + 2 * FRAME + GAP);
  fill(sheet, left, top, WIDTH + 2 * FRAME, HEIGHT + 2 * FRAME, colour);
  if (!picture) return fill(sheet, left + FRAME, top + FRAME, WIDTH, HEIGHT, PAPER);
  for (let y = 0; y < HEIGHT; y++) {
    const line = picture.data.subarray(y * WIDTH * 3, (y + 1) * WIDTH * 3);
    sheet.data.set(line, ((top + FRAME + y) * sheet.width + left + FRAME) * 3);
  }
}

/**
 * Draws queries, one a row, and beside each the pictures nearest to it, the nearest first: right ones in a green frame,
 * wrong ones in a red one.
 *
 * @param examples What `evaluateReid` gives for `examples`; at least one.
 * @param query The queries' pictures.
 * @param gallery The gallery's.
 * @returns RGB bytes.
 * @throws {TypeError} When the examples or the sources are none.
 * @throws {RangeError} When there is nothing to draw.
 */
export async function reidSheet(
  examples: readonly ReidExample[],
  query: Source,
  gallery: Source,
): Promise<Picture> {
  if (!Array.isArray(examples as unknown)) {
    throw new TypeError("`examples` must be a list, as `await evaluateReid(…)` gives");
  }
  requireSource("`query`", query);
  requireSource("`gallery`", gallery);
  if (examples.length === 0) throw new RangeError("there are no queries to draw");
  const asked = await placesOf(query, new Set(examples.map((example) => example.query)));
  const found = await placesOf(
    gallery,
    new Set(examples.flatMap(({ nearest }) => nearest.map(({ key }) => key))),
  );
  const columns = 1 + Math.max(...examples.map(({ nearest }) => nearest.length));
  const sheet = canvas(
    3 * GAP + columns * (WIDTH + 2 * FRAME + GAP),
    HEAD + examples.length * (HEIGHT + 2 * FRAME + GAP),
    PAPER,
  );
  write(sheet, "query", GAP, 4, 1, INK);
  write(sheet, "nearest first", 4 * GAP + WIDTH + 2 * FRAME, 4, 1, INK);
  for (const [row, example] of examples.entries()) {
    put(sheet, await thumbnail(query, asked.get(example.query)), 0, row, ASKED);
    for (const [i, { key, right }] of example.nearest.entries()) {
      put(sheet, await thumbnail(gallery, found.get(key)), 1 + i, row, right ? RIGHT : WRONG);
    }
  }
  return sheet;
}
