/** The model without its aligner, and with the view itself as the decoder's target: what ablations are made of. */
import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { autoencoder } from "../../src/model/autoencoder.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { valueAndGradients } from "../../src/model/gradients.ts";
import { initModel } from "../../src/model/init.ts";
import { DEFAULT_LOSS } from "../../src/model/loss_config.ts";
import { patchify } from "../../src/model/patches.ts";
import type { Params } from "../../src/model/types.ts";
import { randomStream } from "../../src/random.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { FIRST_WAYS } from "../../src/train/config/presets.ts";
import { batchTensors, readValues, scalarTensors } from "../../src/train/step_inputs.ts";
import { initialState } from "../../src/train/state.ts";
import { trainStep } from "../../src/train/step.ts";
import { boxesOf } from "../../src/views/geometry.ts";
import { renderViews } from "../../src/views/render.ts";
import { MINUSCULE, noiseBatch } from "../train/fixture.ts";
import { testEngine } from "./fixtures.ts";

const engine = await testEngine();
const CONFIG: ModelConfig = {
  ...PRESETS.demo,
  imageSize: 32,
  width: 16,
  depth: 1,
  heads: 2,
  headWidth: 24,
  codeWidth: 16,
  decoderDepth: 1,
  decoderHeads: 2,
};
const GRID = 4;

function noise(shape: number[], place: number): tf.Tensor {
  const stream = randomStream(9, "init", place);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({ length: size }, () => stream.normal()), shape);
}

/** Boxes of two pictures' views: halves, a corner that was flipped, a middle. */
const BOXES = [[0, 0, 0.5, 1], [0.5, 0, 1, 1], [1, 0.5, 0.5, 1], [0.25, 0.25, 0.75, 0.75]];

/** The model on noise: its results as numbers, and the gradient of the mask token. */
function run(change: Partial<ModelConfig>, boxes = BOXES, reference = noise([2, 32, 32, 3], 2)) {
  const config = { ...CONFIG, ...change }, state = initModel(config, 3);
  const { outputs, grads } = valueAndGradients((params: Params) => {
    const result = autoencoder(config, DEFAULT_LOSS, { ...state, params }, {
      images: noise([4, 32, 32, 3], 1),
      reference,
      boxes: tf.tensor2d(boxes),
    });
    const { loss, terms, codes, aligned, mask, decoded } = result;
    return { loss, seen: { ...terms, codes, aligned, mask, patches: decoded.patches } as Params };
  }, state.params);
  for (const [name, grad] of Object.entries(grads)) {
    assert.ok(grad.dataSync().every(Number.isFinite), `gradient of ${name}`);
  }
  const seen = Object.fromEntries(Object.entries(outputs.seen).map(([k, t]) => [k, [...t.dataSync()]]));
  return { seen, mask: [...grads["head.mask_feat"].dataSync()] };
}

/** The mean squared error of a view's reconstruction over all of it. */
function wholeError(patches: number[], target: tf.Tensor, view: number): number {
  const values = target.dataSync(), half = patches.length / 2, from = values.length > half ? view * half : 0;
  let sum = 0;
  for (let i = 0; i < half; i++) sum += (patches[view * half + i] - values[from + i]) ** 2;
  return sum / half;
}

const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-4 * Math.abs(b), `${a} is not ${b}`);

Deno.test("without aligner, boxes change nothing: codes fill the canvas as they are, and all of the picture is asked for", () =>
  void tf.tidy(() => {
    const { seen, mask } = run({ aligner: false });
    assert.deepEqual(seen.aligned, seen.codes);
    assert.ok(seen.mask.every((cell) => cell === 0) && mask.every((value) => Object.is(Math.abs(value), 0)));
    assert.deepEqual(run({ aligner: false }, BOXES.toReversed()).seen, seen);
    assert.notDeepEqual(run({}, BOXES.toReversed()).seen.aligned, run({}).seen.aligned);
    const target = patchify(noise([2, 32, 32, 3], 2), CONFIG.patchSize);
    for (const view of [0, 1]) {
      close(seen[`reconstruction${view + 1}`][0], wholeError(seen.patches, target, view));
    }
  }));

Deno.test("same-view reconstruction: the target is the view, all of it; the contrasts are those of the whole method", () =>
  void tf.tidy(() => {
    const views = noise([4, 32, 32, 3], 1), full = run({}).seen;
    const { seen } = run({ reconstructionTarget: "view" }, BOXES, views);
    for (const name of ["class", "patch", "aligned", "codes", "mask"]) {
      assert.deepEqual(seen[name], full[name], name);
    }
    const target = patchify(views, CONFIG.patchSize);
    for (const view of [0, 1]) {
      close(seen[`reconstruction${view + 1}`][0], wholeError(seen.patches, target, view));
    }
    // The decoder is given the view's own grid: what it makes does not depend on where the view was.
    const elsewhere = run({ reconstructionTarget: "view" }, BOXES.toReversed(), views).seen;
    assert.deepEqual(elsewhere.patches, seen.patches);
    assert.notDeepEqual(full.patches, seen.patches);
    assert.equal(seen.mask.length, 4 * GRID * GRID);
  }));

Deno.test("checkpoints of earlier versions, which lack both settings, are read as the whole method", () => {
  const { aligner, reconstructionTarget } = FIRST_WAYS;
  assert.deepEqual({ ...CONFIG, aligner, reconstructionTarget }, CONFIG);
});

Deno.test("a step whose target is the view renders it as the view is, at the pictures' size for smaller views", async () => {
  for (const viewSize of [0, 8]) {
    const settings = { warmupEpochs: 0, reconstructionTarget: "view", dropPath: 0, viewSize } as const;
    const config = resolveConfig({ ...MINUSCULE, ...settings });
    const state = initialState(config, 5), made = noiseBatch(config, 3);
    const batch = batchTensors(engine, config, made, 0), scalars = scalarTensors(config, 10, 0);
    const { reconstruction1, patch } = await readValues(
      trainStep(config)({ state, batch, scalars }).metrics,
    );
    const expected = tf.tidy(() => {
      const { terms } = autoencoder(config, config, state, {
        images: renderViews(batch.base, batch.views, viewSize || config.imageSize),
        reference: renderViews(batch.base, batch.views, config.imageSize),
        boxes: boxesOf(batch.views, config.imageSize),
      });
      return [terms.reconstruction1.dataSync()[0], terms.patch.dataSync()[0]];
    });
    assert.deepEqual([reconstruction1, patch], expected);
  }
});
