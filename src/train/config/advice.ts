/** Which preset suits the pictures at hand. */
import { type Data, openedOf } from "../../data/open/data.ts";
import { decodePicture } from "../../data/picture/decode.ts";
import type { PresetName } from "./settings.ts";

/** How many pictures are looked at. */
const LOOKED_AT = 16;
/** Up to this side, pictures count as thumbnails; up to the next, the published sizes would show nothing more of them. */
const THUMBNAIL_SIDE = 48, PHOTO_SIDE = 128;

/**
 * The presets that suit pictures. Which of the published sizes it should be, people decide.
 *
 * @param side Of a typical picture, in pixels.
 * @param card Whether a graphics card trains; without one the published sizes take weeks.
 */
export function suitablePresets(side: number, card: boolean): readonly PresetName[] {
  if (side <= THUMBNAIL_SIDE) return ["thumbnail"];
  return side <= PHOTO_SIDE || !card ? ["photo"] : ["tiny", "small", "base"];
}

/**
 * The median of the shorter sides of a few pictures, spread over the data set.
 *
 * @returns Pixels; undefined for a stream, which would have to be opened twice, and where no picture can be read.
 */
export async function typicalSide(data: Data): Promise<number | undefined> {
  const opened = openedOf(data);
  if (opened.access !== "random") return undefined;
  const { source } = opened, count = Math.min(LOOKED_AT, source.length), sides: number[] = [];
  for (let i = 0; i < count; i++) {
    try {
      const { bytes } = await source.get(Math.floor(i * source.length / count));
      const { width, height } = await decodePicture(bytes);
      sides.push(Math.min(width, height));
    } catch {
      // Training counts the bad ones and names them.
    }
  }
  return sides.sort((a, b) => a - b)[sides.length >> 1];
}

/**
 * A line for people who did not choose a preset.
 *
 * @param data What they train on.
 * @param preset What the run has.
 * @param card Whether a graphics card trains.
 * @returns Undefined where the preset suits, or where nothing is known of the pictures.
 */
export async function presetAdvice(
  data: Data,
  preset: PresetName,
  card: boolean,
): Promise<string | undefined> {
  const side = await typicalSide(data), suit = side === undefined ? [preset] : suitablePresets(side, card);
  if (suit.includes(preset)) return undefined;
  return `advice     the pictures measure about ${side} pixels: --preset ${
    suit.join(" or ")
  } is meant for such; ` +
    `this run has ${preset}`;
}
