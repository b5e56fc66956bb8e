/** `deno task engine`: lists the engines and devices that are found here; `deno task engine install NAME` fetches one. */
import { formatEngines, listEngines } from "../src/engine/list.ts";
import { ensureTensorflow } from "../src/engine/tensorflow/install.ts";
import { TENSORFLOW, TENSORFLOW_GPU } from "../src/engine/tensorflow/packages.ts";
import {
  CPU_PLUGIN,
  CUDA12_PLUGIN,
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
  [TENSORFLOW, "engine tensorflow; needs a C++ compiler", ensureTensorflow],
  [TENSORFLOW_GPU, "engine tensorflow on NVIDIA cards, likewise", ensureTensorflow],
];

/** Engines that need nothing but this program. */
const WITHOUT: readonly string[] = ["webgpu", "wasm"];

function size({ wheels }: NativePackage): string {
  const bytes = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const HELP = `Lists what can run tensors here: engines, libraries, devices, and what is missing.

  deno task engine                list
  deno task engine install NAME   fetch through pip into the cache; NAME is one of
${
  INSTALLABLE.map(([native, gives]) =>
    `                                    ${native.name.padEnd(15)} ${size(native).padStart(6)}  ${gives}`
  ).join("\n")
}
  deno task engine --help         this text

An installation that was broken off goes on where it was. Another PJRT plugin is used by its path:
deno task train --engine xla --plugin PATH, or PJRT_PLUGIN=PATH.`;

/** What was typed cannot be meant. */
class UsageError extends Error {}

/** Tells how far an installation is: on a terminal with the bytes that have come, else a line for each thing done. */
function teller(): (progress: InstallProgress) => void {
  const terminal = Deno.stderr.isTerminal(), encoder = new TextEncoder();
  let said = "";
  return ({ message, bytes, total }) => {
    if (!terminal) {
      if (message !== said) console.error(said = message);
      return;
    }
    const share = total ? ` ${Math.round((bytes ?? 0) / 1e6)} of ${Math.round(total / 1e6)} MB` : "";
    if (said !== "" && message !== said) Deno.stderr.writeSync(encoder.encode("\n"));
    Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${said = message}${share}`));
  };
}

async function install(name: string | undefined): Promise<void> {
  const names = INSTALLABLE.map(([native]) => native.name);
  const row = INSTALLABLE.find(([native]) => native.name === name);
  if (!row) {
    if (name !== undefined && WITHOUT.includes(name)) {
      throw new UsageError(`nothing is to be installed for ${name}: it comes with this program`);
    }
    throw new UsageError(
      `install takes one of ${names.join(", ")}${name === undefined ? "" : `, not ${name}`}; see --help`,
    );
  }
  const [native, , run] = row, path = await run(native, { progress: teller() });
  if (Deno.stderr.isTerminal()) console.error();
  console.log(path);
}

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  if (command === undefined) console.log(formatEngines(await listEngines()));
  else if (["--help", "-h"].some((flag) => args.includes(flag))) console.log(HELP);
  else if (command === "install" && rest.length <= 1) await install(rest[0]);
  else throw new UsageError(`"${args.join(" ")}" is no command; see --help`);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
