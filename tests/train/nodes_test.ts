/** Training on several nodes: processes of this machine with a plugin that lets them compute as several hosts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Hosts } from "../../src/engine/xla/hosts/join.ts";
import { checkNodes, ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { type MetricsLine, readMetrics } from "../../src/train/run/metrics_file.ts";
import { placeOf, sharedConfig, untilFailed } from "../../src/train/nodes.ts";
import { PLUGIN } from "../engine/xla/plugin.ts";
import { compiler } from "../engine/xla/several_hosts.ts";
import { start, twoNodes, untilStep } from "./two_nodes.ts";

const figures = (lines: MetricsLine[], from: number, to: number) =>
  lines.filter(({ step }) => step >= from && step <= to)
    .map(({ imagesPerSecond: _, waiting: __, ...rest }) => JSON.stringify(rest));

Deno.test({
  name: "two nodes train as one process does, are resumed bit for bit, and stop together",
  ignore: compiler() === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const { settings, out, both } = await twoNodes(folder), alone = join(folder, "alone");
      const single = start({ ...settings, out: alone, steps: 8, plugin: PLUGIN }, {});
      const first = await both({ steps: 8 });
      for (const { ended } of [single, ...first]) {
        const { code, text } = await ended;
        assert.equal(code, 0, text);
      }
      const wanted = await readMetrics(join(alone, "metrics.jsonl"));
      const unbroken = await readMetrics(join(out, "metrics.jsonl"));
      assert.deepEqual(unbroken.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8]);
      for (const [i, line] of wanted.entries()) {
        for (
          const key of ["loss", "reconstruction1", "reconstruction2", "class", "patch", "gradNorm"] as const
        ) {
          const apart = Math.abs(unbroken[i][key]! - line[key]!);
          assert.ok(apart <= 1e-5 * Math.abs(line[key]!), `step ${i + 1}, ${key}: ${apart} of ${line[key]}`);
        }
      }
      const last = await readCheckpoint(out);
      assert.deepEqual([last.step, last.places], [8, [[2, 4, 0], [2, 4, 0]]]);

      // From step 6 on again, started by a launcher, until one is asked to stop: both do, after the same step, with a
      // checkpoint.
      await Deno.remove(last.path);
      const second = await both({ resume: true, steps: 0 }, true);
      await untilStep(out, 12, second);
      second[1].child.kill("SIGTERM");
      for (const { code, text } of await Promise.all(second.map(({ ended }) => ended))) {
        assert.equal(code, 143, text);
      }
      const again = await readMetrics(join(out, "metrics.jsonl"));
      assert.deepEqual(figures(again, 1, 8), figures(unbroken, 1, 8));
      const stopped = await readCheckpoint(out);
      assert.equal(stopped.step, again.at(-1)!.step);
      // Where both left off at whole batches, one process can go on.
      const one = placeOf(stopped, { nodes: 1, nodeId: 0 }, false);
      assert.deepEqual(one.cursor, { epoch: Math.floor(stopped.step / 3), position: 4 * (stopped.step % 3) });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a place in the data is shared by another number of nodes where it can be", () => {
  const checkpoint = { cursor: { epoch: 1, position: 12 }, bad: 3, path: "step-9" };
  assert.deepEqual(placeOf(checkpoint, { nodes: 1, nodeId: 0 }, true), { cursor: checkpoint.cursor, bad: 3 });
  assert.deepEqual(placeOf(checkpoint, { nodes: 4, nodeId: 2 }, false), {
    cursor: { epoch: 1, position: 3 },
    bad: 0,
  });
  const two = { ...checkpoint, places: [[1, 12, 3], [1, 12, 1]] };
  assert.deepEqual(placeOf(two, { nodes: 3, nodeId: 0 }, false), {
    cursor: { epoch: 1, position: 8 },
    bad: 4,
  });
  const uneven = { ...checkpoint, places: [[1, 12, 3], [1, 13, 4]] };
  assert.deepEqual(placeOf(uneven, { nodes: 2, nodeId: 1 }, true), {
    cursor: { epoch: 1, position: 13 },
    bad: 4,
  });
  for (
    const [given, nodes, stream] of [[uneven, 1, false], [checkpoint, 5, false], [two, 1, true]] as const
  ) {
    assert.throws(
      () => placeOf(given, { nodes, nodeId: 0 }, stream),
      (e) => e instanceof ConfigError && /step-9.*cannot share; resume with --nodes [12]$/.test(e.message),
    );
  }
});

Deno.test("settings of nodes that do not go together are refused", async () => {
  const config = resolveConfig({ batchSize: 8 });
  const refused = (change: object, message: RegExp) =>
    assert.throws(
      () => checkNodes({ ...config, nodes: 2, coordinator: "a:1", ...change }),
      (e) => e instanceof ConfigError && message.test(e.message),
    );
  refused({ nodeId: 2 }, /nodeId is 2.*from 0 to 1/);
  refused({ coordinator: "" }, /--coordinator HOST:PORT/);
  refused({ process: "0/2" }, /--process.*leave it out/);
  refused({ engine: "wasm" }, /engine xla/);
  assert.throws(
    () => resolveConfig({ batchSize: 6, nodes: 2, devices: 2, coordinator: "a:1" }),
    /batchSize is 6, which 4 devices cannot share.*--batch-size 8/,
  );
  const hosts = {
    nodeId: 1,
    get: () =>
      Promise.resolve(new TextEncoder().encode(JSON.stringify({ ...config, seed: 5, data: "theirs" }))),
  } as unknown as Hosts;
  const shared = await sharedConfig(hosts, { data: "mine", batchSize: 8 });
  assert.deepEqual(shared, { ...config, seed: 5, data: "mine", nodeId: 1 });
  await assert.rejects(
    sharedConfig(hosts, { seed: 6, batchSize: 4 }),
    /node 1: --seed is 6, on node 0 5; --batch-size is 4, on node 0 8/,
  );
});

Deno.test("waiting ends with the run's failure", async () => {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const alive = untilFailed(failed);
  assert.equal(await alive(Promise.resolve(1)), 1);
  await assert.rejects(alive(Promise.reject(new Error("its own"))), /its own/);
  const waiting = [alive(new Promise(() => {})), alive(new Promise(() => {}))];
  reject(new Error("gone"));
  for (const wait of waiting) await assert.rejects(wait, /gone/);
  await assert.rejects(alive(new Promise(() => {})), /gone/);
  assert.equal(await untilFailed()(Promise.resolve(2)), 2);
});
