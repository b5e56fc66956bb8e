import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32 } from "../../src/files/stored_tensor.ts";
import { isClassifier, learnedFromMetadata, readClassifier } from "../../src/finetune/classifier_file.ts";
import { classifierConfig, resolveFinetuneConfig } from "../../src/finetune/config.ts";
import { classify, initClassifier, type Pooling } from "../../src/finetune/model.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { CLASSIFIER_FORMAT } from "../../src/train/run/checkpoint_kinds.ts";
import { readState, untrained } from "../../src/train/state.ts";
import { encoderSizes } from "../../src/model/config.ts";
import { exportTask } from "../../tasks/export.ts";
import { capture } from "../cli/capture.ts";
import { TOY } from "../eval/toy.ts";
import { computeOnnx, readOnnx } from "../weights/onnx_reader.ts";
import { withFolder } from "../with_folder.ts";

const CLASSES = ["blue", "green", "red"];

/** A run folder of a classifier that was never trained; its head is not near zero. */
async function classifierRun(folder: string, pool: Pooling): Promise<string> {
  const config = resolveFinetuneConfig({ ...encoderSizes(TOY), fromScratch: true, pool, evalShare: 0.8 });
  const model = initClassifier(classifierConfig(config), { freeze: 0, classes: 3, seed: 1 });
  model.params["head.weight"] = tf.mul(model.params["head.weight"], 2e4);
  const learned = learnedFromMetadata({ classes: CLASSES, digest: "sha256:0" });
  const begun = {
    step: 4,
    cursor: { epoch: 1, position: 0 },
    pictures: 18,
    bad: 0,
    engine: "wasm",
    time: "t",
  };
  const info = { config, ...begun, format: CLASSIFIER_FORMAT, more: learned };
  await saveCheckpoint(folder, info, await readState(untrained(model, false)), { keep: 1 });
  return folder;
}

async function exported(run: string, dest: string, to: string): Promise<string> {
  const { code, err } = await capture(exportTask, [run, dest, "--to", to]);
  assert.equal(code, 0, err);
  return dest;
}

const tensorsIn = async (folder: string) => {
  const path = join(folder, "model.safetensors");
  return decodeSafetensors(await Deno.readFile(path), path).tensors;
};
const configIn = async (folder: string) => JSON.parse(await Deno.readTextFile(join(folder, "config.json")));

for (const pool of ["mean", "class"] as const) {
  Deno.test(`a classifier of the ${pool} token gives the same scores as ONNX, from the same pixels`, () =>
    withFolder(async (folder) => {
      await openWasm();
      const run = await classifierRun(join(folder, "run"), pool), dest = join(folder, "onnx");
      await exported(run, dest, "onnx");
      const onnx = readOnnx(await Deno.readFile(join(dest, "model.onnx")));
      assert.deepEqual(onnx.outputs, { logits: ["batch", 3], attentions: ["batch", 2, 17, 17] });
      const { config, load } = await readClassifier(run);
      const pixels = tf.randomNormal([2, 16, 16, 3], 0, 1, "float32", 1);
      const wanted = Array.from(await classify(config, load(), pixels).data());
      const { logits } = computeOnnx(onnx, { pixel_values: tf.transpose(pixels, [0, 3, 1, 2]) });
      const found = await logits.data();
      const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      assert.ok(
        largest > 0.5 && wanted.every((value, i) => Math.abs(value - found[i]) < 1e-4),
        `${wanted} ${found}`,
      );
      assert.deepEqual((await configIn(dest)).id2label, { 0: "blue", 1: "green", 2: "red" });
      const { size } = JSON.parse(await Deno.readTextFile(join(dest, "preprocessor_config.json")));
      assert.deepEqual(size, { shortest_edge: 20 });
      assert.match(
        await Deno.readTextFile(join(dest, "README.md")),
        /tells 3 classes apart .* 18 labelled pictures/s,
      );
    }));
}

Deno.test("timm, Hugging Face and safetensors get the head under their names; what does not fit is refused", () =>
  withFolder(async (folder) => {
    await openWasm();
    const mean = await classifierRun(join(folder, "mean"), "mean"),
      token = await classifierRun(join(folder, "token"), "class");
    const own = (await readClassifier(mean)).tensors,
      same = (a: ArrayLike<number>, b: ArrayLike<number>) => assert.deepEqual(Array.from(a), Array.from(b));

    const timm = await exported(mean, join(folder, "timm"), "timm"), tensors = await tensorsIn(timm);
    same(asFloat32(tensors["fc_norm.weight"]), asFloat32(own["fc_norm.weight"]));
    same(asFloat32(tensors["head.weight"]), asFloat32(own["head.weight"]));
    assert.ok(!Object.hasOwn(tensors, "norm.weight") && Object.hasOwn(tensors, "blocks.1.mlp.fc2.bias"));
    await assert.rejects(
      readModel(timm),
      /norm\.weight is missing \(a classifier of its patches' mean has fc_norm/,
    );
    const { num_classes, global_pool, model_args, pretrained_cfg, label_names } = await configIn(timm);
    assert.deepEqual([num_classes, global_pool, model_args.global_pool, pretrained_cfg.num_classes], [
      3,
      "avg",
      "avg",
      3,
    ]);
    assert.deepEqual([label_names, pretrained_cfg.crop_pct], [CLASSES, 0.8]);
    const plain = await exported(token, join(folder, "timm-token"), "timm");
    assert.ok(Object.hasOwn(await tensorsIn(plain), "norm.weight"));
    assert.equal((await configIn(plain)).global_pool, "token");

    const hf = await exported(token, join(folder, "hf"), "hf"), names = Object.keys(await tensorsIn(hf));
    assert.ok(names.includes("classifier.weight") && names.includes("vit.layernorm.bias"));
    assert.ok(names.every((name) => /^(vit|classifier)\./.test(name)));
    const { architectures, label2id } = await configIn(hf);
    assert.deepEqual([architectures, label2id], [["ViTForImageClassification"], {
      blue: 0,
      green: 1,
      red: 2,
    }]);

    const whole = await exported(mean, join(folder, "whole"), "safetensors");
    assert.ok(Object.hasOwn(await tensorsIn(whole), "backbone.norm.weight"));
    assert.equal((await configIn(whole)).pool, "mean");

    for (
      const [args, message] of [
        [[mean, join(folder, "x"), "--to", "hf"], /cannot be exported to hf: .*mean of the patch tokens/],
        [[mean, join(folder, "x"), "--to", "onnx", "--heads", "2"], /a classifier, which takes no --heads/],
        [[mean, join(folder, "x"), "--to", "onnx", "--best"], /has no best state/],
        [[mean, join(folder, "x"), "--to", "onnx", "--teacher"], /holds no averaged parameters/],
      ] as const
    ) {
      const { code, err } = await capture(exportTask, args);
      assert.match(err, message);
      assert.notEqual(code, 0);
    }
    assert.deepEqual([await isClassifier(mean), await isClassifier(timm), await isClassifier("none")], [
      true,
      false,
      false,
    ]);
  }));
