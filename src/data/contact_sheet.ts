import { classColour, outline } from "./picture/drawing.ts";
import type { DataReport } from "./report.ts";

/**
 * The contact sheet of a report as one picture, in rows; with the boxes of objects in a colour for each class, those of crowds white.
 *
 * @returns RGB bytes; null when there is no picture.
 */
export function contactSheet(
  { sheet, sheetSize: size, sheetObjects = [] }:
    & Pick<DataReport, "sheet" | "sheetSize">
    & Partial<Pick<DataReport, "sheetObjects">>,
): { width: number; height: number; data: Uint8Array } | null {
  if (sheet.length === 0) return null;
  const columns = Math.ceil(Math.sqrt(sheet.length)), rows = Math.ceil(sheet.length / columns), gap = 2;
  const width = columns * (size + gap) - gap, height = rows * (size + gap) - gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  sheet.forEach((picture, i) => {
    const left = (i % columns) * (size + gap), top = Math.floor(i / columns) * (size + gap);
    for (let y = 0; y < size; y++) {
      data.set(picture.subarray(y * size * 3, (y + 1) * size * 3), ((top + y) * width + left) * 3);
    }
    const { boxes, classes, crowd } = sheetObjects[i] ?? { classes: [] };
    classes.forEach((kind, n) => {
      const edges = Array.from({ length: 4 }, (_, k) => boxes![4 * n + k] + (k % 2 === 0 ? left : top));
      outline({ width, height, data }, edges, crowd![n] ? [255, 255, 255] : classColour(kind));
    });
  });
  return { width, height, data };
}
