/** `deno task train`: trains on the demo pictures, or with `--data` on pictures of one's own. */
import { task } from "../src/cli/command.ts";
import { configuredEngine } from "../src/cli/engine_options.ts";
import type { Interruption } from "../src/cli/interrupt.ts";
import { onOff } from "../src/cli/kinds.ts";
import { exitCode, report, start } from "../src/cli/run.ts";
import type { Shell } from "../src/cli/shell.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { closeData } from "../src/data/open/data.ts";
import { openData } from "../src/data/open/open_data.ts";
import {
  endEvaluators,
  figureEvaluator,
  formatTable,
  prepareDemo,
  shortenDemo,
  shortenedNotes,
  type Table,
} from "../src/demo/mod.ts";
import { openEngine } from "../src/engine/open.ts";
import type { Engine } from "../src/engine/types.ts";
import type { Hosts } from "../src/engine/xla/hosts/join.ts";
import { beginRun } from "../src/eval/begin_run.ts";
import { shellWord } from "../src/text/layout.ts";
import { withBatchSize } from "../src/train/auto_batch.ts";
import { type OpenedTrainingProbe, openTrainingProbe } from "../src/eval/training_probe.ts";
import { presetAdvice } from "../src/train/config/advice.ts";
import { readConfig } from "../src/train/config/config.ts";
import { SETTING_NOTES, SETTING_OPTIONS, settingsIn, shownSettings } from "../src/train/config/flags.ts";
import type { RunConfig } from "../src/train/config/settings.ts";
import { launchSettings } from "../src/train/launch/launch_settings.ts";
import { joinNodes } from "../src/train/nodes.ts";
import { type MinutesOptions, withMinutes } from "../src/train/minutes.ts";
import { planSteps } from "../src/train/run/plan.ts";
import { runProgress } from "../src/train/show/progress.ts";
import { disposeTree } from "../src/train/state.ts";
import { train } from "../src/train/train.ts";
import { warmStart } from "../src/weights/warm_start.ts";

/** The exit code where another node was asked to stop: as if this one had had the SIGTERM. */
const STOPPED = 143;

/** What was given: settings of the file and, over them, of the command line. */
interface Wanted {
  file: Partial<RunConfig>;
  flags: Partial<RunConfig>;
  /** How long it is to train. */
  minutes?: number;
  json: boolean;
}

/** Refuses a time beside another length, and where it cannot be measured. */
function checkLength({ file, flags, minutes }: Wanted): void {
  if (minutes === undefined) return;
  const given = { ...file, ...flags };
  if ((given.nodes ?? 1) > 1) {
    throw new UsageError("--minutes is measured on one node; with several, take --epochs");
  }
  // An option wins over what a file says, such as the configuration of another run.
  const other = (["epochs", "steps"] as const).find((key) => flags[key]);
  if (other) throw new UsageError(`--minutes and --${other} exclude each other: take one`);
  if (given.resume) {
    throw new UsageError("--resume: a run's length is fixed when it begins; leave --minutes out");
  }
}

/** The run as long as it is to train; null where it was stopped while that was measured. */
async function withLength(
  { file, flags, minutes }: Wanted,
  config: RunConfig,
  options: MinutesOptions,
): Promise<RunConfig | null> {
  if (minutes === undefined) return config;
  // A file that has epochs too has the warm-up for those.
  const { warmupEpochs } = file.epochs ? flags : { ...file, ...flags };
  if (warmupEpochs === undefined) return await withMinutes(config, minutes, options);
  return await withMinutes({ ...config, warmupEpochs }, minutes, { ...options, keepWarmup: true });
}

/** Settings without the warm-up where minutes are given: there are no epochs yet that it could be longer than. */
function withoutWarmup(settings: Partial<RunConfig>, minutes: number | undefined): Partial<RunConfig> {
  const { warmupEpochs: _, ...rest } = settings;
  return minutes === undefined ? settings : rest;
}

