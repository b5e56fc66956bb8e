/**
 * Images per second of the whole training step on engine xla, beside the same step in PyTorch, in turn.
 *
 * Ours renders the views from bytes inside the step; the peer is handed rendered views and so does a little less. Each
 * model and each side has a process of its own, so memory is that of one step and nothing else.
 */
import { task } from "../src/cli/command.ts";
import { ENGINE } from "../src/cli/engine_options.ts";
import { choice, list, onOff, text, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { allocatorEnvironment } from "../src/engine/install/allocator.ts";
import { compare, type Comparison, inTurn, report } from "./measure.ts";
import { serveSteps, startOurs, type StepProcess, type StepWanted } from "./our_step.ts";
import { startTorch, type TorchOptions } from "./torch.ts";

/** The rows of memory: the peak, and what stays resident between steps. */
export function memoryRows(name: string, ours: StepProcess, peer: StepProcess | null): Comparison[] {
  return (["peak", "resident"] as const).map((what) => ({
    name: `memory/${name}/${what}`,
    ...compare([ours.memory()[what] / 1e9], peer && [peer.memory()[what] / 1e9]),
    unit: "GB",
    note: peer?.about,
  }));
}

/** Measures our step alone or beside peers. */
async function measure(
  ours: StepProcess,
  { preset, precision, batch }: StepWanted,
  { rounds, steps, peers }: { rounds: number; steps: number; peers: TorchOptions[] },
): Promise<Comparison[]> {
  const rows: Comparison[] = [], name = `${preset}/${precision}`;
  const rate = (side: StepProcess) => async () => batch * steps / await side.run(steps);
  let why = "";
  for (const options of peers) {
    const peer = await startTorch(options);
    if (typeof peer === "string") {
      why = peer;
      continue;
    }
    try {
      const result = await inTurn(rounds, rate(ours), rate(peer));
      const full = name + (options.env ? "/same-allocator" : options.compiled ? "/compiled" : "");
      rows.push({ name: `step/${full}`, unit: "images/s", note: peer.about, ...result });
      rows.push(...memoryRows(full, ours, peer));
    } finally {
      await peer.close();
    }
  }
  if (rows.length > 0) return rows;
  const alone = await inTurn(rounds, rate(ours));
  return [{ name: `step/${name}`, unit: "images/s", note: why, ...alone }, ...memoryRows(name, ours, null)];
}

export const benchTask = task({
  name: "bench step",
  summary: "Images per second of the whole training step, beside the same step in PyTorch.",
  options: {
    presets: { kind: list(PRESET), help: "models", default: ["tiny"] },
    precisions: {
      kind: list(choice("float32", "bfloat16")),
      help: "of the matrix products",
      default: ["float32"],
    },
    batch: { kind: whole(1), help: "pictures in a step", default: 8 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 5 },
    steps: { kind: whole(1), help: "steps in a round", default: 2 },
    engine: { ...ENGINE.engine, default: "xla" },
    device: { kind: choice("cpu", "cuda"), help: "of PyTorch", default: "cpu" },
    compile: { kind: onOff, help: "measure torch.compile too" },
    alone: { kind: onOff, help: "without PyTorch" },
    json: { kind: onOff, help: "print one JSON object a line" },
    serve: { kind: text, help: "be our process for another benchmark: which step, as JSON", value: "STEP" },
  },
}, async (given, { print, progress, exit }) => {
  if (given.serve !== undefined) {
    try {
      return await serveSteps(JSON.parse(given.serve), print);
    } catch (error) {
      progress.line(`${given.serve}: ${error instanceof Error ? error.message : error}`);
      exit(1); // Whatever an engine that failed still holds.
    }
  }
  const { batch, device, engine } = given, rows: Comparison[] = [];
  const allocator = await allocatorEnvironment();
  for (const preset of given.presets) {
    for (const precision of given.precisions) {
      const wanted: StepWanted = { engine, preset, precision, batch };
      const ours = await startOurs(wanted, (line) => progress.line(line));
      if (typeof ours === "string") throw new Error(`our step cannot run: ${ours}`);
      const shared = { preset, batch, precision, device };
      const peers: TorchOptions[] = given.alone ? [] : [
        { ...shared },
        // As its users start it, and once more with the allocator and the settings of our task.
        ...(device === "cpu" && Object.keys(allocator).length > 0 ? [{ ...shared, env: allocator }] : []),
        ...(given.compile ? [{ ...shared, compiled: true }] : []),
      ];
      try {
        rows.push(...await measure(ours, wanted, { ...given, peers }));
      } finally {
        await ours.close();
      }
    }
  }
  report(rows, given.json, print);
});
