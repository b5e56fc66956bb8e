import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { type MetricsLine, readMetrics } from "../../src/train/run/metrics_file.ts";

/**
 * A run folder as version 0.1 left it after four steps on `pictures`, with the checkpoint of step 2 only. It was written
 * by engine xla, before the source tree was divided; nothing may rewrite it.
 */
const OLD = fileURLToPath(new URL("../fixtures/run-of-version-0", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Copies the old run and its pictures. */
async function copyOld(folder: string): Promise<void> {
  for (const part of ["pictures", "run", "run/checkpoints"]) {
    await Deno.mkdir(join(folder, part), { recursive: true });
    for await (const { name, isFile } of Deno.readDir(join(OLD, part))) {
      if (isFile) await Deno.copyFile(join(OLD, part, name), join(folder, part, name));
    }
  }
}

Deno.test("a run folder of version 0.1 is read, and resumed with the losses that it had", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await copyOld(folder);
    const run = join(folder, "run"), before = await readMetrics(join(run, "metrics.jsonl"));
    assert.equal(before.length, 4);
    const stored = await readCheckpoint(run);
    assert.equal(stored.step, 2);
    assert.equal(stored.config.viewSize, 0, "views were as large as their pictures");
    assert.ok(Object.keys(stored.tensors).length > 100);

    const task = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "--config", join(ROOT, "deno.json")].concat(
        [join(ROOT, "tasks/train.ts"), "--resume", "--out", "run", "--engine", "wasm"],
      ),
      cwd: folder,
      stdin: "null",
    });
    const { code, stderr } = await task.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));

    // The old program noted its newest checkpoint in a file that nothing reads; it must not go on naming an old one.
    const names = (await Array.fromAsync(Deno.readDir(join(run, "checkpoints")))).map(({ name }) => name);
    assert.deepEqual(names.sort(), ["step-00000002.safetensors", "step-00000004.safetensors"]);
    const after = await readMetrics(join(run, "metrics.jsonl"));
    assert.deepEqual(after.map(({ step }) => step), [1, 2, 3, 4]);
    // The engines round differently: what the old code computed on xla is computed on wasm here.
    for (const name of ["loss", "reconstruction1", "class", "patch", "lr"] as (keyof MetricsLine)[]) {
      for (const i of [2, 3]) {
        const [x, y] = [Number(after[i][name]), Number(before[i][name])];
        assert.ok(Math.abs(x - y) <= 2e-3 * Math.abs(y), `${name} of step ${i + 1}: ${x} instead of ${y}`);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
