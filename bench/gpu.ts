/**
 * Images per second of the training step beside PyTorch on the same accelerator, in turn: bench/gpu.sh runs this, as a
 * bundle, where there is neither a package cache nor a network.
 *
 * Each side runs in a process of its own, for both want most of the device's memory, and a round has one of each.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Case, type Figures, measureOurs } from "./gpu_ours.ts";
import { type Comparison, report, type Spread, spread } from "./measure.ts";
import { startTorch, type TorchOptions } from "./torch.ts";

/** Command line options. */
export const OPTIONS = {
  presets: { type: "string", default: "base,small,tiny" },
  precisions: { type: "string", default: "bfloat16" },
  batches: { type: "string", default: "256,128" },
  rounds: { type: "string", default: "2" },
  repeats: { type: "string", default: "5" },
  seconds: { type: "string", default: "2" },
  plugin: { type: "string" },
  "memory-fraction": { type: "string" },
  device: { type: "string", default: "cuda" },
  peers: { type: "string" },
  cache: { type: "string" },
  out: { type: "string" },
  eager: { type: "boolean", default: false },
  alone: { type: "boolean", default: false },
  /** For one child of ours: what it measures, as JSON. */
  ours: { type: "string" },
} as const;

/** Runs our side in a process of its own. */
async function ours(given: Case, flags: string[]): Promise<Figures> {
  const self = fileURLToPath(import.meta.url);
  const run = [
    "run",
    "-A",
    "--no-check",
    "--quiet",
    ...(self.endsWith(".js") ? ["--no-config", "--no-lock", "--no-remote", "--cached-only"] : []),
  ];
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
    return { about: peer.about, seconds, peakMemory: peer.peak(), readySeconds: ready };
  } finally {
    await peer.close();
  }
}

/** What one case came to, as it is written to the results. */
interface Result extends Case {
  ours: Figures;
  peers: { figures: Figures; ratio: Spread }[];
}

/** Runs all rounds of one case. */
async function measure(given: Case, flags: string[], peers: Partial<TorchOptions>[], rounds: number) {
  const mine: Figures[] = [], theirs = peers.map(() => [] as { figures: Figures; beside: Figures }[]);
  for (let round = 0; round < rounds; round++) {
    const beside = await ours(given, flags);
    mine.push(beside);
    for (const [i, peer] of peers.entries()) {
      const figures = await torch(given, peer);
      if (typeof figures !== "string") theirs[i].push({ figures, beside });
      else console.error(`no figures from PyTorch (${JSON.stringify(peer)}): ${figures}`);
    }
  }
  const together = (figures: Figures[]): Figures => ({
    ...figures[0],
    seconds: figures.flatMap(({ seconds }) => seconds),
    peakMemory: Math.max(...figures.map(({ peakMemory }) => peakMemory)),
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

/** A result's rows of the table. */
function rowsOf({ preset, precision, batch, ours, peers }: Result): Comparison[] {
  const name = `${preset}/${precision}/${batch}`, step = spread(ours.seconds).median;
  const mfu = (figures: Figures) =>
    ours.flops && ours.peakFlops
      ? 100 * ours.flops / ours.peakFlops / spread(figures.seconds).median
      : undefined;
  const rows: Comparison[] = [];
  const others = peers.length > 0 ? peers : [undefined];
  for (const peer of others) {
    const theirs = peer && spread(peer.figures.seconds).median,
      note = peer?.figures.about ?? "no PyTorch here";
    rows.push({
      name: `step/${name}`,
      ours: batch / step,
      peer: theirs ? batch / theirs : null,
      unit: "images/s",
      ratio: peer?.ratio ?? null,
      note,
    });
    rows.push({
      name: `time/${name}`,
      ours: 1000 * step,
      peer: theirs ? 1000 * theirs : null,
      unit: "ms",
      ratio: null,
      note,
    });
    const utilisation = mfu(ours);
    if (utilisation !== undefined) {
      const other = peer && mfu(peer.figures);
      rows.push({
        name: `mfu/${name}`,
        ours: utilisation,
        peer: other ?? null,
        unit: "%",
        ratio: null,
        note,
      });
    }
    rows.push({
      name: `memory/${name}`,
      ours: ours.peakMemory / 1e9,
      peer: peer ? peer.figures.peakMemory / 1e9 : null,
      unit: "GB peak",
      ratio: null,
      note,
    });
  }
  return rows;
}

/** Measures every case and prints it, as JSON while it goes and as a table at the end. */
export async function main(args: string[]): Promise<void> {
  const { values: given } = parseArgs({ options: OPTIONS, args });
  const plugin = ["plugin", "memory-fraction", "cache"] as const;
  if (given.ours) {
    const options = {
      plugin: given.plugin,
      cache: given.cache,
      memoryFraction: given["memory-fraction"] ? Number(given["memory-fraction"]) : undefined,
    };
    console.log(JSON.stringify(await measureOurs(JSON.parse(given.ours) as Case, options)));
    return;
  }
  const flags = plugin.flatMap((name) => given[name] ? [`--${name}`, given[name]] : []);
  const shared = { device: given.device as "cpu" | "cuda", folder: given.peers };
  const peers = given.alone ? [] : [{ ...shared, compiled: true }, ...(given.eager ? [shared] : [])];
  const rows: Comparison[] = [];
  const failed: string[] = [];
  for (const preset of given.presets.split(",") as Case["preset"][]) {
    for (const precision of given.precisions.split(",") as Case["precision"][]) {
      for (const batch of given.batches.split(",").map(Number)) {
        const one: Case = {
          preset,
          precision,
          batch,
          repeats: Number(given.repeats),
          seconds: Number(given.seconds),
        };
        // One that fails, for want of memory say, leaves the others their turn.
        try {
          const result = await measure(one, flags, peers, Number(given.rounds));
          const line = JSON.stringify(result);
          console.log(line);
          if (given.out) await Deno.writeTextFile(given.out, line + "\n", { append: true });
          rows.push(...rowsOf(result));
        } catch (error) {
          failed.push(`${preset}/${precision}/${batch}: ${(error as Error).message}`);
          console.error(failed.at(-1));
        }
      }
    }
  }
  report(rows, false);
  for (const line of failed) console.log(`failed  ${line}`);
  if (failed.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) await main(Deno.args);
