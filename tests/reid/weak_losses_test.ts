/** The terms of weakly supervised training and its optimiser against PyTorch's values (bench/peers/reid_fixture.py). */
import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { adam } from "../../src/reid/weak/adam.ts";
import { pairwiseLoss, pseudoLabels, unaryLoss, weakTripletLoss } from "../../src/reid/weak/losses.ts";

const golden = JSON.parse(await Deno.readTextFile(new URL("../fixtures/reid-weak.json", import.meta.url)));

function close(found: tf.Tensor, wanted: number | number[][], name: string): void {
  const values = found.dataSync(), numbers = [wanted].flat(3) as number[];
  assert.equal(values.length, numbers.length, name);
  values.forEach((value, i) => {
    assert.ok(
      Math.abs(value - numbers[i]) < 2e-5 * Math.max(1, Math.abs(numbers[i])),
      `${name} ${i}: ${value} ${numbers[i]}`,
    );
  });
}

Deno.test("pseudo-labels, unary term, pairwise term and weak triplet, and their gradients, are PyTorch's", async () => {
  await openWasm();
  const { inputs, losses, gradients, margin } = golden, bags = tf.tensor2d(golden.bags, undefined, "float32");
  const [logits, looks, features] = ["logits", "looks", "features"].map((name) => tf.tensor2d(inputs[name]));
  const labels = pseudoLabels(logits, bags);
  assert.deepEqual([...tf.argMax(labels, 1).dataSync()], golden.labels);
  const terms: Record<string, [(...x: tf.Tensor[]) => tf.Scalar, Record<string, tf.Tensor>]> = {
    unary: [(logits) => unaryLoss(logits, pseudoLabels(logits, bags)), { logits }],
    pairwise: [(logits, looks) => pairwiseLoss(logits, pseudoLabels(logits, bags), looks), { logits, looks }],
    triplet: [(features) => weakTripletLoss(features, bags, margin), { features }],
  };
  for (const [name, [loss, args]] of Object.entries(terms)) {
    const { value, grads } = tf.valueAndGrads(loss)(Object.values(args));
    close(value, losses[name], name);
    assert.deepEqual(Object.keys(args), Object.keys(gradients[name]), name);
    Object.keys(args).forEach((key, i) => close(grads[i], gradients[name][key], `${name} by ${key}`));
  }
});

Deno.test("a likely person outside of the bag is never chosen, however unlikely those inside", async () => {
  await openWasm();
  const labels = pseudoLabels(tf.tensor2d([[900, -900, -800]]), tf.tensor2d([[0, 1, 1]]));
  assert.deepEqual([...labels.dataSync()], [0, 0, 1]);
});

Deno.test("the weak triplet by hand: the lower median with the picture itself, the nearest of no shared person, none for none", async () => {
  await openWasm();
  const bags = tf.tensor2d([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]]);
  const features = tf.tensor2d([[0], [1], [3], [10], [4]]);
  // Of 0: itself 0, 1, 3, 10, the lower middle is 1; the negative is 4 away. Of 10: 0, 7, 9, 10 → 7; 6 away.
  const each = [1 - 4, 1 - 3, 2 - 1, 7 - 6, 0 - 1].map((gap) => Math.max(0, gap + 1.2));
  const wanted = each.reduce((sum, value) => sum + value) / 5;
  assert.ok(Math.abs(weakTripletLoss(features, bags, 1.2).dataSync()[0] - wanted) < 1e-5);
  assert.equal(weakTripletLoss(features, tf.ones([5, 2]), 1.2).dataSync()[0], 0);
});

Deno.test("Adam with AMSGrad takes PyTorch's steps", async () => {
  await openWasm();
  const { start, lr, decay, steps } = golden.adam,
    weight = tf.tensor2d(start),
    zeros = () => ({ w: tf.zerosLike(weight) });
  let state: ReturnType<typeof adam> = { params: { w: weight }, m: zeros(), v: zeros(), most: zeros() };
  steps.forEach(({ gradient, weight }: { gradient: number[][]; weight: number[][] }, i: number) => {
    state = adam({
      ...state,
      grads: { w: tf.tensor2d(gradient) },
      decay,
      lr: tf.scalar(lr),
      bias1: tf.scalar(1 - 0.9 ** (i + 1)),
      bias2: tf.scalar(1 - 0.999 ** (i + 1)),
    });
    close(state.params.w, weight, `step ${i + 1}`);
  });
  const larger = tf.any(tf.greater(state.most.w, state.v.w)).dataSync()[0];
  assert.ok(larger, "the largest second moment is not the last one");
});
