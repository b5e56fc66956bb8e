import { plural } from "../text/amounts.ts";
import { type CurveBuilder, curveBuilder } from "./curves.ts";
import { lineReader } from "./lines.ts";
import type { MetricsCurves } from "./types.ts";

/** Points of a curve: more than a wide screen has columns. */
const POINTS = 1000;

/** Points of what an evaluator has found. */
const EVALUATOR_POINTS = 500;

/** More evaluators than this are left out. */
const MOST_EVALUATORS = 30;

/** Warnings that are shown: the last ones. */
const MOST_WARNINGS = 20;

/** Names in a line that are no values. */
const NO_VALUE: ReadonlySet<string> = new Set(["step", "evaluator"]);
const NO_FINDING: ReadonlySet<string> = new Set(["step", "epoch", "evaluator", "seconds"]);

/** A run's metrics.jsonl that is read on as it grows. */
export interface MetricsReader {
  /**
   * Reads what is new.
   *
   * @returns Whether there was something.
   * @throws {Error} When the file cannot be read.
   */
  read(): Promise<boolean>;
  /** The curves as they stand. */
  curves(): MetricsCurves;
}

/** What is counted and kept of the lines so far. */
interface Taken {
  training: CurveBuilder;
  evaluators: Map<string, CurveBuilder>;
  broken: number[];
  brokenCount: number;
  unordered: number;
  leftOut: number;
  /** Warnings of the run, the last ones. */
  warnings: { step: number; text: string }[];
}

const nothing = (): Taken => ({
  training: curveBuilder(POINTS, NO_VALUE),
  evaluators: new Map(),
  broken: [],
  brokenCount: 0,
  unordered: 0,
  leftOut: 0,
  warnings: [],
});

/** The builder of an evaluator's curves; undefined for one too many. */
function evaluatorOf(taken: Taken, name: string): CurveBuilder | undefined {
  const known = taken.evaluators.get(name);
  if (known || taken.evaluators.size === MOST_EVALUATORS) return known;
  // A run that had ended and goes on is looked at once more, and so is one that was stopped while it was.
  const made = curveBuilder(EVALUATOR_POINTS, NO_FINDING, true);
  taken.evaluators.set(name, made);
  return made;
}

/** The fields of a line; null where it is none of a metrics file. */
function fieldsOf(line: string): Record<string, unknown> & { step: number } | null {
  try {
    const value = JSON.parse(line);
    const good = typeof value === "object" && value !== null && Number.isFinite(value.step);
    return good ? value : null;
  } catch {
    return null;
  }
}

function warn(taken: Taken, step: number, text: string): void {
  taken.warnings.push({ step, text });
  if (taken.warnings.length > MOST_WARNINGS) taken.warnings.shift();
}

function takeFields(taken: Taken, fields: Record<string, unknown> & { step: number }): void {
  const { evaluator, warning, step } = fields;
  if (typeof warning === "string") warn(taken, step, warning);
  if (typeof evaluator === "string" && typeof fields.failed === "string") {
    return warn(taken, step, `${evaluator} could not look: ${fields.failed}`);
  }
  const builder = typeof evaluator === "string" ? evaluatorOf(taken, evaluator) : taken.training;
  if (!builder) taken.leftOut++;
  else if (!builder.add(fields.step, fields)) taken.unordered++;
}

/** What could not be used, for people. */
function notesOf(taken: Taken, tooLong: number): string[] {
  const { broken, brokenCount, unordered, leftOut, warnings } = taken;
  const notes = warnings.map(({ step, text }) => `warning, step ${step}: ${text}`), file = "metrics.jsonl";
  if (brokenCount > 0) {
    const where = `${broken.join(", ")}${brokenCount > broken.length ? ", …" : ""}`;
    notes.push(`${file}: ${plural(brokenCount, "line")} cannot be read and left out (line ${where})`);
  }
  if (tooLong > 0) notes.push(`${file}: ${plural(tooLong, "line")} longer than 1 MiB left out`);
  if (unordered > 0) {
    notes.push(`${file}: ${plural(unordered, "line")} of a step that is not after the one before, left out`);
  }
  if (leftOut > 0) {
    notes.push(`${file}: ${plural(leftOut, "line")} of more than ${MOST_EVALUATORS} evaluators left out`);
  }
  return notes;
}

/** A reader of a metrics file, which need not exist yet. It is read as a stream, in memory that does not grow with it. */
export function metricsReader(path: string): MetricsReader {
  const reader = lineReader(path);
  let taken = nothing();
  return {
    read: () =>
      reader.read((line, number) => {
        const fields = fieldsOf(line);
        if (fields) return takeFields(taken, fields);
        taken.brokenCount++;
        if (taken.broken.length < 5) taken.broken.push(number);
      }, () => taken = nothing()),
    curves: () => ({
      training: taken.training.curves(),
      evaluators: Object.fromEntries([...taken.evaluators].map(([name, one]) => [name, one.curves()])),
      notes: notesOf(taken, reader.tooLong()),
    }),
  };
}
