/** Tests of engine tensorflow, fetched and built by our own installer; run by tensorflow_test.ts in a process of their own. */
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { openEngine } from "../../src/engine/open.ts";
import { ensureTensorflow, findTensorflow } from "../../src/engine/tensorflow/install.ts";
import { openTensorflow } from "../../src/engine/tensorflow/open.ts";
import { TENSORFLOW } from "../../src/engine/tensorflow/packages.ts";
import { InstallError } from "../../src/engine/install/install.ts";
import * as tf from "../../src/engine/tensors.ts";
import { testParity } from "./parity.ts";

const empty = await Deno.makeTempDir();
const refused = await openTensorflow(empty).catch((error) => error);
await Deno.remove(empty, { recursive: true });
await ensureTensorflow(TENSORFLOW, {
  progress: ({ phase, message }) => phase !== "downloading" && console.warn(message),
});
testParity(await openTensorflow());

Deno.test("engine tensorflow: opened again it is the same backend; bfloat16 is refused; memory is given back", async () => {
  const engine = await openTensorflow();
  assert.match(engine.description, /TensorFlow 2\.21 on the processor|NVIDIA/);
  assert.equal(engine.compiles, false);
  assert.throws(
    () => engine.jit(({ x }) => x, { precision: "bfloat16" }),
    /engine tensorflow computes in float32 only/,
  );
  const double = engine.jit(({ x }: { x: tf.Tensor }) => tf.mul(x, 2), { donate: ["x"] });
  const before = tf.memory().numTensors;
  const y = double({ x: engine.bytes(Uint8Array.of(1, 2, 200), [3]) });
  await engine.ready(y);
  assert.deepEqual([...y.dataSync()], [2, 4, 400]);
  y.dispose();
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("auto takes engine tensorflow where xla has no plugin and can fetch none", async () => {
  const cache = await Deno.makeTempDir(),
    installed = dirname((await findTensorflow())!.path),
    said: string[] = [];
  const settings = { PJRT_PLUGIN: "", SEMANTIC_AE_CACHE: cache, PATH: cache, CUDA_VISIBLE_DEVICES: "" };
  const before = Object.keys(settings).map((name) => [name, Deno.env.get(name)] as const);
  try {
    await Deno.mkdir(join(cache, "engines"));
    await Deno.symlink(await Deno.realPath(installed), join(cache, "engines", basename(installed)));
    for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
    const { name } = await openEngine("auto", { progress: (line) => said.push(line) });
    assert.equal(name, "tensorflow");
    assert.match(
      said.join("\n"),
      /engine xla is not available: (.*\n)*taking engine tensorflow: it is installed/,
    );
  } finally {
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("engine tensorflow: where it is not installed the error says how to get it", () => {
  assert.ok(refused instanceof InstallError, String(refused));
  assert.match(refused.message, /deno task engine install tensorflow/);
});
