import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { initModel } from "../../src/model/init.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readMetrics } from "../../src/train/run/metrics_file.ts";
import { silent } from "../../src/train/show/progress.ts";
import { disposeTree } from "../../src/train/state.ts";
import { measureRate } from "../../src/train/rate.ts";
import { train, type TrainOptions } from "../../src/train/train.ts";
import { MINUSCULE, writePictures } from "./fixture.ts";

Deno.test("a run begins with its checkpoint, else with given weights, else with random ones", async () => {
  const folder = await Deno.makeTempDir(), engine = await openWasm();
  await writePictures(join(folder, "pictures"), 13);
  const source = await openSource(join(folder, "pictures"));
  const configOf = (name: string, change: Partial<RunConfig> = {}) =>
    resolveConfig({ ...MINUSCULE, data: source.uri, out: join(folder, name), epochs: 2, ema: true }, change);
  const losses = async (name: string, options: Partial<TrainOptions>, change?: Partial<RunConfig>) => {
    disposeTree((await train(configOf(name, change), { engine, source, ...options })).state);
    return (await readMetrics(join(folder, name, "metrics.jsonl"))).map(({ loss }) => loss);
  };
  const same = initModel(configOf(""), 5), other = initModel(configOf(""), 6);
  try {
    const tensors = tf.memory().numTensors, said: string[] = [];
    const progress = { ...silent, line: (text: string) => said.push(text) };
    const scratch = await losses("scratch", {});
    assert.deepEqual(await losses("same", { initial: same, progress }), scratch);
    assert.match(said.join("\n"), /run .*: 6 steps, from given weights/);
    const warm = await losses("warm", { initial: other });
    assert.notEqual(warm[0], scratch[0]);
    // The average starts as a copy of the weights, and the moments at zero: the first step has rate 0.
    await losses("one", { initial: other }, { steps: 1 });
    const stored = await readCheckpoint(join(folder, "one"));
    for (const [name, tensor] of Object.entries(other.params)) {
      assert.deepEqual(stored.tensors[name].data, await tensor.data(), name);
      const given = await tensor.data(), teacher = stored.tensors[`teacher.${name}`].data;
      assert.ok(teacher.every((x, i) => Math.abs(Number(x) - given[i]) <= 1e-6 * Math.abs(given[i])), name);
    }
    // What goes on has its own weights, whatever it is given.
    assert.deepEqual(await losses("one", { initial: same, progress }, { resume: true }), warm);
    assert.ok(said.some((line) => /going on after 1 /.test(line)), said.join("\n"));
    assert.equal(tf.memory().numTensors, tensors, "given weights are neither used up nor multiplied");

    const wrong = {
      ...same,
      params: { ...same.params, "head.mask_feat": tf.zeros([3]), more: tf.zeros([1]) },
    };
    delete (wrong.params as Record<string, unknown>)["backbone.cls_token"];
    await assert.rejects(
      losses("wrong", { initial: wrong }),
      /RangeError.*cls_token is missing in params; head\.mask_feat is \[3\], not \[.*\]; more in params is not the model's$/,
    );
    await assert.rejects(Deno.stat(join(folder, "wrong")), Deno.errors.NotFound);
    // Weights that are named and not given would be random ones; what goes on has its own.
    for (const resume of [false, true]) {
      await assert.rejects(losses("none", {}, { init: "w.pth", resume }), {
        name: "ConfigError",
        message: /^the run is to begin from w\.pth, but `initial` has no weights: .*readModel\("w\.pth"\)/,
      });
    }
    await assert.rejects(Deno.stat(join(folder, "none")), Deno.errors.NotFound);
    assert.deepEqual(await losses("one", {}, { init: "w.pth", resume: true }), warm);
    const named = { engine, source, minutes: 1e-3 };
    assert.ok((await measureRate(configOf("rate", { init: "w.pth" }), named))! > 0);
    disposeTree([wrong.params["head.mask_feat"], wrong.params.more]);
  } finally {
    disposeTree([{ ...same }, { ...other }]);
    await source.close();
    await Deno.remove(folder, { recursive: true });
  }
});
