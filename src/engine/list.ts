import * as tf from "./tensors.ts";
import { ENGINES } from "./types.ts";
import type { Engine, EngineName } from "./types.ts";
import { programsFolder } from "./open.ts";
import { describeAdapter, findAdapter, NO_ADAPTER } from "./webgpu/adapter.ts";
import { findTensorflow } from "./tensorflow/install.ts";
import { openTensorflow } from "./tensorflow/open.ts";
import { TENSORFLOW_GPU } from "./tensorflow/packages.ts";
import { openWasm } from "./wasm.ts";
import { openClient } from "./xla/pjrt/client.ts";
import type { Client } from "./xla/pjrt/types.ts";
import { BACKEND } from "./xla/register.ts";
import { openPlugin } from "./xla_engine.ts";
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
  /** Why it is not used although it is here: it computes wrongly, or cannot be opened. */
  refused?: string;
}

/** Where to look. */
export type ListOptions = CudaOptions;

const GIVES: Readonly<Record<EngineName, string>> = {
  xla: "compiles whole functions: the fast one; bfloat16; several devices",
  tensorflow: "op by op, float32, by TensorFlow's C library",
  webgpu: "op by op, float32, on GPUs of any vendor",
  wasm: "op by op, float32, for tiny models; more than ten times as slow as xla",
};

/** What finds each engine. Nothing is fetched. */
const FINDERS: Readonly<Record<EngineName, (options: ListOptions) => Promise<FoundEngine[]>>> = {
  xla: async (options) => {
    // Python is asked once where its packages are.
    const packages = options.packages ?? await pythonFolders(), known = { ...options, packages };
    const cuda = await findCudaPlugins(known), elsewhere = await xlaElsewhere(cuda, packages);
    return [...await xlaOnCards(cuda, options), await xlaByItself(options), ...elsewhere];
  },
  tensorflow: async (options) => [await tensorflow(options)],
  webgpu: async () => [await webgpu()],
  wasm: async () => [
    await tried(found("wasm", { devices: ["WebAssembly on this processor"] }), openWasm),
  ],
};

/** An engine, with what is known so far. */
function found(name: EngineName, known: Partial<FoundEngine> = {}): FoundEngine {
  return { name, gives: GIVES[name], devices: [], ...known };
}

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);

/** Opens an engine to see whether it passes its self-test, and closes it. */
async function tried(engine: FoundEngine, open: () => Promise<Engine>): Promise<FoundEngine> {
  try {
    await (await open()).close();
    return engine;
  } catch (error) {
    return { ...engine, devices: [], refused: messageOf(error) };
  }
}

/**
 * What can run tensors here, best first. Each engine that is here is opened, has to pass its self-test, and is closed
 * again; one that is open in this process has passed. A plugin for cards is opened only where there is one, and others
 * that Python's packages have brought are not opened: without its device a plugin may take its time or end the process.
 *
 * @param options Where to look.
 * @returns The engines in the order in which `auto` prefers them, each with its devices or the reason why it has none.
 */
export async function listEngines(options: ListOptions = {}): Promise<FoundEngine[]> {
  const all: FoundEngine[] = [], current = tf.engine().backendName;
  for (const name of ENGINES) {
    try {
      all.push(...await FINDERS[name](options));
    } catch (error) {
      all.push(found(name, { refused: messageOf(error) }));
    }
  }
  if (current && tf.findBackend(current)) await tf.setBackend(current);
  return all;
}

/** The devices of a plugin's client, in words. */
function devicesOf({ devices, platform, apiVersion }: Client): string[] {
  return devices.map(({ id, kind, memory }) => {
    const limit = memory()?.limit;
    const size = limit ? `, ${(limit / 1e9).toFixed(1)} GB` : "";
    return `${platform} ${id}: ${kind}${size} (PJRT C API ${apiVersion})`;
  });
}

/**
 * A plugin with its devices, if it passes the self-test.
 *
 * @param memory How much of a card's memory it takes, where it can be told.
 */
async function opened(library: FoundPlugin, memory: { preallocate?: boolean } = {}): Promise<FoundEngine> {
  const { path } = library;
  if (tf.findBackend(BACKEND)) {
    // A process has one engine xla, and the open one is somebody's; but several clients.
    const client = openClient(path, memory);
    const devices = devicesOf(client);
    client.close();
    return found("xla", { library, devices });
  }
  const { engine, client } = await openPlugin(path, { ...memory, cache: programsFolder() });
  const devices = devicesOf(client);
  await engine.close();
  return found("xla", { library, devices });
}

