/** Plugins of other versions, for real: shared libraries that were "built" with smaller or larger structs than ours. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { formatEngines, listEngines } from "../../../src/engine/list.ts";
import { openEngine } from "../../../src/engine/open.ts";
import { UnfitEngineError } from "../../../src/engine/self_test/self_test.ts";
import { needCompiler } from "../../../src/engine/tensorflow/build.ts";
import { loadApi, PjrtError, PluginLoadError } from "../../../src/engine/xla/pjrt/api.ts";
import { openClient } from "../../../src/engine/xla/pjrt/client.ts";
import { API_VERSION, FUNCTIONS, STRUCTS } from "../../../src/engine/xla/pjrt/layouts.ts";

const SOURCE = fileURLToPath(new URL("made_up_plugin.c", import.meta.url));

type StructName = keyof typeof STRUCTS;

/** How a plugin differs from ours. */
interface Made {
  major?: number;
  minor: number;
  /** Size of a struct when the plugin was built; default: ours. */
  size?: (name: StructName, ours: number) => number;
  /** Bytes of the function table; default: ours. */
  table?: number;
  /** 0 or 1 (default). */
  devices?: number;
}

const ALL = Math.max(...Object.values(FUNCTIONS)) + 8;

/** The C header with the layouts and sizes of a plugin. */
function layoutHeader(
  { major = API_VERSION.major, minor, size = (_, ours) => ours, table = ALL, devices = 1 }: Made,
): string {
  const own = { MAJOR: major, MINOR: minor, TABLE_SIZE: table, DEVICES: devices };
  const lines = Object.entries(own).map(([name, value]) => `#define ${name} ${value}`);
  for (const [name, at] of Object.entries(FUNCTIONS)) lines.push(`#define TABLE_${name} ${at}`);
  for (const [name, struct] of Object.entries(STRUCTS)) {
    lines.push(`#define SIZE_${name} ${size(name as StructName, struct.size)}`);
    for (const [field, [at]] of Object.entries(struct.fields)) {
      lines.push(`#define AT_${name}_${field} ${at}`);
    }
  }
  return lines.join("\n") + "\n";
}

/** Builds a plugin. It stays loaded until the process ends, so its file may go. */
async function withPlugin(made: Made, fn: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/layout.h`, layoutHeader(made));
    const path = `${folder}/plugin.so`;
    const args = ["-x", "c", "-std=c11", "-shared", "-fPIC", "-Wall", `-I${folder}`, SOURCE, "-o", path];
    const { success, stderr } = await new Deno.Command("c++", { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    await fn(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const missing = await needCompiler().then(() => undefined, (error: Error) => error.message);
if (missing) console.warn(`plugins of other versions are not tested: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

/** What every version must do: a device, its memory, an array there and back. */
function use(path: string): { version: string; limit?: number } {
  const client = openClient(path);
  try {
    assert.deepEqual([client.platform, client.devices[0].kind, client.devices[0].id], ["made up", "toy", 7]);
    const memory = client.devices[0].memory()!;
    assert.equal(memory.inUse, 42);
    const buffer = client.buffer(Float32Array.of(1, 2, 3, 4), "f32", [2, 2]);
    assert.deepEqual([...new Float32Array(buffer.readSync().buffer)], [1, 2, 3, 4]);
    assert.throws(
      () => client.compile("func.func @main() {}"),
      (e) =>
        e instanceof PjrtError && e.code === "UNIMPLEMENTED" &&
        /C API 0\.\d+\) has no Client_Compile/.test(e.message),
    );
    buffer.delete();
    return { version: client.apiVersion, limit: memory.limit };
  } finally {
    client.close();
  }
}

test("a plugin of our version", () =>
  withPlugin({ minor: API_VERSION.minor }, (path) => {
    assert.deepEqual(use(path), { version: `0.${API_VERSION.minor}`, limit: 1000 });
  }));

