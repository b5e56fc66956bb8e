import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { fits, misfit, readValue, wholeOrAuto } from "../../src/cli/kinds.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import * as tf from "../../src/engine/tensors.ts";
import type { Engine } from "../../src/engine/types.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { FILL, fittingBatch, withBatchSize } from "../../src/train/auto_batch.ts";
import { readConfig, resolveConfig } from "../../src/train/config/config.ts";
import { planRun } from "../../src/train/run/plan.ts";
import { train } from "../../src/train/train.ts";
import { disposeTree } from "../../src/train/state.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import { withFolder } from "../with_folder.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

Deno.test("a batch that fits is found in few compilations, near to the largest", async () => {
  const sizes = fc.record({
    fixed: fc.integer({ min: 0, max: 10 ** 9 }),
    each: fc.integer({ min: 10 ** 6, max: 10 ** 8 }),
    limit: fc.integer({ min: 10 ** 7, max: 10 ** 11 }),
    multiple: fc.integer({ min: 1, max: 8 }),
    most: fc.integer({ min: 8, max: 4096 }),
    /** Small steps may need a little more than the line says. */
    bend: fc.integer({ min: 0, max: 10 ** 7 }),
  });
  await fc.assert(fc.asyncProperty(sizes, async ({ fixed, each, limit, multiple, most, bend }) => {
    const bytes = (n: number) => fixed + each * n / multiple + bend * Math.sqrt(n / multiple);
    const asked: number[] = [];
    const found = await fittingBatch({
      most,
      multiple,
      need: (n) => {
        assert.ok(n % multiple === 0 && n > 0 && n <= most, `${n} of ${most}`);
        assert.ok(!asked.includes(n), `${n} again`);
        asked.push(n);
        return Promise.resolve({ bytes: bytes(n), limit });
      },
    });
    assert.ok(asked.length <= 6, `${asked}`);
    let largest = 0;
    for (let n = multiple; n <= most; n += multiple) if (bytes(n) <= limit) largest = n;
    if (largest === 0) return assert.equal(found, undefined);
    // Close to the memory of one picture a few compilations may find nothing, but never what does not fit.
    if (!found) return assert.ok(largest < 2 * multiple * 2, `nothing of ${largest}: ${asked}`);
    assert.ok(bytes(found.batchSize) <= limit && found.bytes === bytes(found.batchSize));
    assert.ok(found.batchSize >= 0.85 * largest - 8 * multiple, `${found.batchSize} of ${largest}: ${asked}`);
  }));
  const none = await fittingBatch({
    most: 64,
    multiple: 2,
    need: () => Promise.resolve({ bytes: 9, limit: 8 }),
  });
  assert.equal(none, undefined);
  // A compiler that runs out of memory.
  const refusing = await fittingBatch({
    most: 64,
    multiple: 1,
    need: (n) => Promise.resolve(n > 5 ? undefined : { bytes: n, limit: 100 }),
  });
  assert.equal(refusing?.batchSize, 5);
  // On a card: two small steps and the one that is taken.
  const asked: number[] = [];
  const found = await fittingBatch({
    most: 4096,
    multiple: 8,
    need: (n) => (asked.push(n), Promise.resolve({ bytes: 1.6e9 + n / 8 * 224e6, limit: 72e9 })),
  });
  assert.deepEqual([asked, found?.batchSize], [[64, 128, 2496], 2496]);
});

Deno.test("auto is a batch size of 0, which no number from people is", () => {
  const kind = wholeOrAuto();
  assert.deepEqual(["auto", "12", "0", "many"].map((text) => readValue(kind, text)), [0, 12, "0", "many"]);
  assert.deepEqual([0, 12, "0", -1, 1.5].map((value) => fits(kind, value)), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.match(misfit("--batch-size", kind, "0", "0")!, /"0".*whole number from 1 up, or auto/);
});

Deno.test("a run with --batch-size auto is begun with what fits, stores it, and keeps it when it goes on", () =>
  withFolder(async (folder) => {
    const engine = await openXlaEngine({ plugin: PLUGIN, flags: QUICK, cache: join(folder, "programs") });
    const data = join(folder, "pictures"), out = join(folder, "run");
    await writePictures(data, 10);
    const source = await openSource(data),
      said: string[] = [],
      progress = (line: string) => void said.push(line);
    try {
      const tensors = tf.memory().numTensors;
      const wanted = resolveConfig({ ...MINUSCULE, depth: 1, data, out, steps: 1, batchSize: 0 });
      // Ten pictures fit into this machine.
      const { batchSize } = await withBatchSize(wanted, { engine, source, progress });
      assert.equal(batchSize, 10);
      assert.match(
        said.at(-1)!,
        /^memory +--batch-size 10 is taken: [\d.]+ MB of [\d.]+ GB, of which a tenth/,
      );
      const megabytes = Number(/taken: ([\d.]+) MB/.exec(said.at(-1)!)![1]);
      assert.equal(tf.memory().numTensors, tensors);
      // Room for a little less.
      const memoryLimit = megabytes * 0.97 / FILL / 1000;
      const { state, step } = await train({ ...wanted, memoryLimit }, { engine, source });
      disposeTree(state);
      const stored = await readConfig(join(out, "config.json"));
      assert.ok(step === 1 && stored.batchSize! >= 8 && stored.batchSize! < 10, `${stored.batchSize}`);
      const again = await planRun({}, { out, resume: true, batchSize: 0 });
      assert.equal(again.batchSize, stored.batchSize);
      const wasm = { ...engine, name: "wasm", compiles: false } as Engine;
      await assert.rejects(withBatchSize(wanted, { engine: wasm, source }), /engine wasm does not tell/);
      // Of several processes each has a part of the pictures.
      const jit = (() =>
        Object.assign(() => assert.fail("no step is done"), {
          compile: () =>
            Promise.resolve({ memory: { arguments: 0, temporaries: 1, outputs: 0, aliased: 0, peak: 1 } }),
          dispose: () => {},
        })) as unknown as Engine["jit"];
      const share = (process: string) =>
        withBatchSize({ ...wanted, process, memoryLimit: 1 }, { engine: { ...engine, jit }, source });
      assert.equal((await share("")).batchSize, 10);
      assert.equal((await share("1/3")).batchSize, 3);
      await assert.rejects(share("0/11"), /0 pictures are fewer than the 1 devices/);
      const nodes = { ...wanted, nodes: 2, coordinator: "a:1" };
      await assert.rejects(withBatchSize(nodes, { engine, source }), /found for one node/);
    } finally {
      await source.close();
      await engine.close();
    }
  }));
