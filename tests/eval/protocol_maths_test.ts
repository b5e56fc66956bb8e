/** Heads, votes and logistic regression against values of PyTorch and scikit-learn (tests/fixtures/eval/make.py). */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import * as tf from "../../src/engine/tensors.ts";
import { headScores, type HeadState, headStep } from "../../src/eval/head_step.ts";
import { rateShare, trainHeads } from "../../src/eval/heads.ts";
import { bootstrap, hitsOf } from "../../src/eval/hits.ts";
import { findNeighbours, knnClasses, knnHits } from "../../src/eval/knn.ts";
import { minimise } from "../../src/eval/lbfgs.ts";
import { logisticFitter, logisticHits } from "../../src/eval/logistic.ts";
import { testEngine } from "../model/fixtures.ts";

const engine = await testEngine();
const golden = JSON.parse(
  await Deno.readTextFile(new URL("../fixtures/eval/golden.json", import.meta.url)),
);

function close(found: ArrayLike<number>, wanted: readonly number[], tolerance: number, what: string): void {
  assert.equal(found.length, wanted.length, what);
  wanted.forEach((value, i) =>
    assert.ok(
      Math.abs(found[i] - value) <= tolerance * Math.max(1, Math.abs(value)),
      `${what} ${i}: ${found[i]} ${value}`,
    )
  );
}

Deno.test("heads: SGD and LARS, with and without batch norm, take PyTorch's steps", () => {
  const { features, labels, weight, bias, rates } = golden.heads, [rows, width, classes] = [12, 5, 3];
  for (const norm of [false, true]) {
    for (const optimizer of ["sgd", "lars"] as const) {
      const name = `${norm ? "norm " : ""}${optimizer}`, wanted = golden.heads[name];
      const x = tf.tensor2d(features, [rows, width]);
      const oneHot = tf.tensor2d(
        labels.flatMap((label: number) => [0, 1, 2].map((c) => c === label ? 1 : 0)),
        [rows, classes],
      );
      let state: HeadState = {
        weight: tf.tensor3d(weight, [2, classes, width]),
        bias: tf.tensor2d(bias, [2, classes]),
        weightVelocity: tf.zeros([2, classes, width]),
        biasVelocity: tf.zeros([2, classes]),
        statistics: { "norm.running_mean": tf.zeros([width]), "norm.running_var": tf.ones([width]) },
      };
      const losses: number[][] = [[], []];
      for (const rate of rates) {
        const step = headStep({ state, features: x, labels: oneHot, rates: tf.tensor1d(rate) }, {
          norm,
          optimizer,
        });
        state = step.state;
        step.loss.dataSync().forEach((loss, head) => losses[head].push(loss));
      }
      for (const head of [0, 1]) {
        const of = (tensor: tf.Tensor) => tf.slice(tensor, [head], [1]).dataSync();
        close(of(state.weight), wanted[head].weight, 1e-5, `${name} weight`);
        close(of(state.bias), wanted[head].bias, 1e-5, `${name} bias`);
        close(losses[head], wanted[head].losses, 1e-5, `${name} loss`);
        const scores = headScores(state, x, { norm });
        close(
          tf.slice(scores, [0, head, 0], [-1, 1, -1]).dataSync(),
          wanted[head].scores,
          1e-4,
          `${name} scores`,
        );
        if (!norm) continue;
        close(state.statistics["norm.running_mean"].dataSync(), wanted[head].mean, 1e-5, "mean");
        close(state.statistics["norm.running_var"].dataSync(), wanted[head].variance, 1e-5, "variance");
      }
    }
  }
});

Deno.test("heads: the rate rises, then falls by half a cosine; by epochs it stays within one", () => {
  const mae = { epochs: 90, warmupEpochs: 10, schedule: "step" as const };
  assert.deepEqual([0, 5, 10, 50, 90].map((e) => Number(rateShare(e, mae).toFixed(12))), [0, .5, 1, .5, 0]);
  const saae = { epochs: 3, warmupEpochs: 0, schedule: "epoch" as const };
  assert.deepEqual([0, .9, 2.5].map((e) => Number(rateShare(e, saae).toFixed(12))), [1, 1, .25]);
});

Deno.test("heads: each is trained as if alone, and stopping early leaves nothing on the engine", async () => {
  const { features, labels } = golden.heads, data = Float32Array.from(features as number[]);
  const set = { rows: 12, width: 5, data, labels: labels as number[] };
  const training = {
    norm: true,
    optimizer: "sgd" as const,
    epochs: 3,
    warmupEpochs: 0,
    schedule: "step" as const,
    batchSize: 5,
  };
  const before = tf.memory().numTensors;
  const run = async (lrs: number[], head: number) => {
    for await (const { epoch, measure } of trainHeads(engine, set, 3, { ...training, lrs }, 4)) {
      if (epoch === 3) return [...(await measure(set, head))[0].top1];
    }
  };
  // The first head draws the same first weights whatever follows it.
  assert.deepEqual(await run([3, 0.01], 0), await run([3], 0));
  for await (const _ of trainHeads(engine, set, 3, { ...training, lrs: [1] })) break;
  assert.ok(tf.memory().numTensors - before <= 4, "tensors are left over");
});