/** As `opened`; a plugin that cannot be used is refused. */
async function openedOrRefused(
  library: FoundPlugin,
  memory?: { preallocate?: boolean },
): Promise<FoundEngine> {
  try {
    return await opened(library, memory);
  } catch (error) {
    // Not every plugin can be told how much memory to take.
    if (memory && /preallocat/.test(messageOf(error))) return await openedOrRefused(library);
    return found("xla", { library, refused: messageOf(error) });
  }
}

/** XLA's plugins for NVIDIA's cards. */
async function xlaOnCards(plugins: readonly FoundPlugin[], { root }: ListOptions): Promise<FoundEngine[]> {
  const cards = nvidiaCards(root);
  if (plugins.length === 0) {
    const here = cards.length > 0
      ? `${cards.join(", ")}: no plugin yet`
      : "no NVIDIA card is here; where there is one";
    return [found("xla", {
      gives: `${GIVES.xla}; on NVIDIA cards`,
      hint: `${here}: deno task engine install xla-cuda${cudaFor(nvidiaDriver(root))}`,
    })];
  }
  const untried = (library: FoundPlugin, why: string) =>
    found("xla", {
      library,
      hint: `not tried, for ${why}; to use it: --engine xla --plugin ${library.path}`,
    });
  if (cards.length === 0) return plugins.map((plugin) => untried(plugin, "no NVIDIA card is here"));
  // Two in one process would take each other's libraries. Memory is left to programs that run on the card.
  const [best, ...others] = plugins;
  return [
    await openedOrRefused(best, { preallocate: false }),
    ...others.map((plugin) => untried(plugin, "the one above is taken")),
  ];
}

/** The plugin that engine xla takes without a card. */
async function xlaByItself({ cache }: ListOptions): Promise<FoundEngine> {
  let plugin: FoundPlugin | undefined;
  try {
    plugin = await findPlugin(cache);
  } catch (error) {
    return found("xla", { hint: messageOf(error) });
  }
  if (plugin) return await openedOrRefused(plugin);
  return found("xla", {
    hint: "no plugin yet; the first run fetches XLA's CPU plugin, or: deno task engine install xla-cpu",
  });
}

/** What Python's packages have brought for other devices. */
async function xlaElsewhere(
  shown: readonly FoundPlugin[],
  packages: readonly string[],
): Promise<FoundEngine[]> {
  const known = new Set(shown.map(({ path }) => path));
  const others = (await pythonPlugins(packages)).filter((path) => !known.has(path));
  return others.map((path) =>
    found("xla", {
      library: { path, origin: "Python's packages" },
      hint: `not tried; to use it: --engine xla --plugin ${path}`,
    })
  );
}

async function tensorflow({ cache, root }: ListOptions): Promise<FoundEngine> {
  const cards = nvidiaCards(root), here = await findTensorflow({ cache, root });
  const wanted = cards.length > 0 ? "tensorflow-gpu" : "tensorflow";
  if (!here) return found("tensorflow", { hint: `not installed: deno task engine install ${wanted}` });
  const gpu = here.native === TENSORFLOW_GPU;
  const engine = found("tensorflow", {
    library: { path: here.path, origin: "cache" },
    devices: gpu && cards.length > 0 ? cards : ["this processor"],
    ...(cards.length > 0 && !gpu ? { hint: `for ${cards[0]}: deno task engine install tensorflow-gpu` } : {}),
  });
  return await tried(engine, () => openTensorflow(cache));
}

/** The engine on WebGPU, with the device that it would take. */
async function webgpu(): Promise<FoundEngine> {
  const adapter = await findAdapter();
  if (!adapter) return found("webgpu", { hint: NO_ADAPTER });
  const engine = found("webgpu", { devices: [describeAdapter(adapter)] });
  const { openWebgpu } = await import("./webgpu.ts"); // Importing it removes the backend of tfjs's package.
  return tf.findBackendFactory("webgpu") ? engine : await tried(engine, openWebgpu);
}

/** What was found, as text. */
export function formatEngines(engines: readonly FoundEngine[]): string {
  const width = 2 + Math.max(...ENGINES.map((name) => name.length)), indent = " ".repeat(width);
  return engines.flatMap(({ name, gives, library, devices, hint, refused }) => [
    `${name.padEnd(width)}${gives}`,
    ...(library ? [`${indent}library ${library.path} (from ${library.origin})`] : []),
    ...devices.map((device) => `${indent}device  ${device}`),
    ...(refused ? [`${indent}refused ${refused}`] : []),
    ...(hint ? [`${indent}note    ${hint}`] : []),
  ]).join("\n");
}
