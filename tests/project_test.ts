/** What another project does with mod.ts. That its types fit there is among the slow checks. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePicture } from "../src/data/picture/decode.ts";
import { openSource } from "../src/data/open/open_data.ts";
import { evaluationPicture } from "../src/data/picture/resize.ts";
import { streamBatches } from "../src/data/stream.ts";
import { openWasm } from "../src/engine/wasm.ts";
import { embedder } from "../src/eval/embed.ts";
import { readCheckpoint } from "../src/train/run/checkpoint.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { writeModel } from "../src/train/state.ts";
import { DEFAULT_VIEWS } from "../src/views/sample.ts";
import { trainTask } from "../tasks/train.ts";
import { capture } from "./cli/capture.ts";
import { colourFolder, withFolder } from "./eval/toy.ts";
import { writeProject } from "./project.ts";
import { deno, SMALL } from "./user.ts";

Deno.test("a project of one's own imports mod.ts by its path", (t) =>
  withFolder(async (folder) => {
    // What the user has: photos, a run, and a project that knows nothing of ours.
    const photos = await colourFolder(join(folder, "photos"), 4), run = join(folder, "run");
    const config = join(folder, "small.json"), project = join(folder, "project");
    await Deno.writeTextFile(config, JSON.stringify(SMALL));
    const trained = await capture(trainTask, ["--data", photos, "--out", run, "--config", config]);
    assert.equal(trained.code, 0, trained.err);
    await writeProject(project);
    const info = await deno(project, ["info", "--json"]);
    const packages: string = JSON.parse(info.out).npmCache;

    /** Runs a program that may read what it is given and the packages' own files, and write nothing. */
    const start = async (name: string, ...args: string[]): Promise<unknown> => {
      const { code, out, err } = await deno(project, [
        ...["run", "--no-prompt", "--cached-only", `--allow-read=${[...args, packages].join(",")}`],
        ...[`--allow-ffi=${packages}`, "--allow-env", "--allow-sys", name, ...args],
      ]);
      assert.equal(code, 0, `${name}: ${err}`);
      return JSON.parse(out);
    };

    await t.step("a folder as batches of view pairs", async () => {
      const found = await start("stream.ts", photos) as {
        labels: string[];
        batches: { epoch: number; keys: string[]; base: number; crop: Record<string, number> }[];
      };
      assert.deepEqual(found.labels, ["blue", "green", "red"]);
      assert.deepEqual(found.batches.map(({ epoch }) => epoch), [0, 0, 0, 1]);
      const first = found.batches.slice(0, 3).flatMap(({ keys }) => keys);
      assert.equal(new Set(first).size, 12);
      for (const { crop } of found.batches) {
        assert.ok(crop.width >= 1 && crop.left >= 0 && crop.left + crop.width <= 16, JSON.stringify(crop));
      }
      const source = await openSource(photos), views = { ...DEFAULT_VIEWS, imageSize: 16 };
      const ours = streamBatches(source, { imageSize: 16, batchSize: 4, seed: 1, views });
      const { keys, base } = (await ours.next()).value!;
      await ours.return();
      await source.close();
      assert.deepEqual(found.batches[0].keys, keys);
      assert.equal(found.batches[0].base, base.reduce((sum, byte) => (sum * 31 + byte) % 2 ** 32, 0));
    });

    await t.step("pictures embedded by a checkpoint", async () => {
      const found = await start("embed.ts", run, photos) as { width: number; data: number[] };
      assert.deepEqual([found.width, found.data.length], [16, 12 * 16]);
      const engine = await openWasm(),
        checkpoint = await readCheckpoint(run),
        source = await openSource(photos);
      const picture = evaluationPicture(await decodePicture((await source.get(11)).bytes), 16);
      const { class: ours } = await embedder(engine, checkpoint.config, { batchSize: 1 })
        .pictures(writeModel(checkpoint.tensors), picture);
      await source.close();
      const theirs = found.data.slice(11 * 16);
      ours.data.forEach((value, i) => assert.ok(Math.abs(value - theirs[i]) < 1e-5, `${value} ${theirs[i]}`));
      assert.ok(theirs.some((value, i) => Math.abs(value - found.data[i]) > 1e-3), "all pictures alike");
    });

    await t.step("a training loop of one's own has the losses of the command's", async () => {
      const losses = await start("loop.ts", run, photos);
      const lines = await readMetrics(join(run, "metrics.jsonl"));
      assert.equal(lines.length, 6);
      assert.deepEqual(losses, lines.map(({ loss }) => loss));
    });
  }));
