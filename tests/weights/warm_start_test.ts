import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { encoderSizes, PRESETS } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { presetOfEncoder } from "../../src/train/config/presets.ts";
import { readCheckpoint } from "../../src/train/run/checkpoint.ts";
import { disposeTree } from "../../src/train/state.ts";
import { warmStart } from "../../src/weights/warm_start.ts";
import { trainTask } from "../../tasks/train.ts";
import { capture } from "../cli/capture.ts";
import { MINUSCULE, writePictures } from "../train/fixture.ts";
import { withFolder } from "../with_folder.ts";
import { fixture } from "./fixtures.ts";

Deno.test("warm start: the encoder is taken, of the head what fits, the rest is as without it", async () => {
  const engine = await openWasm(), tensors = tf.memory().numTensors;
  const { config, tensors: given } = await readModel(fixture("method.pth"), { heads: 2 });
  const run = { ...PRESETS.demo, ...encoderSizes(config), headWidth: 16, codeWidth: 8, decoderHeads: 2 };
  const fresh = initModel(run, 3), { initial, notes } = warmStart(run, 3, given);
  assert.match(notes.join(), /^32 of \d+ tensors are given; random are head\.mlp\./);
  for (const part of ["params", "frozen", "buffers"] as const) {
    for (const [name, tensor] of Object.entries(initial[part])) {
      // The file holds two tensors of the head, in the shapes of this model.
      const taken = name.startsWith("backbone.") || name === "head.mask_feat" || name === "head.slp.weight";
      assert.equal(name in given, taken, name);
      assert.deepEqual(tensor.dataSync(), taken ? given[name].data : fresh[part][name].dataSync(), name);
    }
  }
  assert.throws(
    () => warmStart({ ...run, width: 16 }, 0, given),
    /cannot start from these weights: backbone\.cls_token is \[1,1,8\], not \[1,1,16\]/,
  );
  disposeTree({ ...fresh });
  disposeTree({ ...initial });
  assert.equal(tf.memory().numTensors, tensors);
  await engine.close();
});

Deno.test("task train --init: begins with weights from elsewhere, or with those of another run, and resumes without them", () =>
  withFolder(async (folder) => {
    const pictures = join(folder, "pictures"),
      settings = join(folder, "small.json"),
      weights = join(folder, "w.pth");
    await writePictures(pictures, 13);
    await Deno.copyFile(fixture("dino.pth"), weights);
    // The encoder's sizes come from the weights.
    const { imageSize: _, patchSize: __, width: ___, depth: ____, heads: _____, ...rest } = MINUSCULE;
    await Deno.writeTextFile(
      settings,
      JSON.stringify({ ...rest, engine: "wasm", workers: 1, epochs: 1, keep: 9 }),
    );
    const train = (out: string, ...args: string[]) =>
      capture(trainTask, ["--data", pictures, "--config", settings, "--out", join(folder, out), ...args]);
    const first = await train("a", "--init", weights, "--heads", "2", "--steps", "1");
    assert.equal(first.code, 0, first.err);
    assert.match(first.err, /taken: backbone\.blocks\.0–1\.norm1/);
    assert.match(first.err, /30 of \d+ tensors are given; random are head\./);
    assert.match(first.err, /from given weights/);
    // The first step has rate 0.
    const stored = await readCheckpoint(join(folder, "a"));
    const { tensors } = await readModel(weights, { heads: 2 });
    for (const [name, { data }] of Object.entries(tensors)) {
      assert.deepEqual(stored.tensors[name].data, data, name);
    }
    assert.deepEqual(encoderSizes(stored.config), {
      imageSize: 16,
      patchSize: 4,
      stem: "patches",
      localMixing: false,
      width: 8,
      depth: 2,
      heads: 2,
      mlpRatio: 4,
    });

    assert.match(
      first.err,
      /^settings +of preset demo; no preset has such an encoder; --preset takes another's$/m,
    );

    await Deno.remove(weights);
    const gone = await capture(trainTask, ["--resume", "--out", join(folder, "a"), "--steps", "2"]);
    assert.equal(gone.code, 0, gone.err);
    assert.match(gone.err, /going on after 1 /);

    // Another run's whole model, for larger pictures.
    const other = await train("b", "--init", join(folder, "a"), "--image-size", "20", "--steps", "1");
    assert.equal(other.code, 0, other.err);
    assert.match(other.err, /(\d+) of \1 tensors are given/);
    assert.match(other.err, /^settings +of preset demo, as the run of the weights has; /m);
    const later = await readCheckpoint(join(folder, "b")), before = await readCheckpoint(join(folder, "a"));
    assert.deepEqual(later.tensors["backbone.pos_embed"].shape, [1, 26, 8]);
    assert.deepEqual(later.tensors["head.slp.weight"].data, before.tensors["head.slp.weight"].data);

    const cases: [string[], RegExp][] = [
      [["--init", weights], /w\.pth: there is no such file or folder/],
      [
        ["--init", join(folder, "a"), "--width", "16"],
        /cannot start from these weights: width is 16, of the weights 8/,
      ],
      [
        ["--init", fixture("dino.pth")],
        /do not tell how many attention heads they are for: say it with --heads/,
      ],
      [["--init", settings], /small\.json: neither a PyTorch file/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await train("c", ...args);
      assert.match(err, message);
      assert.equal(code, 1, err);
      await assert.rejects(Deno.stat(join(folder, "c")), Deno.errors.NotFound);
    }
  }));

Deno.test("warm start: the preset that has such an encoder, with these patches if it can be", () => {
  for (const name of Object.keys(PRESETS) as (keyof typeof PRESETS)[]) {
    assert.equal(presetOfEncoder(PRESETS[name]), name);
  }
  assert.equal(presetOfEncoder({ ...PRESETS.small, patchSize: 8 }), "small");
  assert.equal(presetOfEncoder({ ...PRESETS.base, width: 1024, depth: 24 }), undefined);
});
