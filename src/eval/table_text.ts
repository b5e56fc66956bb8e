import type { ProbeReport } from "./probe.ts";
import type { TopShares } from "./retrieval.ts";

/** One row of the table; shares from 0 to 1. */
export interface TableRow {
  /** "trained", "random" or "pixels". */
  encoder: string;
  /** "class token", "mean patch token", "patch tokens", "8×8" or "64×64". */
  features: string;
  /** (A) cross-hand retrieval. */
  meaning: TopShares;
  /** (B) category by weighted kNN. */
  category: number;
  /** (R) crop retrieval. */
  crop: TopShares;
}

/** The final table. */
export interface Table {
  /** What is measured, a line each. */
  caption: string[];
  rows: TableRow[];
  /** Other remarks on the run. */
  notes: string[];
}

/** A share in per cent with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Lines with aligned cells: the first columns to the left, numbers to the right. */
export function alignCells(lines: readonly (readonly string[])[], left: number): string[] {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) =>
    line.map((cell, column) => column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
      .join("  ").trimEnd()
  );
}

/** A sentence in lines of at most `width` characters; all but the first are indented. */
function wrap(sentence: string, width = 88): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`;
    else lines.push(last < 0 ? word : `    ${word}`);
  }
  return lines;
}

/** The table as aligned lines of text. */
export function formatTable({ caption, rows, notes }: Table): string {
  const head = ["encoder", "features", "A top-1", "A top-5", "B kNN", "R top-1", "R top-5"];
  const body = rows.map(({ encoder, features, meaning, category, crop }) => [
    encoder,
    features,
    ...[meaning.top1, meaning.top5, category, crop.top1, crop.top5].map(percent),
  ]);
  const lines = alignCells([head, ...body], 2);
  lines.splice(1, 0, "─".repeat(Math.max(...lines.map((line) => line.length))));
  const below = [...caption, ...notes.map((note) => `Note: ${note}`)].flatMap((sentence) => wrap(sentence));
  return [...lines, "", ...below].join("\n");
}

/** A probe's figures as lines of text. */
export function formatProbe({ protocol, classes, notes, knn, linear }: ProbeReport): string {
  const head = ["features", "k", "top-1"];
  const lines = alignCells(
    [head, ...knn.map(({ features, k, top1 }) => [features, `${k}`, percent(top1)])],
    1,
  );
  const text = [
    ...lines,
    "",
    `Weighted nearest neighbours, votes exp(cos/.07), ${classes} classes; ${protocol}.`,
    ...notes.map((sentence) => `Note: ${sentence}.`),
  ];
  if (!linear) return text.join("\n");
  const { last, best, blocks } = linear;
  const shares = ({ top1, top5 }: { top1: number; top5: number }) =>
    `top-1 ${percent(top1)}, top-5 ${percent(top5)}`;
  return [
    ...text,
    `Linear probe on the class tokens of the last ${blocks} blocks: ${
      shares(last)
    } after the last epoch; the best, ` +
    `chosen on the same pictures, ${shares(best)} after epoch ${best.epoch + 1}.`,
  ].join("\n");
}
