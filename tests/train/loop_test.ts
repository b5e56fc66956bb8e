import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { ConfigError, resolveConfig } from "../../src/train/config/config.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { NonFiniteError } from "../../src/train/finite.ts";
import { train, type TrainOptions, type TrainResult } from "../../src/train/train.ts";
import { InUseError } from "../../src/files/lock.ts";
import { type Progress, silent } from "../../src/train/show/progress.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { disposeTree } from "../../src/train/state.ts";
import { fullDisk } from "../files/faulty_disk.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

type Start = (change: Partial<RunConfig>, options?: Partial<TrainOptions>) => Promise<TrainResult>;

/** Gives a way to train on 13 pictures into `folder`/run. */
async function withData(test: (start: Start, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const engine = await openWasm();
  const data = join(folder, "pictures");
  await writePictures(data, 13);
  const source = await openSource(data);
  const start: Start = async (change, options) => {
    const out = join(folder, "run");
    const config = resolveConfig({ ...MINUSCULE, data, out, epochs: 3, checkpointSteps: 1, keep: 2 }, change);
    return await train(config, { engine, source, ...options });
  };
  try {
    await test(start, folder);
  } finally {
    await source.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a run leaves its folder: configuration, metrics of every step, the last checkpoints", () =>
  withData(async (start, folder) => {
    const said: string[] = [];
    const result = await start({}, { progress: { ...silent, line: (text) => said.push(text) } });
    disposeTree(result.state);
    const run = join(folder, "run");
    assert.deepEqual([result.step, result.total, result.stopped, result.bad], [9, 9, false, 0]);
    const lines = await readMetrics(join(run, "metrics.jsonl"));
    assert.deepEqual(lines.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(lines.map(({ epoch }) => epoch), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    for (const line of lines) {
      const { loss, reconstruction1 = NaN, reconstruction2 = NaN, class: c = NaN, patch = NaN } = line;
      assert.ok(Math.abs(loss - (reconstruction1 + reconstruction2 + 10 * c + patch)) < 1e-4 * loss);
      assert.ok(line.gradNorm! > 0 && line.imagesPerSecond > 0 && line.waiting >= 0 && line.waiting <= 1);
    }
    // The first step has rate 0, so the first two steps see the same weights; later ones do not stand still.
    assert.deepEqual(lines.slice(0, 3).map(({ lr }) => +lr.toFixed(9)), [0, 0.00078125, 0.0015625]);
    const names = (await Array.fromAsync(Deno.readDir(join(run, "checkpoints")))).map(({ name }) => name)
      .sort();
    assert.deepEqual(names, ["step-00000008.safetensors", "step-00000009.safetensors"]);
    const checkpoint = await readCheckpoint(run);
    assert.deepEqual(checkpoint.config, JSON.parse(await Deno.readTextFile(join(run, "config.json"))));
    const has = Object.keys(checkpoint.tensors);
    for (
      const name of ["backbone.cls_token", "backbone.patch_embed.proj.weight", "head.mlp.10.running_var"]
    ) {
      assert.ok(has.includes(name), name);
    }
    assert.ok(has.includes("optimizer.v.head.mask_feat") && !has.some((name) => name.startsWith("teacher.")));
    assert.match(said.join("\n"), /engine .*wasm.*\nmodel .*parameters\ndata .*13 pictures, 3 steps of 4/);
  }));

for (const optimizer of ["adamw", "muon"] as const) {
  Deno.test(`a run with ${optimizer} that was stopped and resumed ends like one that was not, and nothing leaks`, () =>
    withData(async (start, folder) => {
      const at = (name: string) => ({
        out: join(folder, name),
        ema: true,
        clipKind: "global" as const,
        optimizer,
      });
      const before = tf.memory().numTensors;
      const whole = await start(at("whole"));
      disposeTree(whole.state);
      assert.equal(tf.memory().numTensors, before);

      const stop = new AbortController();
      const abortAt4 = { ...silent, step: ({ step }: { step: number }) => step === 4 && stop.abort() };
      const first = await start({ ...at("parts"), checkpointSteps: 0 }, {
        progress: abortAt4,
        signal: stop.signal,
      });
      disposeTree(first.state);
      assert.ok(first.stopped && first.step >= 4 && first.step < 7, `${first.step}`);
      const second = await start({ ...at("parts"), resume: true });
      disposeTree(second.state);
      assert.equal(tf.memory().numTensors, before);

      const [a, b] = [
        await readCheckpoint(join(folder, "whole")),
        await readCheckpoint(join(folder, "parts")),
      ];
      assert.equal(b.step, 9);
      assert.deepEqual(a.cursor, b.cursor);
      assert.deepEqual(Object.keys(a.tensors), Object.keys(b.tensors));
      assert.ok(Object.keys(a.tensors).includes("teacher.head.mask_feat"));
      assert.ok(Object.keys(a.tensors).includes("optimizer.m.head.slp.weight"));
      assert.equal(Object.keys(a.tensors).includes("optimizer.v.head.slp.weight"), optimizer === "adamw");
      for (const [name, { data }] of Object.entries(a.tensors)) {
        assert.deepEqual(b.tensors[name].data, data, name);
      }

      // A run that is complete has nothing left to do.
      const again = await start({ ...at("parts"), resume: true });
      disposeTree(again.state);
      assert.deepEqual([again.step, again.checkpoint], [9, b.path]);
    }));
}

Deno.test("a loss that is no number stops the run, and the last good checkpoint stays", () =>
  withData(async (start, folder) => {
    const before = tf.memory().numTensors;
    // Rate 0 in step 1; step 2 ruins the weights, which step 3 finds out.
    await assert.rejects(
      () => start({ lr: 1e32, clipGrad: 0 }),
      (error) =>
        error instanceof NonFiniteError && error.step === 3 && error.keys.length === 4 &&
        /step 3: .*loss is (NaN|-?Infinity).*last good checkpoint is .*step-00000001\.safetensors.*\.png/
          .test(error.message),
    );
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 1);
    assert.deepEqual((await readMetrics(join(folder, "run", "metrics.jsonl"))).map(({ step }) => step), [
      1,
      2,
    ]);
    assert.equal(tf.memory().numTensors, before);
  }));

Deno.test("a state that is ruined by the very last step is not saved either", () =>
  withData(async (start, folder) => {
    await assert.rejects(
      () => start({ lr: 1e42, clipGrad: 0, steps: 2 }),
      /step 2: .*no finite number.*step-00000001/,
    );
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 1);
  }));

Deno.test("a full disk stops the run and leaves the last good checkpoint", () =>
  withData(async (start, folder) => {
    await assert.rejects(
      () => start({}, { disk: fullDisk("step-00000004") }),
      /no space is left.*last good one is .*step-00000003.*--resume/,
    );
    assert.equal((await readCheckpoint(join(folder, "run"))).step, 3);
    const result = await start({ resume: true });
    disposeTree(result.state);
    assert.equal(result.step, 9);
  }));

Deno.test("a run folder is one run's: another that would go on with it is refused, and the first keeps its metrics", () =>
  withData(async (start, folder) => {
    let others: Promise<PromiseSettledResult<TrainResult>[]> = Promise.resolve([]);
    const step: Progress["step"] = ({ step }) => {
      if (step === 2) others = Promise.allSettled([start({ resume: true }), start({})]);
    };
    const result = await start({}, { progress: { ...silent, step } });
    disposeTree(result.state);
    const ends = await others;
    assert.equal(ends.length, 2);
    const [resumed, begun] = ends.map((end) => end.status === "rejected" ? end.reason : end);
    assert.ok(resumed instanceof InUseError, String(resumed));
    assert.match(
      resumed.message,
      /^the run folder .*run is in use by .*process \d+ .*to train beside it, name another/,
    );
    // A new run is refused by what lies there already.
    assert.ok(begun instanceof ConfigError, String(begun));
    assert.match(begun.message, /the folder is not empty/);
    const run = join(folder, "run");
    assert.deepEqual((await readMetrics(join(run, "metrics.jsonl"))).map(({ step }) => step), [
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
    ]);
    // What ended gives the folder back, and leaves no lock.
    assert.ok(![...Deno.readDirSync(run)].some(({ name }) => name.startsWith(".")));
    disposeTree((await start({ resume: true })).state);
  }));

Deno.test("settings that do not fit the data are refused before anything is written", () =>
  withData(async (start, folder) => {
    await assert.rejects(() => start({ batchSize: 14 }), /batchSize is 14, but .* has only 13 pictures/);
    await assert.rejects(() => Deno.stat(join(folder, "run")), Deno.errors.NotFound);
    disposeTree((await start({ steps: 1 })).state);
    const more = join(folder, "more"), kept = join(folder, "run", "config.json");
    await writePictures(more, 14);
    const source = await openSource(more), config = await Deno.readTextFile(kept);
    try {
      await assert.rejects(
        () => start({ resume: true, steps: 2, data: more }, { source }),
        /has 14 pictures, but .* made with 13/,
      );
      // Else the next one would look for its pictures where this one did.
      assert.equal(await Deno.readTextFile(kept), config);
    } finally {
      await source.close();
    }
  }));
