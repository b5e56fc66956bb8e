/**
 * The whole training step on engine xla beside TensorFlow.js's own engines, in turn: every engine in a process of its
 * own, started as our tasks start it.
 *
 * deno task bench engines [--engines tensorflow,webgpu,wasm] [--preset tiny] [--batch 8] [--rounds 3] [--steps 1] [--json]
 */
import { task } from "../src/cli/command.ts";
import { choice, list, onOff, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { type EngineName, ENGINES } from "../src/engine/types.ts";
import { type Comparison, inTurn, report } from "./measure.ts";
import { startOurs, type StepProcess } from "./our_step.ts";
import { memoryRows } from "./step.ts";

export const benchTask = task({
  name: "bench engines",
  summary: "Images per second of the training step on engine xla, beside the other engines.",
  options: {
    engines: {
      kind: list(choice<EngineName>(...ENGINES)),
      help: "the others",
      default: ["tensorflow", "webgpu", "wasm"],
    },
    preset: {
      kind: PRESET,
      help: "the model",
      default: "tiny",
    },
    batch: { kind: whole(1), help: "pictures in a step", default: 8 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 3 },
    steps: { kind: whole(1), help: "steps in a round", default: 1 },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
}, async ({ engines, preset, batch, rounds, steps, json }, { print, progress }) => {
  const say = (line: string) => progress.line(line);
  const start = (engine: EngineName) => startOurs({ engine, preset, batch, precision: "float32" }, say);
  const rate = (side: StepProcess) => async () => batch * steps / await side.run(steps);
  const ours = await start("xla");
  if (typeof ours === "string") {
    throw new Error("engine xla cannot run here, so there is nothing to compare with");
  }
  const rows: Comparison[] = [];
  try {
    for (const name of engines) {
      const peer = await start(name);
      if (typeof peer === "string") {
        say(`engine ${name} is left out: ${peer}`);
        continue;
      }
      try {
        const result = await inTurn(rounds, rate(ours), rate(peer));
        const label = `${name}/${preset}/float32`;
        rows.push({ name: `engines/${label}`, unit: "images/s", note: peer.about, ...result });
        rows.push(...memoryRows(label, ours, peer));
      } finally {
        await peer.close();
      }
    }
  } finally {
    await ours.close();
  }
  report(rows, json, print);
});
