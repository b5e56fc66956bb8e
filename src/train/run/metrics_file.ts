import { appendAll } from "../../files/append.ts";
import { isObject } from "../../files/json_values.ts";
import { pathError } from "../../files/path_error.ts";
import { publishPieces } from "../../files/publish.ts";

/** What a step reports, as numbers: the loss, and whatever else under a name of its own. */
export type StepValues = { loss: number; [name: string]: number };

/** One line of metrics.jsonl: a step. Other names are what the step reports, such as the loss's terms before their weights. */
export interface MetricsLine {
  /** Steps done, from 1. */
  step: number;
  epoch: number;
  /** The whole loss. */
  loss: number;
  /** Norm of all gradients before clipping. */
  gradNorm?: number;
  /** How far the class codes of the batch are spread, 0 to 1. */
  codeSpread?: number;
  lr: number;
  wd: number;
  /** Over the last steps. */
  imagesPerSecond: number;
  /** Share of the devices' peak that the products and convolutions make use of (MFU), where the peak is known. */
  mfu?: number;
  /** Share of the time spent waiting for data, over the last steps. */
  waiting: number;
  /** Bad pictures skipped so far. */
  bad: number;
  [name: string]: number | undefined;
}

/** What else is known of a step. These names are reserved: a step must not report one of them. */
export type StepFacts = Pick<
  MetricsLine,
  "step" | "epoch" | "lr" | "wd" | "imagesPerSecond" | "mfu" | "waiting" | "bad"
>;

/**
 * The line of a step.
 *
 * @param values What the step reports; its keys stand in the line as they are.
 * @throws {RangeError} When it reports something under the name of a fact.
 */
export function metricsLine(facts: StepFacts, values: StepValues): MetricsLine {
  const { step, epoch, ...rest } = facts;
  const taken = Object.keys(values).find((name) => Object.hasOwn(facts, name));
  if (taken) throw new RangeError(`the step reports "${taken}", which metrics.jsonl uses itself; rename it`);
  return { step, epoch, ...values, ...rest };
}

/** What is known of an evaluator's look at the state after a step. */
export interface Evaluation {
  step: number;
  epoch: number;
  /** The evaluator's name. */
  evaluator: string;
  /** How long it took. */
  seconds: number;
}

/** Another line of metrics.jsonl: what an evaluator has found, under names of its own; null where it was no finite number. */
export type EvaluationLine = Evaluation & { [name: string]: number | string | null };

/**
 * The line of an evaluation.
 *
 * @throws {RangeError} When it found something under a name that the line uses itself, or `loss`, which marks a step.
 */
export function evaluationLine(evaluation: Evaluation, values: Record<string, number>): EvaluationLine {
  const taken = Object.keys(values).find((name) => name === "loss" || Object.hasOwn(evaluation, name));
  if (taken) {
    throw new RangeError(
      `evaluator ${evaluation.evaluator} gives "${taken}", a name that is taken; rename it`,
    );
  }
  return { ...evaluation, ...values };
}

/** The line of an evaluation that could not be made, and why. It is made when the run goes on from that step. */
export function failedLine(evaluation: Evaluation, failed: string): EvaluationLine {
  return { ...evaluation, failed };
}

