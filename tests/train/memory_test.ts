import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/open_data.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import type { CompileReport, Engine } from "../../src/engine/types.ts";
import * as tf from "../../src/engine/tensors.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { largestBatch } from "../../src/train/largest_batch.ts";
import { isPartial } from "../../src/files/publish.ts";
import { planRun } from "../../src/train/run/plan.ts";
import { train } from "../../src/train/train.ts";
import { compileWithin, hostMemory, MemoryError } from "../../src/train/memory.ts";
import { silent } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

Deno.test("the largest batch is found in few compilations, also where need is not quite linear or unknown", async () => {
  const sizes = fc.record({
    fixed: fc.integer({ min: 0, max: 10 ** 9 }),
    each: fc.integer({ min: 10 ** 6, max: 10 ** 8 }),
    /** Padding, which lets need grow by steps. */
    step: fc.integer({ min: 1, max: 8 }),
    limit: fc.integer({ min: 10 ** 6, max: 10 ** 11 }),
    multiple: fc.integer({ min: 1, max: 8 }),
    units: fc.integer({ min: 1, max: 300 }),
    compiles: fc.boolean(),
    tells: fc.boolean(),
  });
  await fc.assert(fc.asyncProperty(sizes, async (c) => {
    const { limit, multiple } = c, batchSize = c.units * multiple;
    const bytes = (n: number) => c.fixed + c.each * Math.ceil(n / c.step) * c.step;
    fc.pre(bytes(batchSize) > limit);
    const asked: number[] = [];
    const found = await largestBatch({
      batchSize,
      multiple,
      known: c.compiles ? bytes(batchSize) : undefined,
      limit: c.tells ? limit : undefined,
      need: (n) => {
        asked.push(n);
        assert.ok(n % multiple === 0 && n < batchSize && n > 0, `${n}`);
        // Where nobody tells the limit, the compiler refuses.
        return Promise.resolve(c.tells || bytes(n) <= limit ? bytes(n) : undefined);
      },
    });
    let largest = 0;
    for (let n = multiple; n < batchSize; n += multiple) if (bytes(n) <= limit) largest = n;
    assert.ok(asked.length <= 12, `${asked}`);
    if (largest === 0) assert.equal(found, undefined);
    else {
      assert.ok(asked.includes(found!) && bytes(found!) <= limit);
      assert.ok(found! >= largest * 31 / 32 - multiple, `${found} of ${largest}: ${asked}`);
    }
  }));
});

const engine = (limit: number | "host" | undefined, devices = 1) =>
  ({ devices, compiles: true, deviceMemory: () => limit === "host" ? limit : { limit } }) as Engine;
const reportOf = (batch: number): CompileReport => ({
  traceSeconds: 0,
  compileSeconds: 0,
  cached: false,
  memory: { arguments: 1e9, outputs: 1.1e9, aliased: 1e9, temporaries: batch * 1e9, peak: batch * 1e9 + 5e8 },
});
const given = { batchSize: 64, multiple: 4, memoryLimit: 0, overMemory: "stop" as const, search: true };

Deno.test("a step that fits is said in one line, one that does not is refused with the largest batch", async () => {
  const said: string[] = [], say = (label: string, text: string) => said.push(`${label} ${text}`);
  const compile = (batch: number) => Promise.resolve(reportOf(batch));
  const fits = await compileWithin({ ...given, engine: engine(80e9, 2), compile, say });
  assert.deepEqual(fits, reportOf(64));
  assert.deepEqual(said, [
    "memory on each device arguments 1.00 GB, temporaries 64.00 GB, peak 65.10 GB, of 80.00 GB",
  ]);
  await assert.rejects(
    compileWithin({ ...given, engine: engine(40e9), compile, say }),
    (e) =>
      e instanceof MemoryError && /64 pictures needs 65\.10 GB.*40\.00 GB.*--batch-size 36;/.test(e.message),
  );
  await assert.rejects(
    compileWithin({ ...given, memoryLimit: 2, engine: engine(40e9), compile, say }),
    /Even a batch of 4 does not fit/,
  );
  said.length = 0;
  await compileWithin({ ...given, overMemory: "try", engine: engine(40e9), compile, say });
  assert.match(said.join("\n"), /note .*needs 65\.10 GB.*tried because of --over-memory try/);
  // Nobody tells the limit: nothing is refused.
  await compileWithin({ ...given, engine: engine(undefined), compile, say });
});

