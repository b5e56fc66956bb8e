import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { closeData } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { train } from "../../src/train/train.ts";
import { planSteps } from "../../src/train/run/plan.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { disposeTree } from "../../src/train/state.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";
import { tarFile } from "../data/tar_writer.ts";
import { withFolder } from "../data/pictures.ts";

Deno.test("a run on a stream resumes to the same losses, and bad.jsonl names each faulty record once", async () => {
  await withFolder(async (folder) => {
    await writePictures(`${folder}/p`, 13);
    const entries = [];
    for (let i = 0; i < 13; i++) {
      const content = await Deno.readFile(`${folder}/p/${String(i).padStart(2, "0")}.png`);
      entries.push({ name: `${i}.png`, content: i === 4 ? content.slice(0, 60) : content });
    }
    const uri = `${folder}/t.tar.gz`;
    await Deno.writeFile(uri, gzipSync(tarFile(entries)));
    const engine = await openWasm();
    const run = async (out: string, change: Partial<RunConfig>) => {
      const settings = { ...MINUSCULE, data: uri, epochPictures: 12, epochs: 3, shuffleBuffer: 6, ...change };
      const source = await openData(uri);
      try {
        const result = await train(resolveConfig({ ...settings, out: `${folder}/${out}` }), {
          engine,
          source,
        });
        disposeTree(result.state);
        return result;
      } finally {
        await closeData(source);
      }
    };
    const badKeys = async (out: string) =>
      (await Deno.readTextFile(`${folder}/${out}/bad.jsonl`)).trimEnd().split("\n").map((line) =>
        JSON.parse(line).key
      );

    const whole = await run("whole", {});
    assert.deepEqual([whole.step, whole.total], [9, 9]);
    assert.ok(whole.bad >= 2, "the bad record comes every epoch");
    await run("parts", { steps: 4 });
    await run("parts", { resume: true });
    const losses = async (out: string) =>
      (await readMetrics(`${folder}/${out}/metrics.jsonl`)).map(({ step, loss, bad }) => ({
        step,
        loss,
        bad,
      }));
    assert.deepEqual(await losses("parts"), await losses("whole"));
    for (const out of ["whole", "parts"]) assert.deepEqual((await badKeys(out)).length, 1, out);

    const source = await openData(uri);
    assert.throws(
      () => planSteps(resolveConfig({ ...MINUSCULE, data: uri }), source),
      (error) =>
        error instanceof ConfigError &&
        /does not tell how many pictures.*--epoch-pictures N/.test(error.message),
    );
    const two = resolveConfig({ ...MINUSCULE, data: uri, epochPictures: 24, epochs: 1, process: "1/2" });
    assert.deepEqual(planSteps(two, source), { pictures: 24, perEpoch: 3, total: 3 });
    assert.throws(() => planSteps({ ...two, process: "2/2" }, source), ConfigError);
    // A run of no step learns nothing; who wants that says 0.
    assert.throws(
      () => planSteps({ ...two, epochs: 0.1 }, source),
      /epochs is 0\.1, but an epoch has only 3 steps, so not one would be done; use --epochs 0\.333 or more/,
    );
    assert.deepEqual([0, 0.333].map((epochs) => planSteps({ ...two, epochs }, source).total), [0, 1]);
    await closeData(source);
  });
});
