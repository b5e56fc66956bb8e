import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { features } from "../../src/eval/features.ts";
import { trainProbe } from "../../src/eval/linear.ts";
import { PRESETS } from "../../src/model/config.ts";
import { initModel } from "../../src/model/init.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "../model/fixtures.ts";

const engine = await testEngine();
const CONFIG = { ...PRESETS.demo, imageSize: 16, width: 8, depth: 3, headWidth: 8 };

Deno.test("features: class tokens of the last blocks, oldest first, then the mean patch token", () => {
  tf.tidy(() => {
    const { params, frozen } = initModel(CONFIG, 2);
    const all = { ...params, ...frozen };
    const stream = randomStream(1, "test");
    const images = tf.tensor4d(Float32Array.from({ length: 2 * 16 * 16 * 3 }, () => stream.normal()), [
      2,
      16,
      16,
      3,
    ]);
    const get = (blocks: number, pool: boolean) => features(CONFIG, all, images, { blocks, pool });
    const one = get(1, false), three = get(3, true);
    assert.deepEqual(one.shape, [2, 8]);
    assert.deepEqual(three.shape, [2, 32]);
    assert.deepEqual(three.slice([0, 16], [-1, 8]).dataSync(), one.dataSync());
    assert.deepEqual(get(2, false).dataSync(), three.slice([0, 8], [-1, 16]).dataSync());
    assert.throws(() => get(4, false), /features of 4 blocks.*has 3/);
    assert.throws(() => get(0, false), /features of 0 blocks/);
  });
});

Deno.test("linear probe: learns separable classes", async () => {
  const classes = 3, width = 4;
  const make = (count: number, place: number) => {
    const stream = randomStream(4, "test", place);
    const labels = Array.from({ length: count }, (_, i) => i % classes);
    const features = Float32Array.from(
      { length: count * width },
      (_, i) => 0.5 * stream.normal() + (i % width === labels[Math.floor(i / width)] ? 3 : 0),
    );
    return { features, labels };
  };
  const before = tf.memory().numTensors;
  const options = { width, classes, epochs: 6, lr: 2, batchSize: 16 };
  const result = await trainProbe(engine, make(96, 1), make(48, 2), options);
  assert.ok(result.last.top1 > 0.95, `${result.last.top1}`);
  assert.ok(result.best.top1 >= result.last.top1);
  assert.equal(result.last.top5, 1);
  assert.ok(tf.memory().numTensors - before <= 2, "tensors are left over");
  await assert.rejects(
    trainProbe(engine, make(0, 1), make(4, 2), options),
    /needs training and test pictures/,
  );
});
