import assert from "node:assert/strict";
import { bestCandidates, finder } from "../../src/detect/candidates.ts";
import { levelsOf, locationsOf } from "../../src/detect/levels.ts";
import { checkDetector, detectorAnswers, type DetectorConfig, initDetector } from "../../src/detect/model.ts";
import { detectionLosses } from "../../src/detect/losses.ts";
import { assignTargets } from "../../src/detect/targets.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { PRESETS } from "../../src/model/config.ts";
import type { Params } from "../../src/model/types.ts";
import { valueAndGradients } from "../../src/model/gradients.ts";
import { randomStream } from "../../src/random.ts";

const CONFIG: DetectorConfig = {
  ...PRESETS.demo,
  ...{ imageSize: 32, patchSize: 4, width: 16, depth: 1, heads: 2, dropPath: 0 },
  ...{ upscale: 1, levels: 4, pyramidWidth: 16, towerDepth: 1 },
};

Deno.test("a detector answers at every location; every parameter has a gradient; rare objects are expected", async () => {
  const engine = await openWasm();
  const before = tf.memory().numTensors, classes = 3;
  const state = initDetector({ ...CONFIG, upscale: 2, levels: 5 }, { freeze: 0, classes, seed: 1 });
  const config = { ...CONFIG, upscale: 2, levels: 5 }, locations = locationsOf(levelsOf(config));
  const values = new Float32Array(2 * 32 * 32 * 3);
  randomStream(1, "test", 7).normals(values);
  const images = tf.tensor(values, [2, 32, 32, 3]);
  const objects = {
    boxes: tf.tensor([3, 2, 20, 18, 0, 0, 31, 31, 5, 5, 9, 9, 0, 0, 0, 0], [2, 2, 4]),
    classes: tf.tensor([0, 2, 1, 0], [2, 2], "int32"),
    mask: tf.tensor([1, 1, 1, 0], [2, 2]),
  };
  const targets = assignTargets(locations, objects, classes);
  const { outputs, grads } = engine.jit(({ params }: { params: Params }) => ({
    ...valueAndGradients((params) => {
      const answers = detectorAnswers(config, { ...params, ...state.frozen }, images);
      const { classes: a, boxes, centreness } = detectionLosses(answers, targets);
      return {
        loss: tf.addN([a, boxes, centreness]) as tf.Scalar,
        answers,
        probable: tf.mean(tf.sigmoid(answers.classes)),
      };
    }, params),
  }))({ params: state.params });
  assert.deepEqual(outputs.answers.classes.shape, [2, locations.count, classes]);
  assert.deepEqual(outputs.answers.distances.shape, [2, locations.count, 4]);
  assert.deepEqual(outputs.answers.centreness.shape, [2, locations.count]);
  assert.ok(Math.abs(outputs.probable.dataSync()[0] - 0.01) < 2e-3);
  const dead = Object.entries(grads).filter(([, grad]) => grad.dataSync().every((x) => x === 0));
  // No object is so large that these levels have one to find.
  assert.deepEqual(dead.map(([name]) => name), ["head.scales.3", "head.scales.4"]);
  tf.dispose([{ ...state }, images, objects, { ...targets }, outputs, grads]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("candidates: decoded by strides, the most probable first, of each level; improbable ones are none", async () => {
  const engine = await openWasm(), levels = levelsOf({ imageSize: 16, patchSize: 4, upscale: 0, levels: 2 });
  const kinds = 2, count = 20, scores = new Float32Array(count * kinds).fill(-9);
  // Location 5, of stride 4, is at (6, 6); location 19, of stride 8, at (12, 12).
  scores[5 * kinds + 1] = 2;
  scores[19 * kinds] = 1;
  scores[3 * kinds] = -2.9;
  scores[2 * kinds] = -3;
  const distances = Float32Array.from({ length: count * 4 }, (_, i) => 1 + (i % 4) / 2);
  const found = bestCandidates({
    classes: tf.tensor(scores, [1, count, kinds]),
    distances: tf.tensor(distances, [1, count, 4]),
    centreness: tf.zeros([1, count]),
  }, levels);
  const [ranked, places, boxes] = await Promise.all([
    found.scores.data(),
    found.places.data(),
    found.boxes.data(),
  ]);
  const good = [...ranked].flatMap((score, i) => score > 0 ? [[places[i], score]] : []);
  const score = (x: number) => Math.sqrt(0.5 / (1 + Math.exp(-x)));
  assert.deepEqual(good.map(([place]) => place), [11, 6, 38]);
  [score(2), score(-2.9), score(1)].forEach((wanted, i) => assert.ok(Math.abs(good[i][1] - wanted) < 1e-5));
  assert.deepEqual([...boxes.subarray(20, 24)], [6 - 4, 6 - 6, 6 + 8, 6 + 10]);
  assert.deepEqual([...boxes.subarray(76, 80)], [12 - 8, 12 - 12, 12 + 16, 12 + 20]);

  // Three pictures in batches of two: the last one is alone, and is what it is in company.
  const state = initDetector(CONFIG, { freeze: 0, classes: 2, seed: 3 }),
    params = { ...state.params, ...state.frozen };
  params["head.classes.bias"] = tf.tensor([0, -1]);
  const bytes = Uint8Array.from({ length: 3 * 32 * 32 * 3 }, (_, i) => (i * 7919) % 251);
  const { find, close } = finder(engine, CONFIG, 2);
  const three = await find(params, bytes, { most: 7 }),
    last = await find(params, bytes.subarray(2 * 32 * 32 * 3), { most: 7 });
  assert.equal(three.length, 3);
  assert.equal(three[0].scores.length, 7);
  assert.deepEqual(last[0], three[2]);
  assert.equal((await find(params, bytes, { threshold: 2 }))[0].scores.length, 0);
  // What is no number is not nothing.
  const spoiled = { ...params, "backbone.cls_token": tf.mul(params["backbone.cls_token"], NaN) };
  await assert.rejects(find(spoiled, bytes), /what the detector answers are not finite numbers/);
  const unsure = { ...params, "head.classes.bias": tf.tensor([0, NaN]) };
  await assert.rejects(find(unsure, bytes), /what the detector answers are not finite numbers/);
  close();
  tf.dispose([
    { ...state },
    params["head.classes.bias"],
    spoiled["backbone.cls_token"],
    unsure["head.classes.bias"],
  ]);
});

Deno.test("sizes that no detector can have are refused", () => {
  assert.throws(() => checkDetector({ ...CONFIG, levels: 6 }), /cannot be halved 4 times/);
  assert.throws(() => checkDetector({ ...CONFIG, pyramidWidth: 20 }), /pyramidWidth is 20, .* multiple of 8/);
  assert.throws(
    () => checkDetector({ ...CONFIG, width: 18, upscale: 2 }),
    /width, 18, cannot be halved 2 times/,
  );
});
