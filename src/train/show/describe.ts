import type { BadRecord } from "../../data/epoch/epoch.ts";
import { describePassedOver } from "../../data/sources/passed_over.ts";
import { type Data, dataLength, dataPassedOver, dataUri } from "../../data/open/data.ts";
import { LOST_KEY } from "../../data/types.ts";
import type { Bfloat16Units } from "../../engine/processor.ts";
import type { CompileReport, Engine, Exchange } from "../../engine/types.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import type { RunConfig } from "../config/settings.ts";
import { peakRate } from "../schedule.ts";
import { decimalBytes, digits, plural } from "../../text/amounts.ts";
import { shellWord } from "../../text/layout.ts";

/** The largest peak of the learning rate that Muon was tried with (docs/recipe.md). */
const MUON_TRIED = 0.02;

/** A line for people, with what it is about before it. */
export const labelled = (label: string, text: string): string => `${label.padEnd(11)}${text}`;

/** A bad record, or a shard that is lost, for people. */
export function describeBad({ source, key, reason, lost }: BadRecord): [label: string, text: string] {
  const isShard = key === LOST_KEY;
  if (!isShard) return ["skipped", `${key}: ${reason} (${source})`];
  return [
    "lost",
    `${source}: ${reason}; ${
      lost === undefined ? "its other pictures" : `about ${plural(lost, "picture")}`
    } did not come`,
  ];
}

/** What a run is, as labels and lines for people. */
export function describeRun(
  config: Pick<
    RunConfig,
    "shuffleBuffer" | "precision" | "preset" | "batchSize" | "lr" | "optimizer" | "out"
  >,
  run: {
    engine: Engine;
    source: Data;
    /** Trainable numbers of the model. */
    parameters: number;
    plan: { pictures: number; perEpoch: number; total: number };
    /** What it goes on from. */
    resumed: Pick<Checkpoint, "step" | "path" | "engine"> | null;
    /** True when it starts from given weights. */
    warm: boolean;
    /** What the processor multiplies bfloat16 with; see {@linkcode bfloat16Units}. */
    units?: Bfloat16Units;
  },
): [label: string, text: string][] {
  const { engine, source, parameters, plan: { pictures, perEpoch, total }, resumed, warm, units } = run;
  const order = dataLength(source) === null
    ? `, a stream: shards and a buffer of ${config.shuffleBuffer} are shuffled`
    : ", shuffled exactly";
  const from = resumed
    ? `, going on after ${resumed.step} (${resumed.path})`
    : warm
    ? ", from given weights"
    : "";
  const lines: [string, string][] = [
    ["engine", `${engine.name}: ${engine.description}, ${config.precision}`],
    ["model", `${config.preset}, ${parameters.toLocaleString("en")} trainable parameters`],
    [
      "data",
      `${dataUri(source)}: ${plural(pictures, "picture")}, ${
        plural(perEpoch, "step")
      } of ${config.batchSize} an epoch${order}`,
    ],
    ["run", `${config.out}: ${plural(total, "step")}${from}`],
  ];
  lines.push(["watch", `deno task report ${shellWord(config.out)} --serve`]);
  const passedOver = describePassedOver(dataPassedOver(source));
  if (passedOver) lines.splice(3, 0, ["besides", passedOver]);
  if (resumed && resumed.engine !== engine.name) {
    lines.push(["note", `the checkpoint was made by ${resumed.engine}; ${engine.name} rounds differently`]);
  }
  const peak = peakRate(config.lr, config.batchSize);
  if (!resumed && config.optimizer === "muon" && peak > 2 * MUON_TRIED) {
    lines.push([
      "note",
      `--lr ${config.lr} grows with the batch, to ${
        digits(peak, 2)
      }; Muon was tried with up to ${MUON_TRIED}, which here is ` +
      `--lr ${digits(MUON_TRIED * 256 / config.batchSize, 2)}`,
    ]);
  }
  if (!resumed && config.precision === "float32") {
    const faster = fasterThanFloat32(engine.deviceMemory(), units);
    if (faster) lines.push(["note", faster]);
  }
  return lines;
}

/** What would be faster than float32's products, for people; undefined where nothing is known. */
function fasterThanFloat32(
  memory: ReturnType<Engine["deviceMemory"]>,
  units: Bfloat16Units | undefined,
): string | undefined {
  // A device with memory of its own is a graphics card.
  if (typeof memory === "object") {
    return "products have all digits of float32; on a card --precision bfloat16 takes a fraction of the time, and tf32 less too";
  }
  if (memory === "host" && units) {
    return `this processor has units for bfloat16 (${units}): with --precision bfloat16 a step takes half to three quarters of the time`;
  }
  return undefined;
}

/** How a step was compiled, for people. */
export function describeCompile({ traceSeconds, compileSeconds, cached, flops }: CompileReport): string {
  const how = cached ? "loaded compiled in" : "compiled in";
  return `traced in ${traceSeconds.toFixed(1)} s, ${how} ${compileSeconds.toFixed(1)} s` +
    (flops ? `, ${(flops / 1e9).toLocaleString("en", { maximumSignificantDigits: 3 })} GFLOP a step` : "");
}

/** What the devices exchange in a step, for people. */
export function describeExchanges(exchanges: readonly Exchange[]): string {
  const kinds = [...new Set(exchanges.map(({ kind }) => kind))].map((kind) =>
    plural(exchanges.filter((each) => each.kind === kind).length, kind)
  );
  const bytes = exchanges.reduce((sum, each) => sum + each.bytes, 0);
  return `${kinds.join(", ") || "nothing"}: ${decimalBytes(bytes)} a step on each device`;
}

/** Where a run has come, for people. */
export function describeEnd(
  { step, total, checkpoint, bad }: { step: number; total: number; checkpoint: string; bad: number },
): string {
  const skipped = bad > 0 ? `, bad pictures were skipped ${bad} ${bad === 1 ? "time" : "times"}` : "";
  return `step ${step} of ${total}: ${checkpoint || "node 0 has the run folder"}${skipped}`;
}
