import { type Lines, withBar } from "../../cli/lines.ts";
import { clock, digits } from "../../text/amounts.ts";
import type { MetricsLine } from "../run/metrics_file.ts";

/** Shows how a run goes on. */
export interface Progress {
  /** Says a line that stays. */
  line(text: string): void;
  /** Shows the state after a step. `found`: what evaluators have found last. */
  step(line: MetricsLine, total: number, secondsLeft: number, found?: Record<string, number>): void;
  /** Ends the status line, if there is one. */
  close(): void;
}

/** Names in a line that are no terms of the loss. */
const NO_TERM = [
  "step",
  "epoch",
  "loss",
  "gradNorm",
  "codeSpread",
  "lr",
  "wd",
  "imagesPerSecond",
  "mfu",
  "waiting",
  "bad",
];

/**
 * The terms of a line's loss, with their names cut short: `rec 0.467 0.460 class 2.230 patch 6.236`. Numbered parts of a
 * term share its name; a long name is cut to three letters where no other term has the same three.
 *
 * @param digits Digits after the point.
 * @returns Empty where the loss has no terms.
 */
export function termsText(line: MetricsLine, digits: number): string {
  const terms = new Map<string, number[]>();
  for (const [name, value] of Object.entries(line)) {
    if (NO_TERM.includes(name) || value === undefined) continue;
    const term = name.replace(/\d+$/, "");
    terms.set(term, [...terms.get(term) ?? [], value]);
  }
  const names = [...terms.keys()];
  const alone = (cut: string) => names.filter((name) => name.startsWith(cut)).length === 1;
  const short = (name: string) => name.length > 6 && alone(name.slice(0, 3)) ? name.slice(0, 3) : name;
  return [...terms].map(([name, values]) =>
    [short(name), ...values.map((value) => value.toFixed(digits))].join(" ")
  ).join(" ");
}

/** The loss and its terms. */
function lossText(line: MetricsLine, digits: number): string {
  const terms = termsText(line, digits);
  return `loss ${line.loss.toFixed(digits)}${terms && ` (${terms})`}`;
}

function summary(line: MetricsLine, total: number, left: number, found: Record<string, number>): string {
  const rate = line.imagesPerSecond;
  const seen = Object.entries(found).map(([name, value]) => `  ${name} ${digits(value, 3)}`);
  return `step ${String(line.step).padStart(String(total).length)}/${total}  ${lossText(line, 3)}${
    seen.join("")
  }` +
    `  ${rate < 10 ? rate.toFixed(2) : rate.toFixed(0)} images/s  waiting ${
      (100 * line.waiting).toFixed(0)
    } %` +
    (line.mfu ? `  MFU ${(100 * line.mfu).toFixed(0)} %` : "") +
    (line.bad > 0 ? `  bad ${line.bad}` : "") + `  left ${clock(left)}`;
}

/** The same for a terminal that is too narrow for {@linkcode summary}: about 80 characters. */
function short(line: MetricsLine, total: number, left: number): string {
  return `${line.step}/${total} ${clock(left)} left ${line.imagesPerSecond.toFixed(0)}/s wait ${
    (100 * line.waiting).toFixed(0)
  } % ${lossText(line, 2)}`;
}

/** Progress as lines: with a bar where they are written over each other. */
export function runProgress(lines: Lines): Progress {
  return {
    line: lines.line,
    close: lines.close,
    step(line, total, secondsLeft, found = {}) {
      lines.status((columns) => {
        const full = summary(line, total, secondsLeft, found);
        const text = full.length <= columns ? full : short(line, total, secondsLeft);
        return withBar(line.step / total, text, columns);
      }, line.step >= total);
    },
  };
}

/** Progress that shows nothing. */
export const silent: Progress = { line: () => {}, step: () => {}, close: () => {} };
