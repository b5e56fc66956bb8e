import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { formatEngines, listEngines, type ListOptions } from "../../src/engine/list.ts";
import { openEngine } from "../../src/engine/open.ts";
import { peakFlops } from "../../src/engine/peak.ts";
import { type Engine, ENGINES } from "../../src/engine/types.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { nvidiaCards } from "../../src/engine/install/nvidia.ts";
import { choosePlugins } from "../../src/engine/install/plugin.ts";
import { engineTask } from "../../tasks/engine.ts";
import { capture } from "../cli/capture.ts";
import { PLUGIN } from "./xla/plugin.ts";

/** A system with NVIDIA cards, as its folders show it, and Python packages with a plugin that is none. */
async function withCards(
  fn: (folder: string, options: ListOptions, plugin: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const write = async (path: string, text: string) => {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  };
  try {
    for (const name of ["nvidia0", "nvidia1", "nvidiactl", "null"]) await write(`dev/${name}`, "");
    await write(
      "proc/driver/nvidia/gpus/0000:01:00.0/information",
      "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n",
    );
    await write(
      "proc/driver/nvidia/version",
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\nGCC version: 12.2.0\n",
    );
    for (const cuda of [12, 13]) await write(`packages/jax_plugins/xla_cuda${cuda}/xla_cuda_plugin.so`, "");
    await write("packages/jax_plugins/xla_cuda12/version.py", "");
    await write("packages/jax_plugins/xla_rocm7/xla_rocm_plugin.so", "");
    const options = {
      root: `${folder}/`,
      cache: join(folder, "cache"),
      packages: [join(folder, "packages"), join(folder, "missing")],
    };
    await fn(folder, options, join(folder, "packages/jax_plugins/xla_cuda12/xla_cuda_plugin.so"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs with a variable of the environment set, or unset. */
async function withVariable<T>(
  name: string,
  value: string | undefined,
  fn: () => T | Promise<T>,
): Promise<T> {
  const before = Deno.env.get(name);
  const set = (value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  set(value);
  try {
    return await fn();
  } finally {
    set(before);
  }
}

Deno.test("engines are listed with their devices, and what is missing with the command that gets it", () =>
  withCards(async (folder, options) => {
    const engines = await listEngines({
      ...options,
      cache: undefined,
      root: join(folder, "cardless/"),
      packages: [],
    });
    assert.deepEqual([...new Set(engines.map(({ name }) => name))], [...ENGINES]);
    const text = formatEngines(engines);
    assert.match(text, /no NVIDIA card is here; where there is one: deno task engine install xla-cuda13/);
    const own = engines.find(({ library }) => library?.path === Deno.realPathSync(PLUGIN));
    assert.match(own!.devices[0], /^\w+ 0: .* \(PJRT C API 0\.\d+\)$/);
    assert.match(text, /device {2}WebAssembly/);
    const bare = await withVariable(
      "PJRT_PLUGIN",
      undefined,
      () => listEngines({ ...options, packages: [] }),
    );
    const notes = formatEngines(bare);
    assert.match(
      notes,
      /NVIDIA H100 80GB HBM3, NVIDIA card: no plugin yet: deno task engine install xla-cuda12/,
    );
    assert.match(notes, /deno task engine install xla-cpu/);
    assert.match(notes, /deno task engine install tensorflow-gpu/);
    assert.ok(bare.every(({ name, devices }) => ["webgpu", "wasm"].includes(name) || devices.length === 0));
  }));

Deno.test("plugins of Python's packages are found; one that cannot be opened is named and ends nothing", () =>
  withCards(async (_, options, plugin) => {
    const engines = await listEngines(options), text = formatEngines(engines);
    // The driver is too old for CUDA 13, so its plugin is not taken by itself.
    const cuda = engines.filter(({ library }) => library?.origin === "Python's packages");
    assert.deepEqual(cuda.map(({ library }) => library!.path).sort(), [
      plugin,
      plugin.replace("cuda12", "cuda13"),
      plugin.replace("xla_cuda12/xla_cuda", "xla_rocm7/xla_rocm"),
    ]);
    assert.equal(cuda[0].library!.path, plugin);
    assert.match(cuda[0].refused!, /^Cannot load the PJRT plugin .*xla_cuda12/);
    assert.ok(text.includes(`--plugin ${plugin.replace("xla_cuda12/xla_cuda", "xla_rocm7/xla_rocm")}`), text);
  }));

Deno.test("with a card, its plugin is tried first, then the processor's; each with the reason", () =>
  withCards(async (folder, options, plugin) => {
    const choices = (options: ListOptions) =>
      withVariable(
        "PJRT_PLUGIN",
        undefined,
        () => Array.fromAsync(choosePlugins({ ...options, cache: undefined })),
      );
    const [card, cpu, ...rest] = await choices(options);
    assert.equal(card.path, plugin);
    assert.match(card.why, /2 NVIDIA cards are here \(NVIDIA H100 80GB HBM3\), with .*Python's packages/);
    assert.deepEqual([card.last, cpu.last, rest.length], [false, true, 0]);
    assert.match(cpu.why, /its plugin could not be opened/);
    const [none] = await choices({ ...options, packages: [] });
    assert.match(none.why, /but no plugin for it; `deno task engine install xla-cuda12` fetches one/);
    const [cardless] = await choices({ ...options, root: join(folder, "cardless/") });
    assert.match(cardless.why, /no NVIDIA card is here/);
    assert.equal(cardless.path, cpu.path);
    const hidden = (value: string) =>
      withVariable("CUDA_VISIBLE_DEVICES", value, () => nvidiaCards(options.root).length);
    assert.equal(await hidden("0,1"), 2);
    assert.equal(await hidden(""), 0);
    assert.equal(await hidden("-1"), 0);
    assert.equal(await hidden("NoDevFiles"), 0);
    const [named] = await withVariable("PJRT_PLUGIN", plugin, () => Array.fromAsync(choosePlugins(options)));
    assert.deepEqual([named.path, named.last], [Deno.realPathSync(plugin), true]);
  }));

Deno.test("a card's plugin that cannot be opened is told, and the next one is taken", () =>
  withCards(async (_, { root, packages }) => {
    const said: string[] = [];
    const engine = await withVariable(
      "PJRT_PLUGIN",
      undefined,
      () => openXlaEngine({ search: { root, packages }, progress: (line) => said.push(line) }),
    );
    assert.match(engine.description, /cpu/);
    await engine.close();
    assert.match(
      said.join("\n"),
      /taking engine xla: 2 NVIDIA.*\n.*xla_cuda12.*cannot be used: .*\n.*its plugin could not be opened/,
    );
  }));

Deno.test("without a plugin and a way to fetch one, auto goes on to what is there, and says why", async () => {
  const cache = await Deno.makeTempDir(), said: string[] = [];
  const none = { PJRT_PLUGIN: undefined, SEMANTIC_AE_CACHE: cache, PATH: cache, CUDA_VISIBLE_DEVICES: "" };
  let run: () => Promise<Engine> = () => openEngine("auto", { progress: (line) => said.push(line) });
  for (const [name, value] of Object.entries(none)) {
    const inner = run;
    run = () => withVariable(name, value, inner);
  }
  try {
    const engine = await run();
    assert.match(engine.name, /^(webgpu|wasm)$/); // The former where there is a GPU.
    await engine.close();
    assert.match(
      said.join("\n"),
      /engine xla is not available: .*\n(.*\n)*taking engine (webgpu: a GPU is here|wasm: it is always there)/,
    );
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("options of a card's memory are refused where they say nothing", async () => {
  const wish = { memoryFraction: .5 };
  await assert.rejects(
    openEngine("wasm", wish),
    /a memory fraction was asked for, which engine wasm cannot use/,
  );
  await assert.rejects(
    openEngine("tensorflow", { preallocate: false }),
    /preallocation.*engine tensorflow cannot/,
  );
  await assert.rejects(
    openEngine("xla", { ...wish, plugin: PLUGIN }),
    /memory fraction cannot be set.*graphics cards/,
  );
  await assert.rejects(
    openEngine("auto", { memoryFraction: 1, preallocate: true, plugin: PLUGIN }),
    /a memory fraction and preallocation of memory cannot be set/,
  );
  await assert.rejects(openEngine("xla", { memoryFraction: 0, plugin: PLUGIN }), /above 0 and at most 1/);
});

Deno.test("the command lists, and says what it does not install", async () => {
  const [list, wasm, odd, none] = await Promise.all([
    capture(engineTask, []),
    capture(engineTask, ["install", "wasm"]),
    capture(engineTask, ["install", "xla-cpo"]),
    capture(engineTask, ["install"]),
  ]);
  assert.equal(list.code, 0, list.err);
  assert.match(list.out, /^xla .*\n +(library|note) /);
  assert.deepEqual([wasm.code, odd.code, none.code], [2, 2, 2]);
  assert.match(wasm.err, /nothing is to be installed for wasm/);
  assert.match(odd.err, /one of xla-cpu, .*tensorflow-gpu, mimalloc, not "xla-cpo"; did you mean xla-cpu\?/);
  assert.match(none.err, /engine install takes NAME; NAME is missing/);
});

Deno.test("a device's peak is known or not, never guessed", () => {
  assert.equal(peakFlops("NVIDIA H100 80GB HBM3", "bfloat16"), 989e12);
  assert.equal(peakFlops("NVIDIA H100 PCIe", "tf32"), 378e12);
  assert.equal(peakFlops("NVIDIA H100 PCIe", "float32"), 51e12);
  assert.equal(peakFlops("NVIDIA A100-SXM4-40GB", "float32"), 19.5e12);
  assert.equal(peakFlops("NVIDIA A1000", "float32"), undefined);
  assert.equal(peakFlops("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16"), undefined);
  assert.equal(peakFlops("cpu", "float32"), undefined);
});
