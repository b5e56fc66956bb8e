/** What commands that train on an encoder share: some words of their help, and the run from its folder to the exit code. */
import type { Operand, Option } from "../cli/command.ts";
import { badPictures } from "../cli/data_options.ts";
import { configuredEngine } from "../cli/engine_options.ts";
import type { Interruption } from "../cli/interrupt.ts";
import { onOff, text } from "../cli/kinds.ts";
import type { Lines } from "../cli/lines.ts";
import { MODEL_HELP } from "../cli/model_options.ts";
import type { Shell } from "../cli/shell.ts";
import { openEngine } from "../engine/open.ts";
import type { EngineName } from "../engine/types.ts";
import { shellWord } from "../text/layout.ts";
import type { TaskConfig } from "./config/task_settings.ts";
import type { DownstreamOptions, DownstreamResult } from "./downstream.ts";
import { claimRun } from "./run/plan.ts";
import type { Progress } from "./show/progress.ts";
import { disposeTree } from "./state.ts";

/** What such a command begins with. */
export const ENCODER = {
  value: "MODEL",
  help: `what the encoder is from: ${MODEL_HELP}`,
  optional: true,
} as const satisfies Operand;

/** The file that gives settings. */
export const CONFIG_FILE = {
  kind: text,
  help: "settings as a JSON object, such as a run's config.json",
  value: "FILE",
} as const satisfies Option;

/** Whether the result is printed for programs. */
export const RESULT_JSON = {
  kind: onOff,
  help: "print what the run ended with as JSON",
} as const satisfies Option;

/** Which setting wins, for the help; a clause that its sentence may go on from. */
export const LAYERS_NOTE =
  "An option wins over --config FILE, and the file over the preset. The defaults shown are those of the preset; " +
  "--help --preset base shows those of base. With MODEL, its sizes are taken";

/** The settings that the run itself is made of. */
type CommandConfig = TaskConfig & Parameters<typeof configuredEngine>[0] & {
  preset: string;
  engine: EngineName | "auto";
  fromScratch: boolean;
};

/** What a command has of its own: which pictures it opens, how they are prepared, trained on, and told of. */
export interface DownstreamCommand<Config extends CommandConfig, Opened, Pictures, Test> {
  /** What is typed after `deno task`. */
  name: string;
  /** Opens pictures by a URI. `role`: which part of a data set with several is meant. Their source is closed for it. */
  open(uri: string, role: "train" | "test", config: Config, lines: Lines): Promise<Opened>;
  /** What is learned from. `say` takes a line for people. */
  pictures(opened: Opened, config: Config, say: (line: string) => void): Pictures | Promise<Pictures>;
  /** What is measured on, by the classes that are learned. */
  test(opened: Opened, pictures: Pictures): Test | Promise<Test>;
  train(config: Config, options: DownstreamOptions<Pictures, Test>): Promise<DownstreamResult>;
  /** The lines that are printed at the end. `found`: the evaluators' latest findings. */
  result(found: Readonly<Record<string, number>>, config: Config): string[];
}

/** With what a command runs. */
export interface CommandRun<Config, Pictures, Test> {
  /** The run; with an empty `out` it gets the first folder of runs/<task>-<preset>, … that is free. */
  config: Config;
  /** The encoder's tensors; not used from scratch. */
  from?: DownstreamOptions<Pictures, Test>["from"];
  /** Whether the result is printed as JSON. */
  json: boolean;
  shell: Shell;
  progress: Progress;
}

/**
 * Trains on an encoder as a command does: claims the run's folder, opens the pictures, then the engine (a wrong path should not
 * cost the download of one), trains until the end or a signal, prints the result, and closes everything.
 *
 * @param command What is its own.
 * @param run The configuration and where the command runs.
 * @returns The exit code: 0 for a run that has ended, the signal's for one that was stopped.
 * @throws {InUseError} When another process has the run folder.
 * @throws {Error} What opening the pictures or the engine throws, or the training.
 */
export async function runDownstreamCommand<
  Config extends CommandConfig,
  Opened extends { source: { close(): Promise<void> } },
  Pictures,
  Test extends { source: { length: number } },
>(
  command: DownstreamCommand<Config, Opened, Pictures, Test>,
  { config: planned, from, json, shell, progress }: CommandRun<Config, Pictures, Test>,
): Promise<number> {
  const say = progress.line, { task, out, resume, preset } = planned;
  const claimed = await claimRun({ out, resume, preset: `${task}-${preset}` }, say);
  await using lock = claimed.lock;
  const config: Config = { ...planned, out: claimed.config.out }, { data, evalData, fromScratch } = config;
  const opened: Opened[] = [];
  const open = async (uri: string, role: "train" | "test") => {
    const one = await command.open(uri, role, config, shell.progress);
    opened.push(one);
    return one;
  };
  let stop: Interruption | undefined;
  try {
    const pictures = await command.pictures(await open(data, "train"), config, say);
    const test = evalData ? await command.test(await open(evalData, "test"), pictures) : undefined;
    const engine = await openEngine(config.engine, { ...configuredEngine(config), progress: say });
    try {
      stop = shell.interruptible("finishing what is under way and writing a checkpoint");
      const { signal } = stop, onBad = test && badPictures(test.source.length, shell.progress);
      const begin = fromScratch ? undefined : from;
      const options = { engine, pictures, test, from: begin, onBad, progress, signal, lock };
      const { state, ...done } = await command.train(config, options);
      disposeTree(state);
      if (json) shell.print(JSON.stringify({ run: config.out, ...done }));
      else for (const line of command.result(done.found, config)) shell.print(line);
      if (!done.stopped && !signal.aborted) return 0;
      say(`stopped; to go on: deno task ${command.name} --resume --out ${shellWord(config.out)}`);
      return stop.code();
    } finally {
      await engine.close();
    }
  } finally {
    stop?.close();
    for (const { source } of opened) await source.close();
  }
}
