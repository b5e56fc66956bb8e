/**
 * Trains a semantic-aware auto-encoder: on the demo pictures, or with `--data` on pictures of one's own.
 *
 * deno task train [--data URI] [--out RUN] [--preset NAME] [--resume] [--config FILE] [--help]
 */
import { join } from "node:path";
import type { Command } from "../src/cli/command.ts";
import { helpText } from "../src/cli/help.ts";
import { parse } from "../src/cli/parse.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { closeData } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import { demoEvaluators, prepareDemo, shortenDemo, shortenedNotes } from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import type { Hosts } from "../src/engine/xla/hosts/join.ts";
import { reconstructionFigure } from "../src/eval/figure.ts";
import { readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { agreeOnRun, joinNodes } from "../src/train/nodes.ts";
import { planSteps } from "../src/train/run/plan.ts";
import { consoleProgress, type Progress } from "../src/train/show/progress.ts";
import { train } from "../src/train/train.ts";

/** Aborts at the first SIGINT or SIGTERM, so the step is finished and saved; a second one ends the process. */
function onSignal(
  say: (text: string) => void,
): { signal: AbortSignal; code: () => number; close: () => void } {
  const controller = new AbortController();
  let code = 0;
  const listeners = ([["SIGINT", 130], ["SIGTERM", 143]] as const).map(([name, exit]) => {
    const listener = () => {
      if (controller.signal.aborted) Deno.exit(exit);
      code = exit;
      say(`${name}: finishing what is under way and writing a checkpoint (once more: stop at once)`);
      controller.abort();
    };
    return { name, listener };
  }).filter(({ name }) => Deno.build.os !== "windows" || name === "SIGINT");
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    code: () => code,
    close: () =>
      listeners.splice(0).forEach(({ name, listener }) => Deno.removeSignalListener(name, listener)),
  };
}

/** The exit code where another node was asked to stop: as if this one had had the SIGTERM. */
const STOPPED = 143;

async function main(flags: { config?: string; settings: Partial<RunConfig> }): Promise<number> {
  const progress = consoleProgress();
  // What to do: preset < file < flags; a resumed run starts from its own configuration.
  const file = flags.config ? await readConfig(flags.config) : {};
  const hosts = await joinNodes({ ...file, ...flags.settings }, progress.line);
  try {
    return await run(file, flags.settings, progress, hosts);
  } catch (error) {
    if (!hosts) throw error;
    // The others would wait for this node, and this one's last step waits for them.
    await hosts.fail((error as Error).message);
    report(error);
    Deno.exit(Number(Deno.exitCode));
  }
}

/** Trains, on this node of `hosts` if there are several, and evaluates. Gives the exit code. */
async function run(
  file: Partial<RunConfig>,
  flags: Partial<RunConfig>,
  progress: Progress,
  hosts?: Hosts,
): Promise<number> {
  const say = progress.line, leads = !hosts || hosts.nodeId === 0;
  let config = await agreeOnRun(file, flags, hosts);
  // What to do it with: the data first, for a wrong path should not cost the download of an engine.
  const shards = config.data === "" ? await prepareDemo(say) : null;
  const labels = config.labels || undefined;
  const data = await openData(shards?.train ?? config.data, {
    labels,
    classes: false,
    progress: say,
    http: { progress: say },
  });
  let engine: Engine | undefined, stop: ReturnType<typeof onSignal> | undefined, failed = false;
  try {
    planSteps(config, data);
    engine = await openEngine(config.engine, {
      devices: config.devices,
      hosts,
      plugin: config.plugin || undefined,
      memoryFraction: config.memoryFraction || undefined,
      preallocate: config.preallocate === "auto" ? undefined : config.preallocate === "on",
      progress: say,
    });
    if (shards && engine.name === "wasm" && !config.resume) {
      config = shortenDemo(config, { ...file, ...flags });
    }
    const notes = shards ? shortenedNotes(config, engine.name) : [];
    notes.forEach(say);
    const look = { engine, config, progress: say };
    const evaluators = shards ? demoEvaluators({ ...look, shards, notes }) : [
      reconstructionFigure({
        ...look,
        data,
        file: join(config.out, "reconstruction.png"),
        seed: config.seed,
      }),
    ];
    stop = onSignal(say);
    const { signal } = stop;
    const { stopped } = await train(config, { engine, source: data, hosts, progress, signal, evaluators });
    if (!stopped && (!signal.aborted || !leads)) return 0;
    if (!leads) return stop.code() || STOPPED;
    const state = stopped ? "stopped" : "trained to the end, but not evaluated";
    say(`${state}; to go on: deno task train --resume --out ${config.out}`);
    return stop.code() || STOPPED;
  } catch (error) {
    failed = hosts !== undefined;
    throw error;
  } finally {
    stop?.close();
    await closeData(data);
    // After an error the devices may wait for other nodes for ever; then the process ends as it is.
    if (!failed) await engine?.close();
    if (!failed) await hosts?.close();
  }
}

/** Tells of an error and sets the exit code. */
function report(error: unknown): void {
  // What went wrong outside is told in its own words; for a mistake of the program its place helps.
  const ours = error instanceof Error && !(error instanceof TypeError || error instanceof ReferenceError);
  const memory = error instanceof WebAssembly.RuntimeError
    ? ". The engine wasm has 2 GB at most: a smaller --batch-size needs less"
    : "";
  console.error(ours ? `error: ${error.message}${memory}` : error);
  Deno.exitCode = error instanceof UsageError ? 2 : 1;
}

const TRAIN: Command = {
  name: "train",
  summary:
    "Trains a semantic-aware auto-encoder: on the demo pictures, or with --data on pictures of one's own.",
  options: SETTING_OPTIONS,
  stray: "data",
  shown: shownSettings,
  notes: SETTING_NOTES,
};

if (import.meta.main) {
  try {
    const { help, given } = parse(TRAIN, Deno.args, (name) => Deno.env.get(name));
    if (help) console.log(helpText(TRAIN, 100, given));
    else {
      Deno.exitCode = await main({ config: given.config as string | undefined, settings: settingsIn(given) });
    }
  } catch (error) {
    report(error);
  }
}
