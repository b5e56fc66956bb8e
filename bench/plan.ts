/**
 * The training step of preset base beside the same step in JAX, both compiled for a card that is not here: what neither can
 * beat with its kernels, and the memory that it takes.
 *
 * deno task bench plan [--gpu h100] [--batch-size 256] [--attentions plain,cudnn] [--residuals float32,bfloat16]
 * [--rematerialise] [--json]
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import { type Card, CARDS } from "../src/plan/cards.ts";
import { compileStep } from "../src/plan/compiled_step.ts";
import { type CardCompiler, findCompiler } from "../src/plan/compiler.ts";
import { plan } from "../src/plan/plan.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { type Comparison, report, spread } from "./measure.ts";
import { findPython, runPython } from "./peer.ts";

/** A form of the step that both write. */
interface Form {
  batch: number;
  attention: "plain" | "cudnn";
  residual: RunConfig["residualPrecision"];
  rematerialise: boolean;
}

/** What a compiled step needs: the least milliseconds of its kernels, and gigabytes. */
interface Needs {
  ms: number;
  gigabytes: number;
}

/** JAX's step: variances in one pass, which is its fastest form; rendered views are given to it. */
async function jaxStep(compiler: CardCompiler, card: Card, form: Form): Promise<Needs> {
  const folder = await Deno.makeTempDir({ prefix: "bench-plan-" }), file = join(folder, "step.mlir");
  const script = fileURLToPath(new URL("./peers/saae_jax.py", import.meta.url));
  try {
    await runPython([
      ...[
        script,
        "lower",
        file,
        "--batch",
        String(form.batch),
        "--residual",
        form.residual,
        "--fast-variance",
      ],
      ...["--attention", form.attention === "cudnn" ? "cudnn" : "xla"],
      ...form.rematerialise ? ["--remat"] : [],
    ]);
    const text = await Deno.readTextFile(file);
    const { bounds, peakBytes } = await compileStep(compiler, card, text, { devices: 1, nodes: 1 });
    return { ms: bounds.boundMs, gigabytes: peakBytes / 1e9 };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Our step as `train` runs it on a card, without the rendering of its views, which JAX's has not. */
async function ourStep(compiler: CardCompiler, card: Card, form: Form): Promise<Needs> {
  const { batch: batchSize, attention, residual: residualPrecision, rematerialise } = form;
  const settings = {
    ...{ preset: "base", precision: "bfloat16", memoryFraction: 1 } as const,
    ...{ batchSize, attention, residualPrecision, rematerialise },
  };
  const { step } = await plan({ card, compiler, settings, pictures: batchSize });
  return { ms: step.boundMs - step.renderingMs, gigabytes: step.peakBytes / 1e9 };
}

/** A form's rows of the table; a ratio below 1 is to our favour. */
function rowsOf(form: Form, ours: Needs, peer: Needs | undefined): Comparison[] {
  const { attention, residual, rematerialise } = form;
  const name = [attention, residual, ...rematerialise ? ["rematerialised"] : []].join("/");
  const row = (what: string, unit: string, mine: number, theirs: number | undefined): Comparison => ({
    name: `${what}/${name}`,
    ours: mine,
    peer: theirs ?? null,
    unit,
    ratio: theirs === undefined ? null : spread([mine / theirs]),
    note: theirs === undefined ? "no JAX here" : "JAX, variances in one pass",
  });
  return [row("bound", "ms", ours.ms, peer?.ms), row("memory", "GB", ours.gigabytes, peer?.gigabytes)];
}

export const benchTask = task({
  name: "bench plan",
  summary: "The step of preset base beside JAX's, both compiled for a card that is not here.",
  options: {
    gpu: { kind: choice(...Object.keys(CARDS)), help: "the card", default: "h100" },
    batchSize: { kind: whole(8), help: "pictures in a step", default: 256 },
    attentions: {
      kind: list(choice("plain", "cudnn")),
      help: "forms of attention",
      default: ["plain", "cudnn"],
    },
    residuals: {
      kind: list(choice("float32", "bfloat16")),
      help: "types of the residual",
      default: ["float32", "bfloat16"],
    },
    rematerialise: { kind: onOff, help: "compute the blocks again instead of keeping them", default: false },
    json: { kind: onOff, help: "print a line of JSON for each figure" },
  },
  notes: [
    "PYTHON names an interpreter with jax; it needs no card. The compiler: deno task engine install xla-cuda13-compiler. " +
    "Each program takes a core a minute or more, once.",
  ],
}, async ({ gpu, batchSize, attentions, residuals, rematerialise, json }, { print, progress }) => {
  const compiler = await findCompiler(), card = CARDS[gpu], jax = await findPython(["jax", "numpy"]);
  if ("missing" in jax) progress.line(`JAX's step is left out: ${jax.missing}`);
  const rows: Comparison[] = [];
  for (const attention of attentions) {
    for (const residual of residuals) {
      const form: Form = { batch: batchSize, attention, residual, rematerialise };
      progress.line(`${attention} attention, ${residual} residual`);
      const ours = await ourStep(compiler, card, form);
      rows.push(...rowsOf(form, ours, "version" in jax ? await jaxStep(compiler, card, form) : undefined));
    }
  }
  report(rows, json === true, print);
});
