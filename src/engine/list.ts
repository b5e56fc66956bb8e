import { ENGINES } from "./types.ts";
import type { EngineName } from "./types.ts";
import { describeAdapter, findAdapter, NO_ADAPTER } from "./webgpu/adapter.ts";
import { findTensorflow } from "./tensorflow/install.ts";
import { TENSORFLOW_GPU } from "./tensorflow/packages.ts";
import { PjrtError } from "./xla/pjrt/api.ts";
import { openClient } from "./xla/pjrt/client.ts";
import type { NamedValues } from "./xla/pjrt/types.ts";
import { cudaFor, nvidiaCards, nvidiaDriver } from "./install/nvidia.ts";
import { type CudaOptions, findCudaPlugins, findPlugin, type FoundPlugin } from "./install/plugin.ts";
import { pythonFolders, pythonPlugins } from "./install/python.ts";

/** An engine as it is found here. */
export interface FoundEngine {
  name: EngineName;
  /** What it gives, or would give. */
  gives: string;
  /** The native library and who said where it is. */
  library?: { path: string; origin: string };
  /** One line for each device; empty where it cannot run or was not tried. */
  devices: string[];
  /** What is missing and how to get it; or how to use it where it is not the one used by itself. */
  hint?: string;
}

/** Where to look. */
export type ListOptions = CudaOptions;

/** What finds each engine, in the order in which `auto` prefers them. Nothing is fetched. */
const FINDERS: Readonly<Record<EngineName, (options: ListOptions) => Promise<FoundEngine[]>>> = {
  xla: async (options) => {
    // Python is asked once where its packages are.
    const packages = options.packages ?? await pythonFolders(), known = { ...options, packages };
    const cuda = await findCudaPlugins(known), elsewhere = await xlaElsewhere(cuda, packages);
    return [...xlaOnCards(cuda, options), await xlaByItself(options), ...elsewhere];
  },
  tensorflow: async (options) => [await tensorflow(options)],
  webgpu: async () => [await webgpu()],
  wasm: () =>
    Promise.resolve([{
      name: "wasm",
      gives: "op by op, float32, for tiny models; 20 to 60 times as slow as xla",
      devices: ["WebAssembly on this processor"],
    }]),
};

/**
 * What can run tensors here, best first. A plugin for cards is opened only where there is one, and others that Python's
 * packages have brought are not opened: without its device a plugin may take its time or end the process.
 */
export async function listEngines(options: ListOptions = {}): Promise<FoundEngine[]> {
  const found: FoundEngine[] = [];
  for (const name of ENGINES) found.push(...await FINDERS[name](options));
  return found;
}

const COMPILES = "compiles whole functions: the fast one; bfloat16; several devices";

/** The devices of a plugin, in words. */
function devicesOf(path: string, options?: NamedValues): string[] {
  const client = openClient(path, options);
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

/** The devices of a plugin for cards, without taking their memory from a program that runs on them. */
function cardsOf(path: string): string[] {
  try {
    return devicesOf(path, { preallocate: false });
  } catch (error) {
    if (!(error instanceof PjrtError) || !error.message.includes("preallocate")) throw error;
    return devicesOf(path);
  }
}

function opened(library: FoundPlugin, devices: (path: string) => string[]): FoundEngine {
  const engine: FoundEngine = { name: "xla", gives: COMPILES, library, devices: [] };
  try {
    engine.devices = devices(library.path);
  } catch (error) {
    engine.hint = `it cannot be used: ${(error as Error).message}`;
  }
  return engine;
}

/** XLA's plugins for NVIDIA's cards. */
function xlaOnCards(plugins: readonly FoundPlugin[], { root }: ListOptions): FoundEngine[] {
  const cards = nvidiaCards(root);
  if (plugins.length > 0) {
    const untried = (library: FoundPlugin, why: string): FoundEngine => ({
      name: "xla",
      gives: COMPILES,
      library,
      devices: [],
      hint: `not tried, for ${why}; to use it: --engine xla --plugin ${library.path}`,
    });
    // Two in one process would take each other's libraries.
    return plugins.map((plugin, i) => {
      if (cards.length === 0) return untried(plugin, "no NVIDIA card is here");
      return i === 0 ? opened(plugin, cardsOf) : untried(plugin, "the one above is taken");
    });
  }
  const here = cards.length > 0
    ? `${cards.join(", ")}: no plugin yet`
    : "no NVIDIA card is here; where there is one";
  return [{
    name: "xla",
    gives: `${COMPILES}; on NVIDIA cards`,
    devices: [],
    hint: `${here}: deno task engine install xla-cuda${cudaFor(nvidiaDriver(root))}`,
  }];
}

/** The plugin that engine xla takes without a card. */
async function xlaByItself({ cache }: ListOptions): Promise<FoundEngine> {
  try {
    const plugin = await findPlugin(cache);
    if (plugin) return opened(plugin, devicesOf);
  } catch (error) {
    return { name: "xla", gives: COMPILES, devices: [], hint: (error as Error).message };
  }
  return {
    name: "xla",
    gives: COMPILES,
    devices: [],
    hint: "no plugin yet; the first run fetches XLA's CPU plugin, or: deno task engine install xla-cpu",
  };
}

/** What Python's packages have brought for other devices. */
async function xlaElsewhere(
  shown: readonly FoundPlugin[],
  packages: readonly string[],
): Promise<FoundEngine[]> {
  const known = new Set(shown.map(({ path }) => path));
  const others = (await pythonPlugins(packages)).filter((path) => !known.has(path));
  return others.map((path) => ({
    name: "xla",
    gives: COMPILES,
    library: { path, origin: "Python's packages" },
    devices: [],
    hint: `not tried; to use it: --engine xla --plugin ${path}`,
  }));
}

async function tensorflow({ cache, root }: ListOptions): Promise<FoundEngine> {
  const gives = "op by op, float32, by TensorFlow's C library", cards = nvidiaCards(root);
  const found = await findTensorflow({ cache, root });
  const engine: FoundEngine = { name: "tensorflow", gives, devices: [] };
  const wanted = cards.length > 0 ? "tensorflow-gpu" : "tensorflow";
  if (!found) return { ...engine, hint: `not installed: deno task engine install ${wanted}` };
  const gpu = found.native === TENSORFLOW_GPU;
  return {
    ...engine,
    library: { path: found.path, origin: "cache" },
    devices: gpu && cards.length > 0 ? cards : ["this processor"],
    ...(cards.length > 0 && !gpu ? { hint: `for ${cards[0]}: deno task engine install tensorflow-gpu` } : {}),
  };
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

/** What was found, as text. */
export function formatEngines(engines: readonly FoundEngine[]): string {
  const width = 2 + Math.max(...ENGINES.map((name) => name.length)), indent = " ".repeat(width);
  return engines.flatMap(({ name, gives, library, devices, hint }) => [
    `${name.padEnd(width)}${gives}`,
    ...(library ? [`${indent}library ${library.path} (from ${library.origin})`] : []),
    ...devices.map((device) => `${indent}device  ${device}`),
    ...(hint ? [`${indent}note    ${hint}`] : []),
  ]).join("\n");
}
