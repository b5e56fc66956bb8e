/** An evaluation as people read it. */
import { alignCells } from "../text/table.ts";
import type { CocoEvaluation } from "./evaluate.ts";
import type { CategoryRow, CocoReport, CocoSummary } from "./summary.ts";

/** Three digits behind the point. Where two are equally near, the even one, as Python writes numbers. */
function threeDigits(value: number): string {
  // Only multiples of 1/16 lie in the middle between two.
  const scaled = value * 1000, half = Number.isInteger(value * 16) && Math.abs(scaled % 1) === 0.5;
  return (half ? 2 * Math.round(scaled / 2) / 1000 : value).toFixed(3);
}

/** One line of pycocotools' summary. */
function summaryLine(recall: boolean, iou: string, area: string, most: number, value: number): string {
  const title = recall ? "Average Recall     (AR)" : "Average Precision  (AP)";
  return ` ${title} @[ IoU=${iou.padEnd(9)} | area=${area.padStart(6)} | maxDets=${
    String(most).padStart(3)
  } ] = ${threeDigits(value)}`;
}

/** The twelve lines that pycocotools prints. */
export function summaryLines(summary: CocoSummary, { options }: Pick<CocoEvaluation, "options">): string[] {
  const { iouThresholds, maxDetections } = options, most = maxDetections.at(-1)!;
  const range = `${iouThresholds[0].toFixed(2)}:${iouThresholds.at(-1)!.toFixed(2)}`;
  return [
    summaryLine(false, range, "all", most, summary.AP),
    summaryLine(false, "0.50", "all", most, summary.AP50),
    summaryLine(false, "0.75", "all", most, summary.AP75),
    summaryLine(false, range, "small", most, summary.APs),
    summaryLine(false, range, "medium", most, summary.APm),
    summaryLine(false, range, "large", most, summary.APl),
    ...[summary.AR1, summary.AR10, summary.AR100].flatMap((value, m) =>
      m < maxDetections.length ? [summaryLine(true, range, "all", maxDetections[m], value)] : []
    ),
    summaryLine(true, range, "small", most, summary.ARs),
    summaryLine(true, range, "medium", most, summary.ARm),
    summaryLine(true, range, "large", most, summary.ARl),
  ];
}

const COLUMNS = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR"] as const;

/** The table by category: objects that count, detections, and figures in per cent; a dash where no object counts. */
export function categoryLines(rows: readonly CategoryRow[]): string[] {
  const per100 = (value: number) => value < 0 ? "–" : (100 * value).toFixed(1);
  const lines = [
    ["category", "objects", "detections", ...COLUMNS],
    ...rows.map((row) => [
      row.name,
      String(row.objects),
      String(row.detections),
      ...COLUMNS.map((name) => per100(row[name])),
    ]),
  ];
  return alignCells(lines, 1);
}

/** pycocotools' twelve lines and the table by category. */
export function formatCoco(report: CocoReport, evaluation: Pick<CocoEvaluation, "options">): string {
  return [...summaryLines(report.summary, evaluation), "", ...categoryLines(report.categories)].join("\n");
}