/** A file of metrics that is being written. */
export interface MetricsLog {
  /** Evaluators whose look at the state that the run goes on from failed. */
  readonly missed: readonly string[];
  /**
   * Appends a line; with a warning, which then stands in it under that name.
   *
   * @throws {Error} It cannot be written; names the file.
   */
  write(line: MetricsLine | EvaluationLine, warning?: string): void;
  /** Makes sure that all lines are on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/**
 * Opens a run's metrics for appending. First removes lines after `step`, which a killed run wrote after its last
 * checkpoint, and a torn last line: those steps are done again.
 *
 * @param path The file; made when it does not exist.
 * @param step Steps that the run goes on from.
 * @throws {Error} When the file cannot be read or written, or holds a line that is no JSON object.
 */
export async function openMetrics(path: string, step: number): Promise<MetricsLog> {
  const encoder = new TextEncoder(), missed = new Set<string>();
  const note = (line: MetricsLine | EvaluationLine) => {
    if (isStep(line) || line.step !== step) return;
    if (typeof line.failed === "string") missed.add(line.evaluator);
    else missed.delete(line.evaluator);
  };
  await publishPieces(path, keptBytes(path, step, encoder, note));
  const file = await Deno.open(path, { append: true });
  return {
    missed: [...missed],
    write(line, warning) {
      const bytes = encoder.encode(
        JSON.stringify(warning === undefined ? line : { ...line, warning }) + "\n",
      );
      appendAll(file, path, bytes);
    },
    sync: () =>
      file.syncData().catch((error) => {
        throw pathError(error, path, "write");
      }),
    close: () => file.close(),
  };
}

/** A log that is written nowhere. */
export function silentMetrics(): MetricsLog {
  return { missed: [], write: () => {}, sync: () => Promise.resolve(), close: () => {} };
}

/**
 * The steps in a metrics file, in order; none when there is no file. A torn last line is left out.
 *
 * @throws {Error} When the file cannot be read, or holds a line that is no JSON object.
 */
export async function readMetrics(path: string): Promise<MetricsLine[]> {
  const found: MetricsLine[] = [];
  await eachLine(path, (line) => void (isStep(line) && found.push(line)));
  return found;
}

/** What evaluators have found, in order; else as {@linkcode readMetrics}. */
export async function readEvaluations(path: string): Promise<EvaluationLine[]> {
  const found: EvaluationLine[] = [];
  await eachLine(path, (line) => void (isStep(line) || found.push(line)));
  return found;
}

/** Whether a line is of a step, and not of an evaluation. */
export function isStep(line: MetricsLine | EvaluationLine): line is MetricsLine {
  return !("evaluator" in line);
}

/**
 * Goes through a metrics file in memory that does not grow with it; a long run's has gigabytes. Else as
 * {@linkcode readMetrics}.
 *
 * @param take Told of each line, in order.
 */
export async function eachLine(
  path: string,
  take: (line: MetricsLine | EvaluationLine) => void,
): Promise<void> {
  for await (const lines of linesOf(path)) for (const { line } of lines) take(line);
}

/** Bytes of a file that are read at once. */
const CHUNK = 1 << 20;

/** The lines up to a step as bytes, as they stand in the file; `note` is told of each. */
async function* keptBytes(
  path: string,
  step: number,
  encoder: TextEncoder,
  note: (line: MetricsLine | EvaluationLine) => void,
): AsyncGenerator<Uint8Array> {
  for await (const lines of linesOf(path)) {
    const kept = lines.filter(({ line }) => line.step <= step);
    for (const { line } of kept) note(line);
    yield encoder.encode(kept.map(({ row }) => `${row}\n`).join(""));
  }
}

/** What a row says; null where it is none of a metrics file. */
function lineOf(row: string): MetricsLine | EvaluationLine | null {
  try {
    const line = JSON.parse(row);
    return isObject(line) ? line as MetricsLine | EvaluationLine : null;
  } catch {
    return null;
  }
}

/** All whole lines and what they say, some at a time. */
async function* linesOf(
  path: string,
): AsyncGenerator<{ row: string; line: MetricsLine | EvaluationLine }[]> {
  let number = 0;
  for await (const { rows, torn } of rowsOf(path)) {
    yield rows.flatMap((row) => {
      number++;
      const line = lineOf(row);
      if (line) return [{ row, line }];
      // Torn while it was written: the step counts as not done.
      if (torn) return [];
      throw new Error(`${path}: line ${number} is no JSON object; repair or remove it`);
    });
  }
}

/** The rows of a file, some at a time; `torn`: what stands behind the last line end. None where there is no file. */
async function* rowsOf(path: string): AsyncGenerator<{ rows: string[]; torn: boolean }> {
  let opened: Deno.FsFile;
  try {
    opened = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  using file = opened;
  const decoder = new TextDecoder(), buffer = new Uint8Array(CHUNK);
  let rest = "";
  for (let got = await file.read(buffer); got !== null; got = await file.read(buffer)) {
    const rows = (rest + decoder.decode(buffer.subarray(0, got), { stream: true })).split("\n");
    rest = rows.pop()!;
    yield { rows, torn: false };
  }
  if (rest !== "") yield { rows: [rest], torn: true };
}
