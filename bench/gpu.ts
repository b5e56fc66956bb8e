/**
 * Images per second of the training step beside PyTorch on the same accelerator, in turn: bench/gpu.sh runs this where
 * there is neither a package cache nor a network.
 *
 * Each side runs in a process of its own, for both want most of the device's memory, and a round has one of each.
 */
import { fileURLToPath } from "node:url";
import { task } from "../src/cli/command.ts";
import { choice, list, number, onOff, share, text, whole } from "../src/cli/kinds.ts";
import { start } from "../src/cli/run.ts";
import { type Case, type Figures, measureOurs } from "./gpu_ours.ts";
import { nameOf, type Result, rowsOf } from "./gpu_rows.ts";
import { type Comparison, report, spread } from "./measure.ts";
import { startTorch, type TorchOptions } from "./torch.ts";

/** Runs our side in a process of its own. */
async function ours(given: Case, flags: string[]): Promise<Figures> {
  const self = fileURLToPath(import.meta.url);
  const run = ["run", "-A", "--no-check", "--quiet"];
  const args = [...run, self, ...flags, "--ours", JSON.stringify(given)];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  const text = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  if (!success) throw new Error(`our step ended with an error (${JSON.stringify(given)})`);
  return JSON.parse(text) as Figures;
}

/** Runs PyTorch's side in a process of its own; a reason where it cannot run. */
async function torch(given: Case, options: Partial<TorchOptions>): Promise<Figures | string> {
  const { preset, batch, precision } = given;
  const start = performance.now();
  const peer = await startTorch({ preset, batch, precision, ...options });
  if (typeof peer === "string") return peer;
  const ready = (performance.now() - start) / 1000;
  try {
    await peer.run(2);
    const steps = Math.max(1, Math.ceil(given.seconds / (await peer.run(2) / 2)));
    const seconds: number[] = [];
    for (let i = 0; i < given.repeats; i++) seconds.push(await peer.run(steps) / steps);
    return { about: peer.about, seconds, peakMemory: peer.memory().peak, readySeconds: ready };
  } finally {
    await peer.close();
  }
}

/** PyTorch's figures by case and round; forms of ours that are the same to it are compared with the same ones. */
const measured = new Map<string, Figures | string>();

/** Runs all rounds of one case. */
async function measure(given: Case, flags: string[], peers: Partial<TorchOptions>[], rounds: number) {
  const mine: Figures[] = [], theirs = peers.map(() => [] as { figures: Figures; beside: Figures }[]);
  const { preset, precision, batch } = given;
  for (let round = 0; round < rounds; round++) {
    const beside = await ours(given, flags);
    mine.push(beside);
    for (const [i, peer] of peers.entries()) {
      const key = JSON.stringify([preset, precision, batch, peer, round]);
      const figures = measured.get(key) ?? await torch(given, peer);
      measured.set(key, figures);
      if (typeof figures !== "string") theirs[i].push({ figures, beside });
      else console.error(`no figures from PyTorch (${JSON.stringify(peer)}): ${figures}`);
    }
  }
  const together = (figures: Figures[]): Figures => ({
    ...figures[0],
    seconds: figures.flatMap(({ seconds }) => seconds),
    peakMemory: Math.max(...figures.map(({ peakMemory }) => peakMemory)),
    repeatable: figures.every(({ repeatable }) => repeatable !== false),
  });
  return {
    ...given,
    ours: together(mine),
    peers: theirs.filter((rounds) => rounds.length > 0).map((rounds) => ({
      figures: together(rounds.map(({ figures }) => figures)),
      // The peer's time by ours, pair by pair: above 1 we are faster.
      ratio: spread(
        rounds.flatMap(({ figures, beside }) =>
          figures.seconds.map((seconds, i) => seconds / beside.seconds[i])
        ),
      ),
    })),
  } satisfies Result;
}