test("an older plugin: shorter structs, a shorter table; what lies behind it is no function", () => {
  const { fields } = STRUCTS.Device_MemoryStats_Args;
  const shorter: Partial<Record<StructName, number>> = {
    Client_Create_Args: STRUCTS.Client_Create_Args.fields.kv_try_get_callback[0],
    Device_MemoryStats_Args: fields.bytes_limit[0],
  };
  const made = {
    minor: 23,
    size: (name: StructName, ours: number) => shorter[name] ?? ours,
    table: FUNCTIONS.Buffer_ToHostBuffer + 8,
  };
  return withPlugin(made, (path) => {
    assert.deepEqual(use(path), { version: "0.23", limit: undefined });
    const api = loadApi(path);
    assert.deepEqual([api.has("Buffer_ToHostBuffer"), api.has("Executable_Fingerprint")], [true, false]);
  });
});

test("a newer plugin: larger structs, a longer table", () =>
  withPlugin({ minor: 400, size: (_, ours) => ours + 24, table: ALL + 160 }, (path) => {
    assert.deepEqual(use(path), { version: "0.400", limit: 1000 });
  }));

test("a plugin of another major version is refused with both versions", () =>
  withPlugin({ major: 1, minor: 2 }, (path) => {
    assert.throws(
      () => openClient(path),
      (e) =>
        e instanceof PluginLoadError && e.message.includes("1.2 of the C API") &&
        /this program 0\.\d+/.test(e.message),
    );
  }));

test("a plugin without a device is refused, and its client given back", () =>
  withPlugin({ minor: API_VERSION.minor, devices: 0 }, (path) => {
    assert.throws(
      () => openClient(path),
      (e) => e instanceof Error && e.message.includes(`${path} has no device`),
    );
    const library = Deno.dlopen(path, { alive: { type: "i32" } });
    assert.equal(library.symbols.alive, 0);
    library.close();
  }));

test("a share of the memory reaches the plugin as a number with a point, a whole one too", () =>
  withPlugin({ minor: API_VERSION.minor }, async (path) => {
    for (const share of [.25, 1]) {
      const client = openClient(path, { memory_fraction: { float: share }, preallocate: false });
      assert.equal(client.platformVersion, `fraction ${share.toFixed(2)}`);
      client.close();
    }
    // The whole way from the settings; the engine itself then needs more than this plugin has, and is refused.
    await assert.rejects(openEngine("xla", { plugin: path, memoryFraction: 2 }), /above 0 and at most 1/);
    await assert.rejects(
      openEngine("xla", { plugin: path, memoryFraction: .5, preallocate: true }),
      (e) =>
        e instanceof UnfitEngineError &&
        e.message.startsWith(`engine xla (XLA on made up (toy), PJRT C API`) &&
        e.message.includes(`the plugin ${path}) is refused`) && /has no Client_Compile/.test(e.message),
    );
    const library = Deno.dlopen(path, { alive: { type: "i32" } });
    assert.equal(library.symbols.alive, 0);
    library.close();
  }));

test("where the plugin that is named computes nothing, auto goes on and the list shows it as refused", () =>
  withPlugin({ minor: API_VERSION.minor }, async (path) => {
    const cache = await Deno.makeTempDir(), said: string[] = [];
    const settings = { PJRT_PLUGIN: path, SEMANTIC_AE_CACHE: cache, DENO_WEBGPU_BACKEND: "none" };
    const before = Object.keys(settings).map((name) => [name, Deno.env.get(name)] as const);
    try {
      for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
      const engine = await openEngine("auto", { progress: (line) => said.push(line) });
      assert.equal(engine.name, "wasm");
      await engine.close();
      assert.match(
        said.join("\n"),
        new RegExp(
          "taking engine xla: PJRT_PLUGIN names .*\nengine xla is not available: .* is refused, because its self-test .*\n" +
            "engine tensorflow is passed over: it is not installed\nengine webgpu is passed over: .*\ntaking engine wasm",
        ),
      );
      const xla = (await listEngines({ packages: [] })).find(({ library }) => library?.path === path)!;
      assert.match(xla.refused!, /is refused, because its self-test failed/);
      assert.deepEqual(xla.devices, []);
      assert.match(formatEngines([xla]), /\n +refused engine xla \(XLA on made up/);
    } finally {
      for (const [name, value] of before) {
        value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
      }
      await Deno.remove(cache, { recursive: true });
    }
  }));
