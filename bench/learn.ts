/**
 * What methods learn from pictures: `deno task train` beside DINO, MAE, SimCLR and supervised training in PyTorch with the
 * same encoder, at equal seconds and at equal pictures. docs/comparing.md says how to read it.
 */
import { join, resolve } from "node:path";
import { task } from "../src/cli/command.ts";
import { SOURCES_HELP } from "../src/cli/data_options.ts";
import { ENGINE_AND_MEMORY, engineArguments } from "../src/cli/engine_options.ts";
import { choice, list, number, onOff, text, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { lockFolder } from "../src/files/lock.ts";
import { resolveConfig } from "../src/train/config/config.ts";
import { prepareData } from "./learn/data.ts";
import { keepSettings, readChosen, readSubjects, report } from "./learn/folder.ts";
import { METHODS } from "./learn/methods.ts";
import { equalPictures, planRuns } from "./learn/plan.ts";
import { findRates } from "./learn/rates.ts";
import { checkPeers } from "./learn/runs.ts";
import { doBaselines, doRuns, type Session } from "./learn/session.ts";
import { findPython } from "./peer.ts";

const cores = navigator.hardwareConcurrency;

/** Says each line once: the engine is opened for every judgement. */
function once(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
}

const OPTIONS = {
  data: { kind: text, help: `labelled pictures: ${SOURCES_HELP}`, value: "URI" },
  testData: {
    kind: text,
    help: "labelled pictures for the last judgement",
    value: "URI",
    usually: "a part of --data that is never trained on",
  },
  out: {
    kind: text,
    help: "the benchmark's folder; a call that was stopped goes on there",
    value: "FOLDER",
    default: "runs/learn",
  },
  methods: { kind: list(choice(...METHODS)), help: "ours, and peers in PyTorch", default: METHODS },
  seeds: { kind: list(whole(0, 2 ** 32 - 1)), help: "each gives a run of every method", default: [0, 1] },
  minutes: {
    kind: number(0),
    help: "budget of a run, in minutes of this machine when nothing else runs",
    usually: "30",
  },
  pictures: { kind: whole(1), help: "budget of a run in pictures, instead", value: "N" },
  trials: {
    kind: text,
    help: "tune: a JSON file of settings to try, equally many for each method",
    value: "FILE",
  },
  settings: {
    kind: text,
    help: "a JSON file of the methods' settings",
    value: "FILE",
    usually: "what trials in --out chose, else each method's own",
  },
  preset: { kind: PRESET, help: "the encoder, and the settings that ours begins with", default: "thumbnail" },
  imageSize: { kind: whole(1), help: "side of the pictures in pixels", usually: "the preset's" },
  patchSize: { kind: whole(1), help: "side of a patch in pixels", usually: "the preset's" },
  batch: { kind: whole(2), help: "pictures in a step", usually: "the preset's" },
  selection: {
    kind: whole(2),
    help: "pictures held out to choose by",
    value: "N",
    usually: "a tenth, at most 5000",
  },
  firstMark: {
    kind: whole(1),
    help: "pictures at the first look at a run; then twice as many, and so on",
    default: 12_800,
  },
  curve: {
    kind: onOff,
    help: "judge the neighbours at every look, for a curve; also afterwards, of runs that are there",
  },
  rounds: { kind: whole(1), help: "how often each method's rate is measured", default: 3 },
  steps: { kind: whole(2), help: "steps in a run that is measured", default: 20 },
  threads: { kind: whole(1), help: "threads of PyTorch", default: cores },
  device: { kind: choice("cpu", "cuda"), help: "what PyTorch computes on", default: "cpu" },
  ...ENGINE_AND_MEMORY,
  json: { kind: onOff, help: "print the judgements as JSON, one run a line" },
} as const;

export const benchTask = task({
  name: "bench learn",
  summary:
    "What is learned from pictures, beside DINO, MAE, SimCLR and supervised training, at equal time and pictures.",
  options: OPTIONS,
  notes: [
    "Judged are frozen features: the 20 nearest neighbours and a linear probe, class token and mean patch token by " +
    "themselves. Settings are chosen on pictures that are held out, the last judgement is on others.",
    "The rates of all methods are measured once, in turn, with nothing else on the machine; then a budget is a fixed number " +
    "of pictures, and it does not matter how busy the machine is. Whatever is in --out is not done again.",
  ],
  examples: [
    [
      "bench learn --data cifar10-train.parquet --test-data cifar10-test.parquet",
      "half an hour of all methods, two seeds: a night in all",
    ],
    [
      "bench learn --data cifar10-train.parquet --test-data cifar10-test.parquet --minutes 6 --seeds 0 --trials bench/learn/trials.json",
      "tune each method equally often; later calls take what was chosen",
    ],
  ],
}, async (given, { print, progress, interruptible }) => {
  const { data: uri, minutes, pictures, methods, seeds } = given;
  if (uri === undefined) throw new UsageError("name labelled pictures: --data URI");
  if (minutes !== undefined && pictures !== undefined) {
    throw new UsageError("--minutes and --pictures exclude each other: a budget is one of them");
  }
  if (given.trials !== undefined && given.settings !== undefined) {
    throw new UsageError("--trials are settings to try, so --settings has no use beside them");
  }
  const { preset, imageSize, patchSize, batch: batchSize, engine, plugin = "", device } = given;
  const { memoryFraction, preallocate } = given;
  const config = resolveConfig({
    ...{ preset, engine, plugin },
    ...memoryFraction === undefined ? {} : { memoryFraction },
    ...preallocate === undefined ? {} : { preallocate },
    ...imageSize === undefined ? {} : { imageSize },
    ...patchSize === undefined ? {} : { patchSize },
    ...batchSize === undefined ? {} : { batchSize },
  });
  const tuning = given.trials !== undefined,
    folder = resolve(given.out),
    say = (line: string) => progress.line(line);
  if (methods.some((method) => method !== "saae")) {
    const python = await findPython(["torch", "numpy"]);
    if ("missing" in python) throw new UsageError(`${python.missing}; or --methods saae, for ours alone`);
  }
  await Deno.mkdir(join(folder, "runs"), { recursive: true });
  await using _lock = await lockFolder(folder, { what: `the benchmark in ${given.out}`, progress: say });
  const chosen = given.settings === undefined && !tuning ? await readChosen(folder, say) : {};
  const subjects = await readSubjects({ ...given, methods, chosen });
  await checkPeers(subjects, folder);
  const model = { config, threads: given.threads, device };
  await keepSettings(folder, { ...model, firstMark: given.firstMark });
  const stop = interruptible("ending what runs; the same command goes on from there"), { signal } = stop;
  try {
    const wanted = {
      data: uri,
      testData: given.testData ?? "",
      selection: given.selection ?? 0,
      size: config.imageSize,
    };
    const data = await prepareData(join(folder, "data"), wanted, say);
    const { rounds, steps } = given;
    const budget = pictures === undefined ? { seconds: 60 * (minutes ?? 30) } : { pictures };
    let rates = {};
    if ("seconds" in budget) {
      rates = await findRates(folder, {
        subjects,
        model,
        data,
        rounds,
        steps,
        signal,
        say,
      });
    }
    const runs = planRuns(subjects, seeds, config, budget, rates, given.firstMark),
      equal = equalPictures(runs);
    const session: Session = {
      ...{ folder, model, data, equal, curve: given.curve, signal, say },
      engine: engineArguments(given, { ...progress, line: once(say) }),
      trial: tuning,
      parts: tuning ? ["selection"] : ["selection", "test"],
      show: (text) => progress.status(() => text),
    };
    const baselines = tuning ? [] : await doBaselines(session, seeds);
    const results = [...baselines, ...await doRuns(session, runs)];
    progress.close();
    const shown = await report(folder, results, { tuning, equal, curve: given.curve, budget, say });
    if (given.json) { for (const result of results) print(JSON.stringify(result)); }
    else print(shown);
  } catch (error) {
    if (!signal.aborted) throw error;
    return stop.code();
  } finally {
    stop.close();
  }
});
