import type { Lines } from "../cli/lines.ts";
import { type Progress, runProgress } from "../train/show/progress.ts";

/** Labels of lines that each run says alike: of the first run they are shown. */
const ROUTINE = /^(engine|model|data|run|watch|besides|step|best|note|quick knn)\b/;

/**
 * Shows one run of many: which one it is, how it goes on, and of its lines those that are news.
 *
 * @param about Which run it is.
 * @param first True for the first one, all of whose lines are shown.
 */
export function ablationProgress(lines: Lines, about: string, first: boolean): Progress {
  lines.line(about);
  const { line, ...shown } = runProgress(lines);
  return { ...shown, line: (text) => (first || !ROUTINE.test(text)) ? line(text) : undefined };
}
