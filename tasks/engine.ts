/** `deno task engine`: lists the engines and devices that are found here; `deno task engine install NAME` fetches one. */
import { task, type TaskGroup } from "../src/cli/command.ts";
import { onOff } from "../src/cli/kinds.ts";
import type { Lines } from "../src/cli/lines.ts";
import { start } from "../src/cli/run.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { didYouMean } from "../src/text/nearest.ts";
import { formatEngines, listEngines } from "../src/engine/list.ts";
import { ensureTensorflow } from "../src/engine/tensorflow/install.ts";
import { TENSORFLOW, TENSORFLOW_GPU } from "../src/engine/tensorflow/packages.ts";
import { ALLOCATOR } from "../src/engine/install/packages.ts";
import {
  CPU_PLUGIN,
  CUDA12_PLUGIN,
  CUDA13_COMPILER,
  CUDA13_PLUGIN,
  ensurePackage,
  type InstallOptions,
  type InstallProgress,
  type NativePackage,
} from "../src/engine/install/install.ts";

type Install = (native: NativePackage, options: InstallOptions) => Promise<string>;

/** What can be installed, and how. */
const INSTALLABLE: readonly (readonly [native: NativePackage, gives: string, install: Install])[] = [
  [CPU_PLUGIN, "engine xla on the processor", ensurePackage],
  [CUDA13_PLUGIN, "engine xla on NVIDIA cards, driver 580 or newer", ensurePackage],
  [CUDA12_PLUGIN, "engine xla on NVIDIA cards, driver 525 or newer", ensurePackage],
  [CUDA13_COMPILER, "what deno task plan compiles with; needs no card", ensurePackage],
  [TENSORFLOW, "engine tensorflow; needs a C++ compiler", ensureTensorflow],
  [TENSORFLOW_GPU, "engine tensorflow on NVIDIA cards, likewise", ensureTensorflow],
  [ALLOCATOR, "memory for engine xla on the processor; tasks fetch it by themselves", ensurePackage],
];

/** Engines that need nothing but this program. */
const WITHOUT: readonly string[] = ["webgpu", "wasm"];

function size({ wheels }: NativePackage): string {
  const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  const [amount, unit] = bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${unit}`;
}

const names = INSTALLABLE.map(([native]) => native.name);

/** Tells how far an installation is: the step, and on a terminal the bytes that have come. */
function installProgress(progress: Lines): (now: InstallProgress) => void {
  let said = "";
  return ({ message, bytes, total }) => {
    if (message !== said) progress.line(said = message);
    if (total) progress.status(() => `  ${Math.round((bytes ?? 0) / 1e6)} of ${Math.round(total / 1e6)} MB`);
  };
}

const installTask = task({
  name: "engine install",
  summary:
    "Fetches what an engine needs, through pip, into the cache. An interrupted installation goes on where " +
    "it was.",
  operands: { name: { value: "NAME", help: `one of ${names.join(", ")}` } },
  tables: {
    Names: Object.fromEntries(
      INSTALLABLE.map(([native, gives]) => [native.name, `${gives} (${size(native)})`]),
    ),
  },
}, async ({ name }, { print, progress, interruptible }) => {
  const row = INSTALLABLE.find(([native]) => native.name === name);
  if (!row) {
    if (WITHOUT.includes(name)) {
      throw new UsageError(`nothing is to be installed for ${name}: it comes with this program`);
    }
    const meant = didYouMean(name, names, (near) => near);
    throw new UsageError(`install takes one of ${names.join(", ")}, not "${name}"${meant || "; see --help"}`);
  }
  const [native, , run] = row;
  const { signal } = interruptible(
    "removing what is half done; packages that came whole are kept for the next time",
  );
  print(
    await run(native, { progress: installProgress(progress), signal }).catch((error) => {
      throw signal.aborted ? signal.reason : error;
    }),
  );
});

const listTask = task({
  name: "engine",
  summary: "Lists what can run tensors here: engines, libraries, devices, and what is missing.",
  options: { json: { kind: onOff, help: "print the list as JSON" } },
}, async ({ json }, { print }) => {
  const engines = await listEngines();
  print(json ? JSON.stringify(engines) : formatEngines(engines));
});

export const engineTask: TaskGroup = {
  name: "engine",
  summary: "What can run tensors here.",
  alone: listTask,
  tasks: {
    install: {
      summary: `Fetches what an engine needs: ${names.join(", ")}.`,
      load: () => Promise.resolve(installTask),
    },
  },
  notes: [
    "To use another PJRT plugin, give its path: deno task train --engine xla --plugin PATH, or PJRT_PLUGIN=PATH.",
  ],
};

if (import.meta.main) await start(engineTask);
