/** Cards are found by programs that may read no more than tasks may, whatever the dynamic loader is told. */
import assert from "node:assert/strict";
import { nvidiaCards } from "../../../src/engine/install/nvidia.ts";
import { askNvidia } from "../../../src/engine/install/nvml.ts";
import { ROOT } from "../../user.ts";

/** Builds the made-up driver's library; undefined where there is no compiler. */
async function madeUpDriver(folder: string): Promise<string | undefined> {
  const path = `${folder}/libnvidia-ml.so.1`;
  try {
    const args = ["-shared", "-fPIC", "-o", path, `${ROOT}/tests/engine/install/made_up_nvml.c`];
    return (await new Deno.Command("cc", { args }).output()).success ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a module's text as a task would run it, with variables. */
async function asTask(text: string, env: Record<string, string>): Promise<string> {
  const allowed = ["--allow-read", "--allow-env", "--allow-ffi", "--allow-run=python3"];
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-check",
    ...allowed,
    `data:text/typescript,${encodeURIComponent(text)}`,
  ];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env, cwd: ROOT }).output();
  const said = new TextDecoder().decode(stdout);
  assert.notEqual(said, "", new TextDecoder().decode(stderr));
  return said.trim();
}

const module = (path: string) =>
  JSON.stringify(new URL(`../../../src/engine/install/${path}`, import.meta.url).href);

Deno.test("without a driver's library there are no cards", () => {
  assert.equal(askNvidia("libno-such-library.so.1"), undefined);
});

Deno.test({
  name: "the driver's library tells cards and version to a program with a task's permissions",
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const folder = await Deno.makeTempDir();
    try {
      const library = await madeUpDriver(folder);
      await t.step({
        name: "two cards, one of them lost",
        ignore: library === undefined,
        async fn() {
          assert.deepEqual(askNvidia(library), { cards: ["NVIDIA H200"], driver: "580.159.04" });
          const text = `import { nvidiaCards, nvidiaDriver } from ${module("nvidia.ts")};` +
            "console.log(JSON.stringify([nvidiaCards(), nvidiaDriver()]));";
          assert.equal(await asTask(text, { LD_LIBRARY_PATH: folder }), '[["NVIDIA H200"],580]');
          assert.equal(await asTask(text, { LD_LIBRARY_PATH: folder, CUDA_VISIBLE_DEVICES: "" }), "[[],580]");
        },
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("other roots are looked up in their files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.deepEqual(nvidiaCards(`${folder}/`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "Python's packages are found while LD_LIBRARY_PATH is set",
  ignore: Deno.build.os === "windows",
  async fn() {
    const text = `import { pythonFolders } from ${module("python.ts")};` +
      "console.log((await pythonFolders()).length);";
    assert.ok(Number(await asTask(text, { LD_LIBRARY_PATH: "/nowhere", LD_PRELOAD: "" })) > 0);
  },
});
