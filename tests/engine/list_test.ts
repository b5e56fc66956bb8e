import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatEngines, listEngines } from "../../src/engine/list.ts";
import { peakFlops } from "../../src/engine/peak.ts";
import { PLUGIN } from "./xla/plugin.ts";

const TASK = fileURLToPath(new URL("../../tasks/engine.ts", import.meta.url));

Deno.test("engines are listed with their devices, plugins of Python's packages, and what is missing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const plugin = join(folder, "jax_plugins", "xla_cuda13", "xla_cuda_plugin.so");
    await Deno.mkdir(join(plugin, ".."), { recursive: true });
    await Deno.writeTextFile(plugin, "");
    await Deno.writeTextFile(join(plugin, "..", "version.py"), "");
    const engines = await listEngines({ packages: [folder, join(folder, "missing")] });
    assert.deepEqual(engines.map(({ name }) => name), ["xla", "xla", "webgpu", "wasm"]);
    assert.equal(engines[0].plugin?.path, await Deno.realPath(PLUGIN));
    assert.match(engines[0].devices[0], /^\w+ 0: .* \(PJRT C API 0\.\d+\)$/);
    assert.equal(engines[1].plugin?.path, plugin);
    const text = formatEngines(engines);
    assert.ok(text.includes(`--plugin ${plugin}`), text);
    assert.match(text, /device {2}WebAssembly/);
    if (Deno.env.get("PJRT_PLUGIN") === undefined) {
      const [bare] = await listEngines({ packages: [], cache: join(folder, "cache") });
      assert.deepEqual(bare.devices, []);
      assert.match(bare.hint!, /deno task engine install xla-cpu/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function engineTask(...args: string[]) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", TASK, ...args],
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("the command lists, and says what it does not install", async () => {
  const [list, cuda, odd] = await Promise.all([
    engineTask(),
    engineTask("install", "xla-cuda13"),
    engineTask("install", "xla-cpo"),
  ]);
  assert.equal(list.code, 0, list.err);
  assert.match(list.out, /^xla .*\n +plugin /);
  assert.deepEqual([cuda.code, odd.code], [2, 2]);
  assert.match(cuda.err, /xla-cuda13 cannot be installed by this command.*--plugin/);
  assert.match(odd.err, /takes the name xla-cpu, not xla-cpo/);
});

Deno.test("a device's peak is known or not, never guessed", () => {
  assert.equal(peakFlops("NVIDIA H100 80GB HBM3", "bfloat16"), 989e12);
  assert.equal(peakFlops("NVIDIA H100 PCIe", "float32"), 378e12);
  assert.equal(peakFlops("NVIDIA A100-SXM4-40GB", "float32"), 156e12);
  assert.equal(peakFlops("NVIDIA A1000", "float32"), undefined);
  assert.equal(peakFlops("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bfloat16"), undefined);
  assert.equal(peakFlops("cpu", "float32"), undefined);
});
