import { alignCells } from "../text/table.ts";
import type { ProbeReport } from "./probe.ts";

/** A share in per cent with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A sentence in lines of at most `width` characters; all but the first are indented. */
export function wrap(sentence: string, width = 88): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`;
    else lines.push(last < 0 ? word : `    ${word}`);
  }
  return lines;
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
