/**
 * Trains a semantic-aware auto-encoder: on the demo pictures, or with `--data` on pictures of one's own.
 *
 * deno task train [--data URI] [--out RUN] [--preset NAME] [--resume] [--config FILE] [--help]
 */
import { join } from "node:path";
import { collect } from "../src/data/collect.ts";
import { openSource } from "../src/data/open.ts";
import { closeData, openData } from "../src/data/opened.ts";
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
import { ConfigError, type Flags, helpText, parseFlags, readConfig } from "../src/train/config.ts";
import { train } from "../src/train/loop.ts";
import { consoleProgress } from "../src/train/progress.ts";
import { planRun, planSteps } from "../src/train/run.ts";
import { presetConfig, shortenDemo } from "../src/train/presets.ts";
import type { RunConfig } from "../src/train/settings.ts";
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

async function main(flags: Flags): Promise<number> {
  const progress = consoleProgress();
  const say = (text: string) => progress.line(text);

  // What to do: preset < file < flags; a resumed run starts from its own configuration.
  const file = flags.config ? await readConfig(flags.config) : {};
  let config = await planRun(file, flags.settings);
  const demo = config.data === "";

  // What to do it with: the data first, for a wrong path should not cost the download of an engine.
  const shards: DemoShards | null = demo ? await prepareDemo(say) : null;
  const source = await openData(shards?.train ?? config.data, { labels: config.labels || undefined });
  try {
    planSteps(config, source);
  } catch (error) {
    await closeData(source);
    throw error;
  }
  const engine = await openEngine(config.engine, {
    devices: config.devices,
    plugin: config.plugin || undefined,
    memoryFraction: config.memoryFraction || undefined,
    preallocate: config.preallocate === "auto" ? undefined : config.preallocate === "on",
    say,
  });
  if (demo && engine.name === "wasm" && !config.resume) {
    config = shortenDemo(config, { ...file, ...flags.settings });
  }
  const notes = demo ? shorterNotes(config, engine.name) : [];
  for (const note of notes) say(note);
  let heldout: Source | null = null;

  const stop = onSignal(say);
  try {
    // Train.
    const result = await train(config, { engine, source, progress, signal: stop.signal });
    const bad = result.bad > 0
      ? `, bad pictures were skipped ${result.bad} ${result.bad === 1 ? "time" : "times"}`
      : "";
    say(`step ${result.step} of ${result.total}: ${result.checkpoint}${bad}`);
    if (stop.signal.aborted) {
      const state = result.stopped ? "stopped" : "trained to the end, but not evaluated";
      say(`${state}; to go on: deno task train --resume --out ${config.out}`);
      return stop.code();
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
  } finally {
    stop.close();
    await heldout?.close();
    await closeData(source);
    await engine.close();
  }
}

if (import.meta.main) {
  try {
    const flags = parseFlags(Deno.args);
    if (flags.help) console.log(`deno task train [settings]\n\n${helpText(flags.settings.preset)}`);
    else Deno.exitCode = await main(flags);
  } catch (error) {
    // What went wrong outside is told in its own words; for a mistake of the program its place helps.
    const ours = error instanceof Error && !(error instanceof TypeError || error instanceof ReferenceError);
    const memory = error instanceof WebAssembly.RuntimeError
      ? ". The engine wasm has 2 GB at most: a smaller --batch-size needs less"
      : "";
    console.error(ours ? `error: ${error.message}${memory}` : error);
    Deno.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}
