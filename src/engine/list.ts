import { join } from "node:path";
import { openClient } from "./xla/pjrt/client.ts";
import { findPlugin } from "./xla/plugin.ts";
import type { EngineName } from "./types.ts";
import { describeAdapter, findAdapter, NO_ADAPTER } from "./webgpu/adapter.ts";

/** An engine as it is found here. */
export interface FoundEngine {
  name: EngineName;
  /** What it gives, or would give. */
  gives: string;
  /** The PJRT plugin and who said where it is. */
  plugin?: { path: string; origin: string };
  /** One line for each device; empty where it cannot run or was not tried. */
  devices: string[];
  /** What is missing and how to get it; or how to use it where it is not the one used by itself. */
  hint?: string;
}

/** Where to look. */
export interface ListOptions {
  /** In place of the user's cache folder. */
  cache?: string;
  /** Folders of Python packages. Default: those that python3 names. */
  packages?: readonly string[];
}

/** The folders in which python3 looks for packages; none without python3. */
async function pythonFolders(): Promise<string[]> {
  try {
    const args = ["-c", "import json, sys; print(json.dumps(sys.path))"];
    const { success, stdout } = await new Deno.Command("python3", { args, stderr: "null" }).output();
    const folders = success ? JSON.parse(new TextDecoder().decode(stdout)) as string[] : [];
    return folders.filter((folder) => folder !== "");
  } catch {
    return [];
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** PJRT plugins that Python packages have brought, such as jax_plugins/xla_cuda13. */
export async function pythonPlugins(folders?: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders ?? await pythonFolders()) {
    const packages = join(folder, "jax_plugins");
    for (const name of await names(packages)) {
      for (const file of await names(join(packages, name))) {
        if (/(plugin|pjrt).*\.(so|dylib|dll)$/.test(file)) found.push(join(packages, name, file));
      }
    }
    if ((await names(join(folder, "libtpu"))).includes("libtpu.so")) {
      found.push(join(folder, "libtpu", "libtpu.so"));
    }
  }
  return [...new Set(found)];
}

/** The devices of a plugin, in words. */
function devicesOf(path: string): string[] {
  const client = openClient(path);
  try {
    return client.devices.map(({ id, kind, memory }) => {
      const limit = memory()?.limit;
      const size = limit ? `, ${(limit / 1e9).toFixed(1)} GB` : "";
      return `${client.platform} ${id}: ${kind}${size} (PJRT C API ${client.apiVersion})`;
    });
  } finally {
    client.close();
  }
}

const COMPILES = "compiles whole functions: the fast one; bfloat16; several devices";

/** The plugin that engine xla takes by itself. */
async function defaultXla(cache?: string): Promise<FoundEngine> {
  const engine: FoundEngine = { name: "xla", gives: COMPILES, devices: [] };
  try {
    engine.plugin = await findPlugin(cache);
    if (engine.plugin) engine.devices = devicesOf(engine.plugin.path);
    else {engine.hint =
        "no plugin yet; the first run fetches XLA's CPU plugin, or: deno task engine install xla-cpu";}
  } catch (error) {
    engine.hint = (error as Error).message;
  }
  return engine;
}

/** The engine on WebGPU, with the device that it would take. */
async function webgpu(): Promise<FoundEngine> {
  const found = await findAdapter();
  return {
    name: "webgpu",
    gives: "op by op, float32, on GPUs of any vendor",
    devices: found ? [describeAdapter(found)] : [],
    hint: found ? undefined : NO_ADAPTER,
  };
}

/**
 * What can run tensors here: engine xla with the plugin that it takes by itself, other plugins that were found (they are
 * not opened, for a plugin without its device may take its time or end the process), and
 * engines webgpu and wasm. Fetches nothing.
 */
export async function listEngines(options: ListOptions = {}): Promise<FoundEngine[]> {
  const own = await defaultXla(options.cache);
  const others = (await pythonPlugins(options.packages)).filter((path) => path !== own.plugin?.path);
  return [
    own,
    ...others.map((path): FoundEngine => ({
      name: "xla",
      gives: COMPILES,
      plugin: { path, origin: "Python's packages" },
      devices: [],
      hint: `not tried; to use it: --engine xla --plugin ${path}`,
    })),
    await webgpu(),
    {
      name: "wasm",
      gives: "op by op, float32, for tiny models; 20 to 60 times as slow as xla",
      devices: ["WebAssembly on this processor"],
    },
  ];
}

/** What was found, as text. */
export function formatEngines(engines: readonly FoundEngine[]): string {
  return engines.flatMap(({ name, gives, plugin, devices, hint }) => [
    `${name.padEnd(7)}${gives}`,
    ...(plugin ? [`      plugin  ${plugin.path} (from ${plugin.origin})`] : []),
    ...devices.map((device) => `      device  ${device}`),
    ...(hint ? [`      note    ${hint}`] : []),
  ]).join("\n");
}
