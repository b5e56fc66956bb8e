import { appendAll } from "../../files/append.ts";
import { pathError } from "../../files/path_error.ts";
import { publishPieces } from "../../files/publish.ts";
import { linesOf } from "./metrics_rows.ts";

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
  /**
   * Removes what an evaluator had found at the step that the run goes on from: it has looked once more, and its new line
   * follows. The evaluations of a run's end are made again where it was killed within them.
   *
   * @throws {Error} The file cannot be written anew.
   */
  again(evaluator: string, step: number): Promise<void>;
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
  const encoder = new TextEncoder(), missed = new Set<string>(), looked = new Set<string>();
  const isLook = (line: MetricsLine | EvaluationLine): line is EvaluationLine =>
    !isStep(line) && line.step === step;
  const isKept = (line: MetricsLine | EvaluationLine) => {
    if (line.step > step) return false;
    if (!isLook(line)) return true;
    if (typeof line.failed === "string") missed.add(line.evaluator);
    else {
      missed.delete(line.evaluator);
      looked.add(line.evaluator);
    }
    return true;
  };
  await publishPieces(path, keptBytes(path, encoder, isKept));
  let file = await Deno.open(path, { append: true });
  return {
    missed: [...missed],
    async again(evaluator, at) {
      if (at !== step || !looked.delete(evaluator)) return;
      const others = (line: MetricsLine | EvaluationLine) => !(isLook(line) && line.evaluator === evaluator);
      await publishPieces(path, keptBytes(path, encoder, others));
      file.close();
      file = await Deno.open(path, { append: true });
    },
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
  return {
    missed: [],
    write: () => {},
    again: () => Promise.resolve(),
    sync: () => Promise.resolve(),
    close: () => {},
  };
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
  for await (const lines of linesOf<MetricsLine | EvaluationLine>(path)) {
    for (const { line } of lines) take(line);
  }
}

/** The lines that are kept as bytes, as they stand in the file; `isKept` is asked in their order. */
async function* keptBytes(
  path: string,
  encoder: TextEncoder,
  isKept: (line: MetricsLine | EvaluationLine) => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const lines of linesOf<MetricsLine | EvaluationLine>(path)) {
    const kept = lines.filter(({ line }) => isKept(line));
    yield encoder.encode(kept.map(({ row }) => `${row}\n`).join(""));
  }
}
