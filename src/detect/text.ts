/** What a detector finds, as text. */
import type { CocoResult } from "../coco/types.ts";
import type { FoundObjects } from "./found.ts";

/** JSON's own, which the types of the language do not have yet: digits that are written as they stand. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Results in COCO's layout as JSON, in which ids beyond 2⁵³ are the numbers that the annotations have. */
export function resultsJson(results: readonly CocoResult[]): string {
  return JSON.stringify(
    results,
    (_name, value: unknown) => typeof value === "bigint" ? rawJSON(String(value)) : value,
  );
}

/** A number with few digits, which JSON takes as it is. */
const short = (value: number, digits: number) => Number(value.toFixed(digits));

/**
 * What was found in a picture as one line of JSON: `picture`, `width`, `height`, `objects` of `class`, `score` and `box` (left, top, width,
 * height in pixels, to a hundredth).
 *
 * @param names Of the classes.
 */
export function foundLine(found: FoundObjects, names: readonly string[]): string {
  const { key, width, height, boxes, classes, scores } = found;
  const objects = Array.from(classes, (kind, i) => {
    const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4);
    const box = [x0, y0, x1 - x0, y1 - y0].map((side) => short(side, 2));
    return { class: names[kind], score: short(scores[i], 4), box };
  });
  return JSON.stringify({ picture: key, width, height, objects });
}
