import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import {
  drawMix,
  mixPictures,
  mixPlane,
  type MixSettings,
  mixTargets,
  smoothTargets,
  symmetricBeta,
} from "../../src/finetune/mix.ts";
import { randomStream } from "../../src/random.ts";

const BOTH: MixSettings = { mixup: 0.8, cutmix: 1, mixProb: 1, switchProb: 0.5 };
const draws = (settings: MixSettings, size = 32, count = 4000) =>
  Array.from({ length: count }, (_, step) => drawMix(settings, 3, step, size));
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

Deno.test("Beta(a, a) has mean 1/2 and variance 1 / (8a + 4)", () => {
  for (const a of [0.1, 0.8, 1, 3]) {
    const random = randomStream(1, "test", Math.round(a * 10));
    const values = Array.from({ length: 20_000 }, () => symmetricBeta(random, a));
    assert.ok(values.every((value) => value >= 0 && value <= 1));
    const average = mean(values), variance = mean(values.map((value) => (value - average) ** 2));
    assert.ok(Math.abs(average - 0.5) < 0.015, `${a}: mean ${average}`);
    assert.ok(Math.abs(variance * (8 * a + 4) - 1) < 0.05, `${a}: variance ${variance}`);
  }
  // So small that both gammas round to 0.
  const tiny = randomStream(1, "test", 99);
  assert.ok(Array.from({ length: 50 }, () => symmetricBeta(tiny, 1e-6)).every((x) => x === 0 || x === 1));
});

Deno.test("half the batches are cut, the others blended; a step's draw is always the same", () => {
  const all = draws(BOTH), cut = all.filter(({ box }) => box !== null);
  assert.ok(Math.abs(cut.length / all.length - 0.5) < 0.03);
  assert.deepEqual(drawMix(BOTH, 3, 17, 32), all[17]);
  assert.notDeepEqual(drawMix(BOTH, 4, 17, 32), all[17]);
  assert.ok(draws({ ...BOTH, cutmix: 0 }).every(({ box }) => box === null));
  assert.ok(draws({ ...BOTH, mixup: 0 }).every(({ box }) => box !== null));
  const sometimes = draws({ ...BOTH, mixProb: 0.3 }).filter(({ lambda, box }) => lambda === 1 && !box);
  assert.ok(Math.abs(sometimes.length / all.length - 0.7) < 0.03);
});

Deno.test("cutmix: λ is the share of the picture that stays, and the plane has just that", () => {
  for (const mix of draws({ ...BOTH, mixup: 0 }, 17, 300)) {
    const plane = mixPlane(mix, 17), { top, bottom, left, right } = mix.box!;
    assert.ok(0 <= top && top <= bottom && bottom <= 17 && 0 <= left && left <= right && right <= 17);
    assert.ok(Math.abs(mean([...plane]) - mix.lambda) < 1e-6);
  }
});

Deno.test("targets: smoothed classes, of mixed pictures the weighted mean of both", async () => {
  await openWasm();
  const whole = smoothTargets(tf.tensor([0, 2], [2], "int32"), 4, 0.1);
  const near = (is: tf.Tensor, wanted: number[]) =>
    assert.ok(wanted.every((value, i) => Math.abs(is.dataSync()[i] - value) < 1e-6), String(is.dataSync()));
  near(whole, [0.925, 0.025, 0.025, 0.025, 0.025, 0.025, 0.925, 0.025]);
  near(mixTargets(whole, tf.scalar(0.3)), [0.295, 0.025, 0.655, 0.025, 0.655, 0.025, 0.295, 0.025]);
  near(smoothTargets(tf.tensor([1], [1], "int32"), 2, 0), [0, 1]);
});

Deno.test("mixing pairs a batch with its reverse", async () => {
  await openWasm();
  const images = tf.tensor(Float32Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => i), [2, 2, 2, 3]);
  const plane = tf.tensor(mixPlane({ lambda: 0.75, box: { top: 0, bottom: 1, left: 1, right: 2 } }, 2), [
    1,
    2,
    2,
    1,
  ]);
  const mixed = mixPictures(images, plane).dataSync(), [a, b] = [[3, 4, 5], [15, 16, 17]];
  assert.deepEqual([...mixed.slice(3, 6)], b, "the cut part is the partner's");
  assert.deepEqual([...mixed.slice(15, 18)], a);
  assert.deepEqual([...mixed.slice(6, 12)], [6, 7, 8, 9, 10, 11]);
});
