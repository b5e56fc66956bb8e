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
import { collect } from "../src/data/open/collect.ts";
import { openData, openSource } from "../src/data/open/open_data.ts";
import { closeData } from "../src/data/open/data.ts";
import type { Source } from "../src/data/types.ts";
import {
  type DemoShards,
  evaluateDemo,
  formatTable,
  prepareDemo,
  reconstructionPicture,
} from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import { initModel } from "../src/model/init.ts";
import { type Hosts, joinHosts } from "../src/engine/xla/hosts/join.ts";
import { checkNodes, readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";
import { train } from "../src/train/loop.ts";
import { shareConfig, sharedConfig } from "../src/train/nodes.ts";
import { consoleProgress, type Progress } from "../src/train/show/progress.ts";
import { planRun, planSteps } from "../src/train/run/plan.ts";
import { presetConfig, shortenDemo } from "../src/train/config/presets.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { disposeTree } from "../src/train/state.ts";

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
      say(`${name}: finishing this step and writing a checkpoint (once more: stop at once)`);
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

/** Pictures of a stream that reconstruction.png is chosen from. */
const SHOWN = 64;

/** What the table says of a demo with fewer epochs than it is meant to have. */
function shorterNotes(config: RunConfig, engine: string): string[] {
  const { epochs } = presetConfig(config.preset);
  if (config.steps > 0) return [`shortened: at most ${config.steps} steps (batches of ${config.batchSize})`];
  if (config.epochs >= epochs) return [];
  const why = engine === "wasm" ? ": the engine wasm takes too long for more" : "";
  return [`shortened: ${config.epochs} epochs (batches of ${config.batchSize}) in place of ${epochs}${why}`];
}

/** Joins the other nodes, if there are any: who they are is said anew at each start. */
async function joinNodes(given: Partial<RunConfig>, say: (text: string) => void): Promise<Hosts | undefined> {
  const { nodes = 1, nodeId = 0, coordinator = "", nodeWait, nodeSilence } = {
    ...presetConfig("demo"),
    ...given,
  };
  if (nodes === 1) return undefined;
  checkNodes({ ...presetConfig("demo"), ...given, nodes, nodeId, coordinator });
  say(`node ${nodeId} of ${nodes}: waiting at ${coordinator} for all to come`);
  return await joinHosts({ nodes, nodeId, coordinator, patience: nodeWait, silence: nodeSilence });
}

async function main(flags: { config?: string; settings: Partial<RunConfig> }): Promise<number> {
  const progress = consoleProgress();
  const say = (text: string) => progress.line(text);

  // What to do: preset < file < flags; a resumed run starts from its own configuration.
  const file = flags.config ? await readConfig(flags.config) : {};
  const given = { ...file, ...flags.settings };
  const hosts = await joinNodes(given, say);
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
  settings: Partial<RunConfig>,
  progress: Progress,
  hosts?: Hosts,
): Promise<number> {
  const say = (text: string) => progress.line(text);
  const given = { ...file, ...settings };
  let config: RunConfig;
  if (hosts && hosts.nodeId > 0) config = await sharedConfig(hosts, given);
  else {
    const { nodes, nodeId, coordinator } = { ...presetConfig("demo"), ...given };
    config = await planRun(file, { ...settings, nodes, nodeId, coordinator });
    if (hosts) await shareConfig(hosts, config);
  }
  const demo = config.data === "";

  // What to do it with: the data first, for a wrong path should not cost the download of an engine.
  const shards: DemoShards | null = demo ? await prepareDemo(say) : null;
  const source = await openData(shards?.train ?? config.data, {
    labels: config.labels || undefined,
    classes: false,
    progress: say,
    http: { progress: say },
  });
  try {
    planSteps(config, source);
  } catch (error) {
    await closeData(source);
    throw error;
  }
  const engine = await openEngine(config.engine, {
    devices: config.devices,
    hosts,
    plugin: config.plugin || undefined,
    memoryFraction: config.memoryFraction || undefined,
    preallocate: config.preallocate === "auto" ? undefined : config.preallocate === "on",
    progress: say,
  });
  if (demo && engine.name === "wasm" && !config.resume) config = shortenDemo(config, given);
  const notes = demo ? shorterNotes(config, engine.name) : [];
  for (const note of notes) say(note);
  let heldout: Source | null = null;

  const stop = onSignal(say);
  let failed = false;
  try {
    // Train.
    const result = await train(config, { engine, source, hosts, progress, signal: stop.signal });
    if (hosts && hosts.nodeId > 0) {
      say(`step ${result.step} of ${result.total}; node 0 has the run folder`);
      return result.stopped ? stop.code() || STOPPED : 0;
    }
    const bad = result.bad > 0
      ? `, bad pictures were skipped ${result.bad} ${result.bad === 1 ? "time" : "times"}`
      : "";
    say(`step ${result.step} of ${result.total}: ${result.checkpoint}${bad}`);
    if (stop.signal.aborted || result.stopped) {
      const state = result.stopped ? "stopped" : "trained to the end, but not evaluated";
      say(`${state}; to go on: deno task train --resume --out ${config.out}`);
      return stop.code() || STOPPED;
    }
    stop.close();
    const { state } = result;
    disposeTree([state.m, state.v, state.ema]);

    // Look at it.
    const picture = join(config.out, "reconstruction.png");
    if (shards) heldout = await openSource(shards.heldout);
    await reconstructionPicture({
      engine,
      config,
      state,
      source: heldout ?? await collect(source, { count: SHOWN, onBad: () => {} }),
      file: picture,
      seed: config.seed,
    });
    say(`wrote ${picture}`);
    if (shards) {
      const random = initModel(config, config.seed);
      const table = await evaluateDemo({
        engine,
        config,
        state,
        random,
        ...shards,
        run: config.out,
        notes,
        progress: say,
      });
      say(formatTable(table));
    }
    return 0;
  } catch (error) {
    failed = hosts !== undefined;
    throw error;
  } finally {
    stop.close();
    await heldout?.close();
    await closeData(source);
    // After an error the devices may wait for other nodes for ever; then the process ends as it is.
    if (!failed) await engine.close();
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
