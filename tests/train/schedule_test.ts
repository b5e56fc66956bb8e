import assert from "node:assert/strict";
import { cosine, peakRate, stepScalars } from "../../src/train/schedule.ts";

// Values of the reference's README run: 1,281,167 pictures, 960 a step, 400 epochs.
const STEPS_PER_EPOCH = 1334;
const AT = [0, 1, 2, 1000, 13339, 13340, 13341, 133400, 266800, 532266, 533599];
const LR = [
  0.0,
  6.747132468700802e-08,
  1.3494264937401604e-07,
  6.747132468700802e-05,
  0.0009,
  0.0009,
  0.0008999999999918048,
  0.0007869555813029099,
  0.00046859954007918205,
  1.0145837054206836e-06,
  1.0000000081951714e-06,
];
const DECAY = [
  0.03999999999999998,
  0.04000000000311965,
  0.04000000001247872,
  0.040003119675042054,
  0.04055479678352075,
  0.04055487992803691,
  0.04055496307877332,
  0.09272077938642143,
  0.22,
  0.3999944483760622,
  0.39999999999688035,
];
const EMA = [
  0.996,
  0.9960000000000346,
  0.9960000000001387,
  0.996000034663056,
  0.9960061644087058,
  0.9960061653325337,
  0.9960061662564308,
  0.9965857864376269,
  0.998,
  0.9999999383152895,
  0.9999999999999654,
];

Deno.test("schedules take the reference's values", () => {
  const settings = {
    lr: 2.4e-4,
    minLr: 1e-6,
    warmupEpochs: 10,
    epochs: 400,
    batchSize: 960,
    weightDecay: 0.04,
    weightDecayEnd: 0.4,
    emaMomentum: 0.996,
  };
  assert.ok(Math.abs(peakRate(2.4e-4, 960) - 9e-4) < 1e-18);
  AT.forEach((step, i) => {
    const got = stepScalars(settings, STEPS_PER_EPOCH, step);
    for (
      const [name, value, wanted] of [["lr", got.lr, LR[i]], ["wd", got.wd, DECAY[i]], [
        "ema",
        got.ema,
        EMA[i],
      ]]
    ) {
      const error = Math.abs(Number(value) - Number(wanted));
      assert.ok(
        error <= 1e-12 * Math.max(1e-3, Number(wanted)),
        `${name} at ${step}: ${value}, not ${wanted}`,
      );
    }
    assert.equal(got.bias1, 1 - 0.9 ** (step + 1));
  });
});

Deno.test("schedules stay finite at their edges", () => {
  assert.equal(cosine({ start: 1, end: 0.1, total: 5, warmup: 5 }, 4), 1);
  assert.equal(cosine({ start: 1, end: 0.1, total: 5, warmup: 5 }, 5), 0.1);
  assert.equal(cosine({ start: 1, end: 0.1, total: 10, warmup: 1 }, 0), 0);
  assert.equal(cosine({ start: 1, end: 0.1, total: 10 }, 10), 0.1);
  assert.equal(cosine({ start: 1, end: 0.1, total: 10 }, 99), 0.1);
});
