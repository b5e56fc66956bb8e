/** A training on several nodes of which one dies, or has no more data. tests/train/nodes_test.ts has what else they do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../src/data/open/open_data.ts";
import { streamBatches } from "../src/data/stream.ts";
import { resolveConfig } from "../src/train/config/config.ts";
import { readCheckpoint } from "../src/train/run/checkpoint.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { compiler } from "../tests/engine/xla/several_hosts.ts";
import { MINUSCULE, writePictures } from "../tests/train/fixture.ts";
import { twoNodes, untilStep } from "../tests/train/two_nodes.ts";
import { withFolder } from "../tests/with_folder.ts";

Deno.test({
  name:
    "where a node is killed, the other ends soon and says so; the restart goes on from the last checkpoint, bit for bit",
  ignore: compiler() === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { out, both } = await twoNodes(folder, { nodeSilence: 4 });
      const losses = async () =>
        new Map((await readMetrics(join(out, "metrics.jsonl"))).map(({ step, loss }) => [step, loss]));
      const nodes = await both({});
      await untilStep(out, 8, nodes);
      nodes[1].child.kill("SIGKILL");
      const [survivor] = await Promise.all(nodes.map(({ ended }) => ended));
      assert.equal(survivor.code, 1, survivor.text);
      assert.match(survivor.text, /error: node 1 has not been heard of for \d+ s/);
      const { step } = await readCheckpoint(out), before = await losses();
      assert.ok(step >= 6 && step % 3 === 0, `${step}`);
      assert.ok(before.size >= step);

      // The same command again, as a launcher would start it; then node 0 is lost.
      const again = await both({ resume: true }, true);
      await untilStep(out, step + 6, again);
      again[0].child.kill("SIGKILL");
      const [, left] = await Promise.all(again.map(({ ended }) => ended));
      assert.equal(left.code, 1, left.text);
      assert.match(left.text, /error: .*(node 0|coordinator|127\.0\.0\.1)/);
      const after = await losses();
      for (const [step, loss] of before) assert.equal(after.get(step), loss, `step ${step}`);
      const last = await readCheckpoint(out);
      assert.ok(last.step > step && last.step % 3 === 0, `${last.step}`);
    }),
});

Deno.test({
  name:
    "where a node's data fails, all stop after the last step that it has a batch for, with its state, and say why",
  ignore: compiler() === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { out, both } = await twoNodes(folder), data = join(folder, "pictures");
      await writePictures(data, 80);
      // A picture that node 1 comes to in its twelfth batch.
      const source = await openSource(data);
      const { imageSize, seed } = MINUSCULE, part = { index: 1, count: 2 };
      const how = { imageSize, seed, batchSize: 2, process: part, views: resolveConfig(MINUSCULE) };
      let name = "", batches = 0;
      for await (const { keys } of streamBatches(source, how)) {
        [name] = keys;
        if (++batches === 12) break;
      }
      await source.close();
      const path = join(data, name), bytes = await Deno.readFile(path);
      await Deno.writeTextFile(path, "no picture");

      const settings = { checkpointSteps: 0, onBad: "fail" };
      const [first, second] = await Promise.all((await both(settings)).map(({ ended }) => ended));
      assert.deepEqual([first.code, second.code], [1, 1], first.text + second.text);
      assert.match(first.text, new RegExp(`error: node 1: .*${name}`));
      assert.match(second.text, new RegExp(`error: .*${name}`));
      assert.equal((await readCheckpoint(out)).step, 11);

      await Deno.writeFile(path, bytes);
      for (const { ended } of await both({ resume: true, steps: 14 }, true)) {
        const { code, text } = await ended;
        assert.equal(code, 0, text);
      }
      const steps = (await readMetrics(join(out, "metrics.jsonl"))).map(({ step }) => step);
      assert.deepEqual(steps, Array.from({ length: 14 }, (_, i) => i + 1));
    }),
});
