/** Text in columns. */
import { inLine } from "./layout.ts";

/**
 * Lines with aligned cells, two spaces between them. What would break a line is shown ({@linkcode inLine}): cells are
 * names of files and classes, too, which may hold anything.
 *
 * @param lines Rows of as many cells each; there may be more than a call can have arguments.
 * @param left The columns that stand to the left: so many first ones, or those that it says. Figures stand to the right.
 */
export function alignCells(
  lines: readonly (readonly string[])[],
  left: number | ((column: number) => boolean),
): string[] {
  const isLeft = typeof left === "number" ? (column: number) => column < left : left;
  const shown = lines.map((line) => line.map(inLine));
  const widths = (shown[0] ?? []).map((_, column) =>
    shown.reduce((most, line) => Math.max(most, line[column].length), 0)
  );
  return shown.map((line) =>
    line.map((cell, column) => isLeft(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
      .join("  ").trimEnd()
  );
}
