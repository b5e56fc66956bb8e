/** Predictions and figures as text. */
import { inLine } from "../text/layout.ts";
import { alignCells } from "../text/table.ts";
import { digits, percent } from "../text/amounts.ts";
import type { ClassifierReport } from "./measures.ts";
import { rankedClasses } from "./predict.ts";

/** Forms of predictions. */
export const PREDICTION_FORMS = ["table", "csv", "jsonl"] as const;

/** One of {@linkcode PREDICTION_FORMS}. */
export type PredictionForm = typeof PREDICTION_FORMS[number];

/** A picture and its most probable classes, the first one first. */
export interface NamedPrediction {
  key: string;
  classes: { name: string; probability: number }[];
}

/**
 * The most probable classes of a picture by name.
 *
 * @param top How many.
 */
export function namedPrediction(
  key: string,
  probabilities: Float64Array,
  names: readonly string[],
  top: number,
): NamedPrediction {
  const classes = rankedClasses(probabilities).slice(0, top).map((label) => ({
    name: names[label],
    probability: probabilities[label],
  }));
  return { key, classes };
}

/** A cell of CSV as RFC 4180 has it. */
const csvCell = (text: string) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Predictions as lines; of CSV the first names the columns. */
export function predictionLines(predictions: readonly NamedPrediction[], form: PredictionForm): string[] {
  const top = predictions[0]?.classes.length ?? 0, ranks = Array.from({ length: top }, (_, i) => i + 1);
  switch (form) {
    case "jsonl":
      return predictions.map((one) => JSON.stringify(one));
    case "csv":
      return [
        [
          "picture",
          ...ranks.flatMap((rank) =>
            rank === 1 ? ["class", "probability"] : [`class${rank}`, `probability${rank}`]
          ),
        ]
          .join(","),
        ...predictions.map(({ key, classes }) =>
          [
            key,
            ...classes.flatMap(({ name, probability }) => [name, digits(probability, 6)]),
          ]
            .map(csvCell).join(",")
        ),
      ];
    case "table": {
      const rows = predictions.map(({ key, classes }) => [
        key,
        ...classes.flatMap(({ name, probability }) => [name, percent(probability)]),
      ]);
      return rows.length === 0 ? [] : alignCells(rows, 1 + 2 * top);
    }
    default:
      return form satisfies never;
  }
}

/** Classes whose whole confusion is shown as a table. */
const MOST_COLUMNS = 15;

/** Mistakes that are listed where the table would be too wide. */
const MISTAKES = 15;

const share = (value: number | null) => value === null ? "–" : percent(value);

/** The confusion as a table of whole numbers, or the most frequent mistakes. */
function confusionLines({ confusion, classes }: ClassifierReport): string[] {
  const names = classes.map(({ name }) => name),
    short = (name: string) => [...inLine(name)].slice(0, 10).join("");
  if (names.length <= MOST_COLUMNS) {
    const rows = confusion.map((row, i) => [names[i], ...row.map(String)]);
    return ["class ↓ said to be →", ...alignCells([["", ...names.map(short)], ...rows], 1)];
  }
  const mistakes = confusion.flatMap((row, i) =>
    row.flatMap((count, j) =>
      i !== j && count > 0 ? [{ count, text: `${inLine(names[i])} → ${inLine(names[j])}` }] : []
    )
  ).sort((a, b) => b.count - a.count).slice(0, MISTAKES);
  return [
    "most frequent mistakes",
    ...mistakes.map(({ count, text }) => `${String(count).padStart(6)}  ${text}`),
  ];
}

/** The figures of a classifier as lines of text. */
export function formatReport(report: ClassifierReport): string {
  const { pictures, top1, top5, balanced, crossEntropy, ece, bins, classes } = report;
  const perClass = classes.map(({ name, pictures, predicted, recall, precision, f1 }) => [
    name,
    String(pictures),
    String(predicted),
    share(recall),
    share(precision),
    share(f1),
  ]);
  const filled = bins.filter(({ pictures }) => pictures > 0).map((
    { from, to, pictures, confidence, accuracy },
  ) => [
    `${percent(from)} – ${percent(to)}`,
    String(pictures),
    percent(confidence),
    percent(accuracy),
  ]);
  return [
    `top-1 ${percent(top1)}, top-5 ${percent(top5)} of ${pictures} pictures; mean of the classes' recalls ${
      percent(balanced)
    }; ` +
    `cross-entropy ${crossEntropy.toFixed(4)}`,
    "",
    ...alignCells([["class", "pictures", "said to be", "recall", "precision", "F1"], ...perClass], 1),
    "",
    ...confusionLines(report),
    "",
    `calibration: expected error ${percent(ece)} (${bins.length} bins)`,
    ...alignCells([["probability", "pictures", "mean", "right"], ...filled], 1),
  ].join("\n");
}
