/** A training on several nodes of which one dies. tests/train/nodes_test.ts has what else they do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCheckpoint } from "../src/train/run/checkpoint.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { compiler } from "../tests/engine/xla/several_hosts.ts";
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