/** All combinations that are asked for and make sense. */
function casesOf({ presets, precisions, batches, attentions, residuals }: {
  presets: readonly Case["preset"][];
  precisions: readonly Case["precision"][];
  batches: readonly number[];
  attentions: readonly Case["attention"][];
  residuals: readonly Case["residual"][];
}): Omit<Case, "repeats" | "seconds">[] {
  return presets.flatMap((preset) =>
    precisions.flatMap((precision) =>
      batches.flatMap((batch) =>
        attentions.flatMap((attention) =>
          residuals.map((residual) => ({ preset, precision, batch, attention, residual }))
        )
      )
    )
  ).filter(({ precision, attention, residual }) =>
    precision === "bfloat16" || (attention !== "cudnn" && residual === "float32")
  );
}

export const benchTask = task({
  name: "bench gpu",
  summary:
    "Images per second of the training step beside PyTorch on the same accelerator; bench/gpu.sh runs it. Each case " +
    "is printed as JSON when it is done, and all as a table at the end.",
  options: {
    presets: {
      kind: list(choice("base", "small", "tiny")),
      help: "models",
      default: ["base", "small", "tiny"],
    },
    precisions: {
      kind: list(choice("float32", "tf32", "bfloat16")),
      help: "of the matrix products",
      default: ["bfloat16"],
    },
    attentions: {
      kind: list(choice("auto", "plain", "cudnn")),
      help: "how our blocks attend; cudnn in bfloat16 alone",
      default: ["auto"],
    },
    residuals: {
      kind: list(choice("float32", "bfloat16")),
      help: "in what our residual stream is kept; bfloat16 in bfloat16 alone",
      default: ["float32"],
    },
    batches: { kind: list(whole(1)), help: "pictures in a step", default: [256, 128] },
    rounds: { kind: whole(1), help: "processes of each side", default: 2 },
    repeats: { kind: whole(1), help: "measurements in a process", default: 5 },
    seconds: { kind: number(), help: "of a measurement", default: 2 },
    plugin: { kind: text, help: "a PJRT plugin", value: "PATH" },
    memoryFraction: {
      kind: share,
      help: "largest share of the card's memory that ours uses",
      value: "SHARE",
    },
    device: { kind: choice("cpu", "cuda"), help: "of PyTorch", default: "cuda" },
    peers: { kind: text, help: "folder of PyTorch's programs", value: "FOLDER" },
    cache: { kind: text, help: "folder for compiled programs", value: "FOLDER" },
    out: { kind: text, help: "file to which each case is appended as JSON", value: "FILE" },
    eager: { kind: onOff, help: "measure PyTorch without torch.compile too" },
    alone: { kind: onOff, help: "without PyTorch" },
    ours: {
      kind: text,
      help: "be the process of our side, for another bench gpu: the case as JSON",
      value: "CASE",
    },
  },
}, async (given, { print, progress }) => {
  const { plugin, memoryFraction, cache } = given;
  if (given.ours) {
    print(
      JSON.stringify(await measureOurs(JSON.parse(given.ours) as Case, { plugin, cache, memoryFraction })),
    );
    return;
  }
  const flags = Object.entries({ plugin, "memory-fraction": memoryFraction, cache })
    .flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, `${value}`]);
  const { repeats, seconds } = given, shared = { device: given.device, folder: given.peers };
  const peers = given.alone ? [] : [{ ...shared, compiled: true }, ...(given.eager ? [shared] : [])];
  // What cannot be written is said before hours of measuring.
  if (given.out) (await Deno.open(given.out, { append: true, create: true })).close();
  const rows: Comparison[] = [], bits: string[] = [], failed: string[] = [];
  for (const one of casesOf(given)) {
    // One that fails, for want of memory say, leaves the others their turn.
    try {
      const result = await measure({ ...one, repeats, seconds }, flags, peers, given.rounds);
      const line = JSON.stringify(result);
      print(line);
      if (given.out) await Deno.writeTextFile(given.out, line + "\n", { append: true });
      rows.push(...rowsOf(result));
      bits.push(`${nameOf(result)}: ${result.ours.repeatable ? "the same numbers" : "OTHER NUMBERS"}`);
    } catch (error) {
      failed.push(`${nameOf({ ...one, repeats, seconds })}: ${(error as Error).message}`);
      progress.line(failed.at(-1)!);
    }
  }
  report(rows, false, print);
  for (const line of bits) print(`the same steps once more  ${line}`);
  for (const line of failed) print(`failed  ${line}`);
  return failed.length > 0 ? 1 : 0;
});

if (import.meta.main) await start(benchTask);
