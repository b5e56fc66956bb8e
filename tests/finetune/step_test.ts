import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32 } from "../../src/files/stored_tensor.ts";
import { mixPlane } from "../../src/finetune/mix.ts";
import type { ClassifierConfig } from "../../src/finetune/model.ts";
import { finetuneStep, type FinetuneStepSettings } from "../../src/finetune/step.ts";
import { PRESETS } from "../../src/model/config.ts";
import { BETAS } from "../../src/train/schedule.ts";
import { untrained } from "../../src/train/state.ts";
import { packView } from "../../src/views/pack.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { ROOT } from "../user.ts";

const SIZE = 16, BATCH = 4, CLASSES = 3, DEPTH = 2;
const MODEL: ClassifierConfig = {
  ...PRESETS.demo,
  ...{ imageSize: SIZE, patchSize: 4, width: 16, depth: DEPTH, heads: 2, dropPath: 0.4, pool: "mean" },
};
const SETTINGS: FinetuneStepSettings = {
  model: MODEL,
  classes: CLASSES,
  ...{ layerDecay: 0.65, clipGrad: 0, smoothing: 0.1, erasing: 0, randMagnitude: 0, randLayers: 2 },
  ...{ mixup: 0.8, cutmix: 1, mixProb: 1, switchProb: 0.5 },
};

/** The views of whole pictures. */
function wholeViews(): Float32Array {
  const views = new Float32Array(BATCH * VIEW_FIELDS), crop = { top: 0, left: 0, height: SIZE, width: SIZE };
  for (let i = 0; i < BATCH; i++) {
    packView(
      { crop, flip: false, colour: null, grey: false, blur: 0, solarise: false },
      views,
      i * VIEW_FIELDS,
    );
  }
  return views;
}

Deno.test("two steps are PyTorch's: mixup, cutmix, smoothing, drop path, mean pooling, AdamW with layer decay", async () => {
  const engine = await openWasm(), before = tf.memory().numTensors;
  const path = join(ROOT, "tests/fixtures/finetune.safetensors");
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
  const numbers = (name: string) => asFloat32(tensors[name]);
  const names = Object.keys(tensors).filter((name) => name.startsWith("before.")).map((name) =>
    name.slice(7)
  );
  const params = Object.fromEntries(
    names.map((name) => [name, tf.tensor(numbers(`before.${name}`), [...tensors[`before.${name}`].shape])]),
  );
  // The norm that pooling leaves out.
  const frozen = { "backbone.norm.weight": tf.ones([16]), "backbone.norm.bias": tf.zeros([16]) };
  let state = untrained({ params, frozen, buffers: {} }, false);
  const step = engine.jit(finetuneStep(SETTINGS), { donate: ["state"] });
  for (const t of [0, 1]) {
    const [lambda, top, bottom, left, right] = numbers(`step${t}.mix`);
    const plane = mixPlane({ lambda, box: top < 0 ? null : { top, bottom, left, right } }, SIZE);
    const batch = {
      base: engine.bytes(tensors[`step${t}.base`].data as Uint8Array, [BATCH, SIZE, SIZE, 3]),
      views: tf.tensor(wholeViews(), [BATCH, VIEW_FIELDS]),
      labels: tf.tensor(Int32Array.from(numbers(`step${t}.labels`)), [BATCH], "int32"),
      drop: tf.tensor(numbers(`step${t}.draws`), [DEPTH, 2, BATCH]),
      plane: tf.tensor(plane, [1, SIZE, SIZE, 1]),
      lambda: tf.scalar(lambda),
    };
    const [bias1, bias2] = BETAS.map((beta) => tf.scalar(1 - beta ** (t + 1)));
    const scalars = { lr: tf.scalar(0.01), wd: tf.scalar(0.05), ema: tf.scalar(0), bias1, bias2 };
    const { state: next, metrics } = step({ state, batch, scalars });
    state = next;
    const [loss] = await metrics.loss.data();
    assert.ok(Math.abs(loss - numbers(`step${t}.loss`)[0]) < 2e-6, `step ${t}: ${loss}`);
    tf.dispose([batch, scalars, metrics]);
  }
  for (const name of names) {
    const is = await state.params[name].data(), wanted = numbers(`after.${name}`);
    // Attention does not depend on the keys' bias: its gradient is 0 but for rounding, which AdamW blows up.
    const idle = (i: number) => name.endsWith("attn.qkv.bias") && i >= 16 && i < 32;
    const worst = wanted.reduce(
      (most, value, i) => idle(i) ? most : Math.max(most, Math.abs(value - is[i])),
      0,
    );
    assert.ok(worst < 2e-5, `${name} is off by ${worst}`);
  }
  tf.dispose({ ...state });
  assert.equal(tf.memory().numTensors, before);
});
