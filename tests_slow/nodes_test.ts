/** A training on several nodes of which one dies. tests/train/nodes_test.ts has what else they do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCheckpoint } from "../src/train/run/checkpoint.ts";
import { readMetrics } from "../src/train/run/metrics_file.ts";
import { compiler } from "../tests/engine/xla/several_hosts.ts";
import { twoNodes, untilStep } from "../tests/train/two_nodes.ts";
import { withFolder } from "../tests/with_folder.ts";

Deno.test({
  name: "where one of two nodes is killed, the other ends soon, says so, and leaves its last checkpoint",
  ignore: compiler() === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { out, both } = await twoNodes(folder, { nodeSilence: 4 });
      const nodes = await both({});
      await untilStep(out, 8, nodes);
      nodes[1].child.kill("SIGKILL");
      const [survivor] = await Promise.all(nodes.map(({ ended }) => ended));
      assert.equal(survivor.code, 1, survivor.text);
      assert.match(survivor.text, /error: node 1 has not been heard of for \d+ s/);
      const { step } = await readCheckpoint(out);
      assert.ok(step >= 6 && step % 3 === 0, `${step}`);
      assert.ok((await readMetrics(join(out, "metrics.jsonl"))).length >= step);
    }),
});
