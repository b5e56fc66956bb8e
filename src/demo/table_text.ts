import type { Share } from "../eval/hits.ts";
import { percent, wrap } from "../eval/table_text.ts";
import { alignCells } from "../text/table.ts";
import { byQuestion, type Question, QUESTIONS } from "./questions.ts";

/** A share of right answers; *sort* has no `top5`. */
export type Score = Share & { top5?: number };

/** One row of the table; shares from 0 to 1. */
export type TableRow = {
  /** "trained", "random" or "pixels". */
  encoder: string;
  /** "class token", "mean patch token", "8×8" or "64×64". */
  features: string;
} & Record<Question, Score>;

/** The demo's final table. */
export interface Table {
  /** What is measured, a line each. */
  caption: string[];
  rows: TableRow[];
  /** What random answers would reach. */
  chance: Record<Question, number>;
  /** The trained class token less the better pixels, on the same emoji or draws; from −1 to 1. */
  lead: Record<Question, Share>;
  /** Other remarks on the run. */
  notes: string[];
}

/** The rows of pixels as one: question by question the better one. */
function bestPixels(rows: readonly TableRow[]): TableRow[] {
  const pixels = rows.filter(({ encoder }) => encoder === "pixels");
  if (pixels.length === 0) return [];
  const features = pixels.map(({ features }) => features).join(" or ");
  const best = byQuestion((question) =>
    pixels.map((row) => row[question]).reduce((a, b) => b.value > a.value ? b : a)
  );
  return [{ encoder: "pixels", features, ...best }];
}

/** A share and, for the questions of users, its interval: `42.3 % (38–47)`, always as wide. */
function cell(question: Question, { value, low, high }: Score): string {
  const share = percent(value);
  if (question === "crop" || question === "aligned") return share;
  const whole = (one: number) => (100 * one).toFixed(0);
  return withInterval(share, `(${whole(low)}–${whole(high)})`);
}

function withInterval(share: string, interval: string): string {
  return `${share.padStart(7)} ${interval.padEnd(8)}`;
}

/** A difference in points: `+3.1 (−0.4 to 6.2)`. */
function points({ value, low, high }: Share): string {
  const text = (one: number) => (100 * one).toFixed(1).replace("-", "−");
  return `${value > 0 ? "+" : ""}${text(value)} (${text(low)} to ${text(high)})`;
}

/** The table as aligned lines of text; of pixels, the better size of each question. */
export function formatTable({ caption, rows, chance, lead, notes }: Table): string {
  const wide = (question: Question, text: string) =>
    question === "find" || question === "sort" ? withInterval(text, "") : text;
  const shown = [...rows.filter(({ encoder }) => encoder !== "pixels"), ...bestPixels(rows)];
  const lines = alignCells([
    ["encoder", "features", ...QUESTIONS.map((question) => wide(question, question))],
    ...shown.map((row) => [row.encoder, row.features, ...QUESTIONS.map((name) => cell(name, row[name]))]),
    ["chance", "", ...QUESTIONS.map((question) => wide(question, percent(chance[question])))],
  ], 2);
  lines.splice(1, 0, "─".repeat(Math.max(...lines.map((line) => line.length))));
  const against = QUESTIONS.map((question) => `${question} ${points(lead[question])}`).join(", ");
  const below = [
    ...caption,
    `Trained class token less pixels, in points: ${against}.`,
    ...notes.map((note) => `Note: ${note}`),
  ];
  return [...lines, "", ...below.flatMap((sentence) => wrap(sentence))].join("\n");
}
