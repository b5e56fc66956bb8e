/** Figures as text, and as tables that papers can paste. */
import { describePreprocessing } from "../embedding/info.ts";
import type { MeasureReport } from "../measure.ts";
import type { ProtocolRow } from "./types.ts";
import { digits } from "../../text/amounts.ts";
import { alignCells } from "../../text/table.ts";

/** Kinds of tables. */
export const TABLES = ["text", "markdown", "latex"] as const;

/** One of {@linkcode TABLES}. */
export type TableKind = typeof TABLES[number];

const HEAD = ["protocol", "features", "settings", "state", "top-1", "95 %", "top-5", "chosen on"];
const FIGURES = [4, 5, 6];

const hundredth = (share: number) => (100 * share).toFixed(1);

/** What the probe looks at: `class token`, `4 class tokens`, `class token + mean patch token`. */
function featuresOf({ tokens, n, pool, augmented }: ProtocolRow): string {
  const classes = n > 1 ? `${n} ${tokens}s` : tokens;
  return `${pool && n > 0 ? `${classes} + mean patch token` : classes}${augmented ? ", random crops" : ""}`;
}

function settingsOf({ settings }: ProtocolRow): string {
  return Object.entries(settings).map(([name, value]) => {
    if (typeof value === "boolean") return value ? name : `no ${name}`;
    if (typeof value === "string") return value;
    // A figure, not a setting: what the best had on the validation pictures.
    if (name === "validation") return `${name} ${hundredth(value)} %`;
    return `${name} ${Number.isInteger(value) ? value : digits(value, 3)}`;
  }).join(", ");
}

function cellsOf(row: ProtocolRow): string[] {
  const { which, epoch, top1, top5, chosenOn, spread } = row;
  return [
    row.protocol,
    featuresOf(row),
    settingsOf(row),
    which === "only" ? "" : which === "best" ? `best (epoch ${epoch})` : "last",
    `${hundredth(top1.value)}${spread === undefined ? "" : ` ± ${hundredth(spread)}`}`,
    `${hundredth(top1.low)}–${hundredth(top1.high)}`,
    hundredth(top5.value),
    chosenOn === "nothing" ? "" : chosenOn,
  ];
}

/** Sentences below the table. */
function captionOf(
  { model, digest, preprocessing, train, test, validation, classes, notes, rows }: MeasureReport,
): string[] {
  const tested = test === "leave one out"
    ? `each of ${train.pictures} pictures of ${train.uri} against all others`
    : `${test.pictures} pictures of ${test.uri}, learned from ${train.pictures} of ${train.uri}`;
  const prepared = describePreprocessing(preprocessing);
  const chosen = rows.some(({ chosenOn }) => chosenOn === "validation pictures");
  return [
    `${model}, ${digest.slice(0, 19)}….`,
    `Top-1 and top-5 in per cent: ${tested}; ${classes} classes. 95 %: bootstrap over test pictures.`,
    ...rows.some(({ augmented }) => augmented)
      ? [
        `The encoder is frozen. Test pictures: ${prepared}.`,
        "Random crops: probes learned from new crops (area .08 to 1, ratio 3/4 to 4/3) and flips in each epoch.",
      ]
      : [`Frozen features of pictures without augmentation: ${prepared}.`],
    ...chosen
      ? [
        validation
          ? `Validation pictures: ${validation.pictures} of ${validation.uri}.`
          : "Validation pictures: a random tenth of those that are learned from.",
      ]
      : [],
    ...notes.map((note) => `Note: ${note}.`),
  ];
}

/** Columns that say something. */
function table({ rows }: MeasureReport): { head: string[]; body: string[][]; figure: boolean[] } {
  const cells = rows.map(cellsOf);
  const used = HEAD.map((_, i) => i).filter((i) => cells.some((row) => row[i] !== ""));
  const pick = (row: readonly string[]) => used.map((i) => row[i]);
  return { head: pick(HEAD), body: cells.map(pick), figure: used.map((i) => FIGURES.includes(i)) };
}

function asText(report: MeasureReport): string {
  const { head, body, figure } = table(report);
  const lines = alignCells([head, ...body], (column) => !figure[column]);
  return [...lines, "", ...captionOf(report)].join("\n");
}

function asMarkdown(report: MeasureReport): string {
  const { head, body, figure } = table(report);
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = line(figure.map((one) => one ? "---:" : "---"));
  return [line(head), rule, ...body.map(line), "", ...captionOf(report)].join("\n");
}

/** Text as LaTeX shows it. */
function latexText(text: string): string {
  const special: Readonly<Record<string, string>> = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "–": "--",
    "±": "$\\pm$",
    "×": "$\\times$",
    "…": "\\ldots{}",
  };
  return text.replace(/[\\~^–±×…{}$&#_%]/g, (letter) => special[letter] ?? `\\${letter}`);
}

function asLatex(report: MeasureReport): string {
  const { head, body, figure } = table(report);
  const line = (cells: readonly string[]) => `${cells.map(latexText).join(" & ")} \\\\`;
  return [
    ...captionOf(report).map((sentence) => `% ${sentence.replaceAll("\n", " ")}`),
    `\\begin{tabular}{${figure.map((one) => one ? "r" : "l").join("")}}`,
    "\\hline",
    line(head),
    "\\hline",
    ...body.map(line),
    "\\hline",
    "\\end{tabular}",
  ].join("\n");
}

/**
 * A report as a table of the kind.
 *
 * @throws {TypeError} When the report is none.
 * @throws {RangeError} When there is no such kind.
 */
export function formatMeasures(report: MeasureReport, kind: TableKind): string {
  if (!Array.isArray(report?.rows)) {
    throw new TypeError("`report` must be what `await measure(…)` gives");
  }
  switch (kind) {
    case "text":
      return asText(report);
    case "markdown":
      return asMarkdown(report);
    case "latex":
      return asLatex(report);
    default:
      throw new RangeError(`there is no table as ${kind satisfies never}; take one of ${TABLES.join(", ")}`);
  }
}