Deno.test("a compiler that runs out of memory gets the same answer; other errors stay what they are", async () => {
  const compile = (batch: number) =>
    batch > 20
      ? Promise.reject(Object.assign(new Error("no room"), { code: "RESOURCE_EXHAUSTED" }))
      : Promise.resolve(reportOf(batch));
  for (const limit of [undefined, 90e9]) {
    await assert.rejects(
      compileWithin({ ...given, engine: engine(limit), compile, say: () => {} }),
      (e) => e instanceof MemoryError && /more memory than there is.*--batch-size 20$/.test(e.message),
    );
  }
  const broken = () => Promise.reject(new Error("another error"));
  await assert.rejects(
    compileWithin({ ...given, engine: engine(1), compile: broken, say: () => {} }),
    /another error/,
  );
});

Deno.test("a run that would not fit ends before its first step, and goes on with the batch it was told", async () => {
  const folder = await Deno.makeTempDir();
  // Programs are kept in the folder: each size is compiled once.
  const xla = await openXlaEngine({ plugin: PLUGIN, flags: QUICK, cache: join(folder, "programs") });
  try {
    const data = join(folder, "pictures"), said: string[] = [];
    await writePictures(data, 8);
    const source = await openSource(data);
    const progress = { ...silent, line: (text: string) => said.push(text) };
    // Steps that are compiled and not disposed of.
    let held = 0;
    const jit: typeof xla.jit = (f, options) => {
      held++;
      const step = xla.jit(f, options), dispose = () => (held--, step.dispose());
      return Object.assign((args: Parameters<typeof step>[0]) => step(args), step, { dispose });
    };
    const run = (change: object) =>
      train(
        resolveConfig({ ...MINUSCULE, depth: 1, data, steps: 1, warmupEpochs: 0, batchSize: 2, ...change }),
        { engine: { ...xla, jit }, source, progress },
      );
    const tensors = tf.memory().numTensors;
    const { state: whole } = await run({ out: join(folder, "whole") });
    disposeTree(whole);
    const line = said.find((text) => text.startsWith("memory"))!;
    const parts = /arguments ([\d.]+) MB, temporaries ([\d.]+) MB, peak [\d.]+ MB, of [\d.]+ GB$/.exec(line);
    assert.ok(parts, line);
    // Room for three quarters of the temporaries: enough for one picture of the two.
    const small = {
      memoryLimit: (Number(parts[1]) + Number(parts[2]) * 3 / 4) / 1000,
      out: join(folder, "small"),
    };
    const error = await run(small).then(() => undefined, (e) => e);
    assert.ok(error instanceof MemoryError, `${error}`);
    const [, batch] = /--batch-size (\d+);/.exec(error.message) ?? [];
    assert.equal(batch, "1", error.message);
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(held, 0);
    const { state, step } = await run({ ...small, batchSize: Number(batch) });
    assert.equal(step, 1);
    disposeTree(state);

    // A run that died before its first checkpoint is one already: nothing of it goes.
    const died = join(folder, "died"), only = join(died, "checkpoints", "step-00000001.safetensors");
    await run({ out: died }).then(({ state }) => disposeTree(state));
    await Deno.remove(only);
    const filesOf = (names: string[]) =>
      Promise.all(names.map((name) => Deno.readTextFile(join(died, name))));
    const files = ["config.json", "machine.json", "metrics.jsonl"], before = await filesOf(files);
    const refused = { ...small, out: died, resume: true, tensorboard: true };
    const again = await run(refused).then(() => undefined, (e) => e);
    assert.ok(again instanceof MemoryError, `${again}`);
    // Nor does it change: the next resume has the settings that the run had.
    assert.deepEqual(await filesOf(files), before);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(join(died, "tensorboard"))), []);
    const unfinished = async () =>
      (await Array.fromAsync(Deno.readDir(died))).filter(({ name }) => isPartial(name));
    assert.deepEqual(await unfinished(), []);
    const left = await planRun({}, { out: died, resume: true, batchSize: 1 });
    assert.deepEqual([left.batchSize, left.steps, left.memoryLimit], [1, 1, 0]);
    await run({ out: died, resume: true, keep: 3 }).then(({ state }) => disposeTree(state));
    assert.equal((await planRun({}, { out: died, resume: true })).keep, 3);
    assert.deepEqual(await unfinished(), []);
    await source.close();
  } finally {
    await xla.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the host's memory is a sensible number of bytes", () => {
  assert.ok(hostMemory() > 1e7 && hostMemory() <= Deno.systemMemoryInfo().total);
});
