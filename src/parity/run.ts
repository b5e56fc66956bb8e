import type { Engine } from "../engine/types.ts";
import { checkModel } from "../model/check_model.ts";
import { comparer, type Comparison, type Kind, TOLERANCE } from "./compare.ts";
import { compareEvaluation } from "./evaluation.ts";
import { compareForward } from "./forward.ts";
import { type Golden, goldenConfig } from "./golden.ts";
import { comparePictures } from "./pictures.ts";
import { compareTraining } from "./training.ts";

/**
 * Stored values that are no results to compare: counters, constants, torch's own float32, rounding noise (D18), and PIL's
 * HSV picture, which the turn of the hue goes through there and not here.
 */
const SKIPPED = new RegExp(
  "^out\\.hsv$|num_batches_tracked$|\\.f32\\.|patch_embed|decoder_pos_embed_|^after\\.\\w+\\.(backbone\\.norm\\.bias|head\\.mlp\\.0\\.bias|" +
    "head\\.mlp\\.1\\.running_mean)$|gradstat\\.(backbone\\.norm\\.bias|head\\.mlp\\.0\\.bias)$",
);

/** The outcome for one file. */
export interface ParityReport {
  name: string;
  comparisons: Comparison[];
  /** Stored results that nothing was compared with. */
  untouched: string[];
  pass: boolean;
}

/**
 * Computes what a golden file holds, in float32 on an engine, and compares.
 *
 * @param engine Open, and the current tfjs backend.
 * @param golden From `parseGolden`.
 * @returns Every comparison; `pass` is false when one is over its tolerance or when there was nothing to compare.
 * @throws {Error} When the file holds no results that are known.
 */
export async function checkParity(engine: Engine, golden: Golden): Promise<ParityReport> {
  const to = comparer(golden);
  const has = (prefix: string) => Object.keys(golden.tensors).some((name) => name.startsWith(prefix));
  const config = () => checkModel(goldenConfig(golden));
  if (has("w.probe.")) await compareEvaluation(engine, golden, config(), to);
  else if (has("in.lr")) await compareTraining(engine, golden, config(), to);
  else if (has("in.view1")) await compareForward(engine, golden, config(), to);
  else if (has("in.small")) await comparePictures(engine, golden, to);
  else {
    throw new Error(
      `${golden.name}: holds no results of forward passes, training, evaluation or operations on pictures`,
    );
  }
  const untouched = to.untouched(["out.", "fix.", "bug.", "after."]).filter((name) => !SKIPPED.test(name));
  const pass = to.results.length > 0 && to.results.every((result) => result.pass);
  return { name: golden.name, comparisons: to.results, untouched, pass };
}

/** A report as lines of text: the worst of each kind, and each failure. */
export function formatParity({ name, comparisons, untouched, pass }: ParityReport): string {
  const lines = [
    `${name}: ${comparisons.length} tensors compared, ${pass ? "all within tolerance" : "FAILED"}`,
  ];
  for (const kind of Object.keys(TOLERANCE) as Kind[]) {
    const group = comparisons.filter((comparison) => comparison.kind === kind);
    if (group.length === 0) continue;
    const worst = group.reduce((a, b) => (b.error > a.error ? b : a));
    const { measure, limit } = TOLERANCE[kind];
    const failed = group.filter((comparison) => !comparison.pass).length;
    lines.push(
      `  ${failed ? "FAIL" : "ok  "} ${kind.padEnd(22)} ${String(group.length).padStart(4)} tensors  worst ${
        worst.error.toExponential(2)
      } of ${limit.toExponential(0)} (${measure}) at ${worst.name}`,
    );
    for (const { name, error, pass } of group) {
      if (!pass && failed < 20) lines.push(`         ${name}: ${error.toExponential(2)}`);
    }
  }
  if (untouched.length > 0) {
    lines.push(`  not compared: ${untouched.slice(0, 8).join(", ")}${untouched.length > 8 ? ", …" : ""}`);
  }
  return lines.join("\n");
}