Deno.test("kNN: several k in one pass, as DINO's code has them", async () => {
  const { train, trainLabels, test, testLabels, ...byK } = golden.knn;
  const rows = (data: number[]) => ({ rows: data.length / 6, width: 6, data: Float32Array.from(data) });
  const found = await findNeighbours(engine, rows(train), rows(test), 20);
  const hits = knnHits(found, trainLabels, testLabels, 7, [20, 1, 10, 3]);
  assert.deepEqual([...hits.keys()], [1, 3, 10, 20]);
  for (const [k, { top1, top5 }] of hits) {
    assert.deepEqual([...top1], byK[k].top1, `top-1 of k ${k}`);
    assert.deepEqual([...top5], byK[k].top5, `top-5 of k ${k}`);
    const classes = knnClasses(found, trainLabels, 7, k);
    assert.deepEqual([...top1], testLabels.map((label: number, i: number) => Number(classes[i] === label)));
  }
  assert.throws(() => knnHits(found, trainLabels, testLabels, 7, [21]), /only 20 neighbours/);
});

Deno.test("hits: the higher score wins, of equal ones the class that stands first; no votes are no hit", () => {
  const of = (scores: number[], label: number, least?: number) => {
    const hits = hitsOf(1);
    hits.enter(scores, 0, scores.length, 0, label, least);
    return [hits.top1[0], hits.top5[0]];
  };
  assert.deepEqual(of([1, 3, 2], 1), [1, 1]);
  assert.deepEqual(of([3, 3, 2], 1), [0, 1]);
  assert.deepEqual(of([6, 5, 4, 3, 2, 1], 5), [0, 0]);
  assert.deepEqual(of([0, 0, 0], 2, 0), [0, 0]);
  assert.deepEqual(of([NaN, 1], 0), [0, 0]);
});

Deno.test("logistic regression finds scikit-learn's weights", async () => {
  const { features, labels, ...byC } = golden.logistic;
  const set = { rows: 60, width: 4, data: Float32Array.from(features as number[]), labels };
  const before = tf.memory().numTensors;
  // On the host in float64, and on the engine in float32.
  for (const hostProducts of [1e6, 0]) {
    const exact = hostProducts > 0, tolerance = exact ? 1e-4 : 1e-2;
    const fitter = logisticFitter(engine, set, 3, {
      hostProducts,
      gradient: exact ? 1e-8 : 1e-6,
      decrease: 1e-14,
    });
    for (const C of exact ? [0.01, 1, 100] : [1]) {
      const fitted = await fitter.fit(C), { weight, bias } = byC[C === 0.01 ? "0.01" : `${C}.0`];
      close(fitted.weights.subarray(0, 12), weight, tolerance, `weights at C ${C}`);
      const mean = fitted.weights.subarray(12).reduce((a, b) => a + b) / 3;
      close(fitted.weights.subarray(12).map((b) => b - mean), bias, tolerance, `intercepts at C ${C}`);
      const warm = await fitter.fit(C, fitted);
      close(warm.weights.subarray(0, 12), weight, tolerance, `weights at C ${C} from the solution`);
      const hits = await logisticHits(engine, fitted, set);
      assert.ok(hits.top1.reduce((a, b) => a + b) > 30);
    }
    fitter.close();
  }
  assert.ok(tf.memory().numTensors - before <= 3, "tensors are left over");
});

Deno.test("L-BFGS: finds the lowest point of a valley, and says when the loss is no number", async () => {
  const valley = ([x, y]: Float64Array) => {
    const value = (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    const gradient = Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x));
    return Promise.resolve({ value, gradient });
  };
  const { at } = await minimise(valley, Float64Array.of(-1.2, 1), { decrease: 0 });
  close(at, [1, 1], 1e-4, "place");
  await assert.rejects(
    minimise(() => Promise.resolve({ value: NaN, gradient: Float64Array.of(1) }), new Float64Array(1)),
    /the loss is NaN/,
  );
});

Deno.test("bootstrap: around the mean, as wide as theory says, the same for the same seed", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (count, share) => {
        const values = Uint8Array.from({ length: count }, (_, i) => i < share * count ? 1 : 0);
        const { value, low, high } = bootstrap(values, 3, 200);
        assert.ok(low <= value + 1e-12 && value <= high + 1e-12 && low >= 0 && high <= 1);
        assert.deepEqual(bootstrap(values, 3, 200), { value, low, high });
      },
    ),
    { numRuns: 25 },
  );
  const { low, high } = bootstrap(Uint8Array.from({ length: 1000 }, (_, i) => i % 2));
  const theory = 2 * 1.96 * Math.sqrt(.25 / 1000);
  assert.ok(Math.abs((high - low) / theory - 1) < 0.1, `${high - low} ${theory}`);
});
