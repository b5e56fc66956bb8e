/** `deno task engine`: lists the engines and devices that are found here; `deno task engine install xla-cpu` fetches one. */
import { formatEngines, listEngines } from "../src/engine/list.ts";
import { ensureCpuPlugin } from "../src/engine/xla/install.ts";

const HELP = `Lists what can run tensors here: engines, plugins, devices, and what is missing.

  deno task engine                   list
  deno task engine install xla-cpu   fetch XLA's CPU plugin through pip (63 MB) into the cache
  deno task engine --help            this text

Another PJRT plugin is used by its path: deno task train --engine xla --plugin PATH, or PJRT_PLUGIN=PATH.`;

/** Names that may be asked for and cannot be fetched yet, with what can be done meanwhile. */
const NOT_YET: Readonly<Record<string, string>> = {
  "xla-cuda12":
    "install Python's jax[cuda12] by pip; `deno task engine` then lists its plugin's path for --plugin",
  "xla-cuda13":
    "install Python's jax[cuda13] by pip; `deno task engine` then lists its plugin's path for --plugin",
  "tensorflow": "use xla",
  "tensorflow-gpu": "use xla with a CUDA plugin",
  "webgpu":
    "it comes with this program and needs the Vulkan driver of the GPU on Linux (Debian: apt-get install mesa-vulkan-drivers)",
  "wasm": "nothing is to be installed: it comes with this program",
};

/** What was typed cannot be meant. */
class UsageError extends Error {}

async function install(name: string | undefined): Promise<void> {
  if (name !== "xla-cpu") {
    const instead = name !== undefined && Object.hasOwn(NOT_YET, name) ? NOT_YET[name] : undefined;
    throw new UsageError(
      instead
        ? `${name} cannot be installed by this command: ${instead}`
        : `install takes the name xla-cpu${name === undefined ? "" : `, not ${name}`}; see --help`,
    );
  }
  let said = "";
  const progress = ({ message }: { message: string }) => {
    if (message !== said) console.error(said = message);
  };
  console.log(await ensureCpuPlugin({ progress }));
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