/** Trains, on this node of `hosts` if there are several, and evaluates. Gives the exit code. */
async function run(wanted: Wanted, shell: Shell, hosts?: Hosts): Promise<number> {
  const { file, flags, minutes, json } = wanted, progress = runProgress(shell.progress);
  const say = progress.line, leads = !hosts || hosts.nodeId === 0;
  const begun = await beginRun(withoutWarmup(file, minutes), withoutWarmup(flags, minutes), say, hosts);
  let { config } = begun;
  // Until the end: what is looked at then is written into the folder too.
  await using lock = begun.lock;
  // What to do it with: the data first, for a wrong path should not cost the download of an engine.
  const shards = config.data === "" ? await prepareDemo(say) : null;
  const labels = config.labels || undefined, leave = new AbortController();
  const data = await openData(shards?.train ?? config.data, {
    labels,
    classes: false,
    progress: say,
    http: { signal: leave.signal },
  });
  let engine: Engine | undefined, stop: Interruption | undefined, table: Table | undefined, failed = false;
  let probe: OpenedTrainingProbe | null = null;
  try {
    // With minutes the epochs come later.
    if (config.batchSize > 0) planSteps(minutes === undefined ? config : { ...config, epochs: 1 }, data);
    probe = leads ? await openTrainingProbe(config, say) : null;
    engine = await openEngine(config.engine, { ...configuredEngine(config), hosts, progress: say });
    config = await withBatchSize(config, { engine, source: data, progress: say });
    // Who names a preset, a size or weights has chosen.
    const { preset, imageSize, init } = { ...file, ...flags };
    const chosen = shards || config.resume || preset || imageSize || init;
    const advice = chosen || !leads
      ? undefined
      : await presetAdvice(data, config.preset, engine.deviceMemory() !== "host");
    if (advice) say(advice);
    stop = shell.interruptible("finishing what is under way and writing a checkpoint");
    const { signal } = stop;
    // One process needs no more data then, so a server is not waited for. Several go on to a step that all agree on.
    if (!hosts) signal.addEventListener("abort", () => leave.abort(signal.reason), { once: true });
    const long = await withLength(wanted, config, { engine, source: data, signal, progress: say });
    if (!long) {
      say("stopped before the run began: nothing is kept");
      return stop.code();
    }
    config = long;
    if (shards && engine.name === "wasm" && !config.resume && !minutes) {
      config = shortenDemo(config, { ...file, ...flags });
    }
    const notes = shards ? shortenedNotes(config, engine.name) : [];
    notes.forEach(say);
    const result = (made: Table) => void (table = made);
    const evaluators = endEvaluators({ engine, config, progress: say }, { data, shards, notes, result });
    if (probe) evaluators.unshift(...await probe.evaluators(engine));
    if (config.figures) {
      evaluators.unshift(figureEvaluator({ engine, config, progress: say }, { data, shards }));
    }
    const { model } = begun, start = model && warmStart(config, config.seed, model.tensors);
    const initial = start?.initial;
    begun.model = undefined; // It is on the engine now.
    start?.notes.forEach(say);
    const options = { engine, source: data, hosts, lock, progress, signal, evaluators, initial };
    // What came of the data is in data.json.
    const { state: _, data: __, ...done } = await train(config, options), { stopped } = done;
    if (initial) disposeTree({ ...initial });
    if (json) shell.print(JSON.stringify({ run: config.out, ...done, table }));
    else if (table) shell.print(formatTable(table));
    if (!stopped && (!signal.aborted || !leads)) return 0;
    if (!leads) return stop.code() || STOPPED;
    const state = stopped ? "stopped" : "trained to the end, but not evaluated";
    say(`${state}; to go on: deno task train --resume --out ${shellWord(config.out)}`);
    return stop.code() || STOPPED;
  } catch (error) {
    failed = hosts !== undefined;
    throw error;
  } finally {
    stop?.close();
    await closeData(data);
    await probe?.close();
    // After an error the devices may wait for other nodes for ever; then the process ends as it is.
    if (!failed) await engine?.close();
    if (!failed) await hosts?.close();
  }
}

export const trainTask = task({
  name: "train",
  summary: "Trains a semantic-aware auto-encoder: on the demo pictures, or with --data on your own.",
  options: {
    ...SETTING_OPTIONS,
    minutes: {
      kind: { kind: "number", above: 0 },
      group: "Training",
      help:
        "minutes of training instead of --epochs, which come of a rate that is measured once, at the start",
      value: "X",
    },
    json: { kind: onOff, help: "print what the run ended with as JSON" },
  },
  stray: "data",
  shown: shownSettings,
  notes: SETTING_NOTES,
  examples: [
    ["train", "on the demo pictures, which it fetches: some ten minutes on two cores"],
    ["train --data ./my-photos --out runs/mine --preset tiny", "on a folder of photos"],
    ["train --data ./my-photos --preset photo --minutes 60", "for an hour of this machine"],
    ["train --init dino_vits16.pth --data ./my-photos", "from weights that others have trained"],
    ["train --resume --out runs/mine", "continues a run that was stopped or killed"],
  ],
}, async (given, shell) => {
  const { config } = given as { config?: string };
  // What to do: preset < file < flags; a resumed run starts from its own configuration.
  const file = config ? await readConfig(config) : {}, own = settingsIn(given);
  const launch = launchSettings(own, Deno.env.toObject());
  const flags = launch ? { ...own, ...launch.settings } : own;
  if (launch) {
    shell.progress.line(
      `${launch.launcher} started several processes, which train together (--nodes 1: each alone)`,
    );
  }
  const wanted: Wanted = { file, flags, minutes: given.minutes, json: given.json === true };
  checkLength(wanted);
  const hosts = await joinNodes({ ...file, ...flags }, shell.progress.line);
  try {
    return await run(wanted, shell, hosts);
  } catch (error) {
    if (!hosts) throw error;
    // The others would wait for this node, and this one's last step waits for them.
    await hosts.fail((error as Error).message);
    report(error, shell);
    shell.exit(exitCode(error));
  }
});

if (import.meta.main) await start(trainTask);
