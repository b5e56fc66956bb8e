/** Runs the tests of engine tensorflow in a process of their own: TensorFlow cannot be loaded after a Vulkan driver. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findAdapter } from "../../src/engine/webgpu/adapter.ts";
import { needCompiler } from "../../src/engine/tensorflow/build.ts";
import { findTensorflow } from "../../src/engine/tensorflow/install.ts";
import { openTensorflow } from "../../src/engine/tensorflow/open.ts";
import { TENSORFLOW } from "../../src/engine/tensorflow/packages.ts";

/** What this machine lacks for TensorFlow, or undefined. */
async function lacks(): Promise<string | undefined> {
  const { os, arch } = TENSORFLOW;
  if (Deno.build.os !== os || Deno.build.arch !== arch) {
    return `TensorFlow is pinned for ${os} on ${arch} only`;
  }
  if (await findTensorflow()) return undefined;
  try {
    await needCompiler();
    const pip = new Deno.Command("python3", {
      args: ["-m", "pip", "--version"],
      stdout: "null",
      stderr: "null",
    });
    return (await pip.output()).success ? undefined : "python3 has no pip";
  } catch (error) {
    return (error as Error).message;
  }
}

const PERMISSIONS = ["read", "write", "ffi", "env", "sys", "run"].map((name) => `--allow-${name}`);
const lacking = await lacks();

Deno.test({
  name: `engine tensorflow: parity and opening${lacking === undefined ? "" : `: ${lacking}`}`,
  ignore: lacking !== undefined,
  fn: async () => {
    const file = fileURLToPath(new URL("./tensorflow.ts", import.meta.url));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--no-prompt", ...PERMISSIONS, file],
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, said);
    assert.match(said, /^parity on tensorflow: train \.\.\. ok/m);
    assert.match(said, /\| 0 failed/);
  },
});

Deno.test({
  name: "engine tensorflow is refused, not crashed into, after WebGPU was asked for a device",
  ignore: lacking !== undefined, // The test above has installed it.
  fn: async () => {
    await findAdapter();
    await assert.rejects(openTensorflow(), /after WebGPU was asked for a device/);
  },
});
