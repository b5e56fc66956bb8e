/** Event files for TensorBoard: scalars and pictures. */
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../../files/make_folder.ts";
import { appendAll } from "../../files/append.ts";
import { bytesField, concatBytes, doubleField, floatField, wholeField } from "../../files/protobuf.ts";
import { tfRecord } from "../../files/tf_record.ts";
import type { EvaluationLine, MetricsLine, MetricsLog } from "./metrics_file.ts";

/** The folder of event files in a run folder. */
export const TENSORBOARD_FOLDER = "tensorboard";

/** A picture as TensorBoard takes it. */
export interface EventPicture {
  width: number;
  height: number;
  /** The bytes of a JPEG or PNG file. */
  encoded: Uint8Array;
}

/** An event file that is being written. Every event is in the file when a call returns. */
export interface EventFile {
  /** Values by their tags, after a step. */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
  /** Pictures by their tags, after a step. */
  pictures(step: number, pictures: Readonly<Record<string, EventPicture>>): void;
  /** Ends the file; one without an event goes, for it would take those of earlier files from TensorBoard. */
  close(): void;
}

/** The status by which TensorBoard knows that a run begins, or begins once more. */
const START = 1;

/** RGB, of a picture. */
const RGB = 3;

let files = 0;

/**
 * Opens an event file. It says that the run goes on after `step`, so TensorBoard forgets what a killed process wrote of later
 * steps into files before it.
 *
 * @param folder Its folder; made when it is not there.
 * @param step Steps done.
 * @param now The time in milliseconds; for tests.
 * @throws {Error} When it cannot be written.
 */
export async function openEventFile(
  folder: string,
  step: number,
  now: () => number = Date.now,
): Promise<EventFile> {
  await makeFolder(folder);
  // TensorBoard reads the files of a folder in the order of their names.
  const seconds = String(Math.floor(now() / 1000)).padStart(10, "0"),
    count = String(++files).padStart(6, "0");
  const name = `events.out.tfevents.${seconds}.${hostname()}.${Deno.pid}.${count}`;
  const path = join(folder, name), file = await Deno.open(path, { append: true, create: true });
  let told = false;
  const write = (step: number, ...fields: Uint8Array[]) => {
    const event = concatBytes([doubleField(1, now() / 1000), wholeField(2, step), ...fields]);
    appendAll(file, path, tfRecord(event));
  };
  const summary = (step: number, values: Uint8Array[]) => {
    if (values.length > 0) {
      told = true;
      write(
        step,
        bytesField(5, concatBytes(values.map((value) => bytesField(1, value)))),
      );
    }
  };
  try {
    write(0, bytesField(3, "brain.Event:2"));
    write(step + 1, bytesField(7, wholeField(1, START)));
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    scalars: (step, values) =>
      summary(
        step,
        Object.entries(values).map(([tag, value]) => concatBytes([bytesField(1, tag), floatField(2, value)])),
      ),
    pictures: (step, pictures) =>
      summary(
        step,
        Object.entries(pictures).map(([tag, { width, height, encoded }]) => {
          const sides = [wholeField(1, height), wholeField(2, width), wholeField(3, RGB)];
          return concatBytes([
            bytesField(1, tag),
            bytesField(4, concatBytes([...sides, bytesField(4, encoded)])),
          ]);
        }),
      ),
    close: () => {
      file.close();
      try {
        if (!told) Deno.removeSync(path);
      } catch {
        // Whoever took it away meant it.
      }
    },
  };
}

/** What of a line goes into TensorBoard: its numbers, under the evaluator's name or `training`. */
function scalarsOf(line: MetricsLine | EvaluationLine): Record<string, number> {
  const group = typeof line.evaluator === "string" ? line.evaluator : "training";
  const values = Object.entries(line).filter((entry): entry is [string, number] =>
    entry[0] !== "step" && entry[0] !== "seconds" && typeof entry[1] === "number"
  );
  return Object.fromEntries(values.map(([name, value]) => [`${group}/${name}`, value]));
}

/**
 * Metrics that also go into an event file. One that cannot be written any more, such as on a full disk, is told once and
 * left as it is: metrics.jsonl is what counts.
 *
 * @param say Takes a line for people.
 */
export function withEvents(metrics: MetricsLog, events: EventFile, say: (text: string) => void): MetricsLog {
  let lost = false;
  return {
    missed: metrics.missed,
    write(line, warning) {
      metrics.write(line, warning);
      if (lost) return;
      try {
        events.scalars(line.step, scalarsOf(line));
      } catch (error) {
        lost = true;
        say(`TensorBoard's files are not written any more: ${(error as Error).message}`);
      }
    },
    again: (evaluator, step) => metrics.again(evaluator, step),
    sync: () => metrics.sync(),
    close() {
      metrics.close();
      events.close();
    },
  };
}
