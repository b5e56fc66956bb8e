import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { autoencoder } from "../../src/model/autoencoder.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { valueAndGradients } from "../../src/model/gradients.ts";
import { initModel } from "../../src/model/init.ts";
import { losses } from "../../src/model/loss.ts";
import { DEFAULT_LOSS, type LossConfig } from "../../src/model/loss_config.ts";
import type { Params } from "../../src/model/types.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "./fixtures.ts";

await testEngine();
const CONFIG: ModelConfig = {
  ...PRESETS.demo,
  imageSize: 32,
  width: 16,
  depth: 2,
  heads: 2,
  headWidth: 24,
  codeWidth: 16,
  decoderDepth: 1,
  decoderHeads: 2,
};

function noise(shape: number[], place: number): tf.Tensor {
  const stream = randomStream(9, "init", place);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({ length: size }, () => stream.normal()), shape);
}

/** Losses and all gradients of a small model for some boxes: view 1 of all pictures, then view 2. */
function run(boxes: number[][], loss: LossConfig = DEFAULT_LOSS, scale = 1) {
  const count = boxes.length / 2;
  const state = initModel(CONFIG, 3);
  const { outputs, grads } = valueAndGradients((params: Params) => {
    const result = autoencoder(CONFIG, loss, { ...state, params }, {
      images: tf.mul(noise([2 * count, 32, 32, 3], 1), scale),
      reference: noise([count, 32, 32, 3], 2),
      boxes: tf.tensor2d(boxes),
    });
    return { loss: result.loss, terms: { total: result.loss, ...result.terms } as Params };
  }, state.params);
  const terms = Object.fromEntries(Object.entries(outputs.terms).map(([k, t]) => [k, t.dataSync()[0]]));
  for (const [name, value] of Object.entries(terms)) assert.ok(Number.isFinite(value), `${name} is ${value}`);
  for (const [name, grad] of Object.entries(grads)) {
    assert.ok(grad.dataSync().every(Number.isFinite), `gradient of ${name}`);
  }
  return { terms, grads };
}

const ALL = [0, 0, 1, 1];
const LEFT = [0, 0, 0.5, 1], RIGHT = [0.5, 0, 1, 1];

Deno.test("losses: no common cell in the batch gives patch contrast 0 (docs/spec.md §10 D2)", () => {
  tf.tidy(() => assert.equal(run([LEFT, RIGHT]).terms.patch, 0));
});

Deno.test("losses: a view that sees everything gives reconstruction 0 (docs/spec.md §10 D3)", () => {
  tf.tidy(() => {
    const { terms, grads } = run([ALL, ALL]);
    assert.equal(terms.reconstruction1, 0);
    assert.equal(terms.reconstruction2, 0);
    assert.ok(grads["head.unconv.bias"].dataSync().every((x) => x === 0));
  });
});

Deno.test("losses: one-cell boxes, flips, empty boxes, one picture alone", () => {
  tf.tidy(() => {
    run([[0.25, 0.25, 0.5, 0.5], [0.9, 0.9, 0.1, 0.95], [0.3, 0.3, 0.3, 0.3], [1, 1, 1, 1]]);
    const { terms } = run([LEFT, [0.6, 0, 0.1, 1]]);
    // With one picture there is no negative: the only candidate is the positive.
    assert.ok(Math.abs(terms.class) < 1e-6);
  });
});

Deno.test("losses: constant pictures, where many vectors are equal, and sharp temperatures", () => {
  tf.tidy(() => {
    run([ALL, LEFT, RIGHT, LEFT], DEFAULT_LOSS, 0);
    run([ALL, LEFT, RIGHT, LEFT], { ...DEFAULT_LOSS, temperature: 1e-3 });
    run([ALL, LEFT, RIGHT, LEFT], { ...DEFAULT_LOSS, patchSymmetric: true, patchExcludeMask: true });
    run([LEFT, RIGHT], { ...DEFAULT_LOSS, patchSymmetric: true, patchExcludeMask: true });
  });
});

Deno.test("losses: codes of length 0 have a finite gradient", () => {
  tf.tidy(() => {
    const given = {
      patches: noise([4, 4, 12], 3),
      target: noise([2, 4, 12], 4),
      mask: tf.zeros([4, 2, 2]),
    };
    const loss = (aligned: tf.Tensor) => losses(DEFAULT_LOSS, { ...given, aligned }).total;
    assert.ok(tf.grad(loss)(tf.zeros([4, 5, 8])).dataSync().every(Number.isFinite));
  });
});

Deno.test("losses: weights scale the terms, and options change the patches' term only", () => {
  tf.tidy(() => {
    const boxes = [ALL, LEFT, [0.25, 0.25, 1, 1], [1, 0, 0.25, 0.75]];
    const base = run(boxes).terms;
    const { reconstruction1: r1, reconstruction2: r2 } = base;
    assert.ok(Math.abs(base.total - (r1 + r2 + 10 * base.class + base.patch)) < 1e-4);
    const weighted = { ...DEFAULT_LOSS, reconstructionWeight: 2, classWeight: 1.25, patchWeight: 0.125 };
    const { total } = run(boxes, weighted).terms;
    assert.ok(Math.abs(total - (2 * (r1 + r2) + 1.25 * base.class + 0.125 * base.patch)) < 1e-4);
    const excluded = run(boxes, { ...DEFAULT_LOSS, patchExcludeMask: true }).terms;
    assert.ok(excluded.patch < base.patch);
    assert.equal(excluded.class, base.class);
    const both = run(boxes, { ...DEFAULT_LOSS, patchSymmetric: true }).terms;
    const swapped = run([...boxes.slice(2), ...boxes.slice(0, 2)]).terms;
    assert.ok(Number.isFinite(swapped.patch) && both.patch !== base.patch);
  });
});

Deno.test("losses: the symmetric patch contrast does not depend on which view is first", () => {
  tf.tidy(() => {
    const config = { ...DEFAULT_LOSS, patchSymmetric: true, patchExcludeMask: true };
    const patches = noise([4, 4, 12], 5), target = noise([2, 4, 12], 6), aligned = noise([4, 5, 8], 7);
    const mask = tf.tensor3d([0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1], [4, 2, 2]);
    const swap = (x: tf.Tensor) => {
      const rest = x.shape.slice(1).map(() => 0), all = x.shape.slice(1);
      return tf.concat([tf.slice(x, [2, ...rest], [2, ...all]), tf.slice(x, [0, ...rest], [2, ...all])]);
    };
    const one = losses(config, { patches, target, aligned, mask }).terms.patch.dataSync()[0];
    const two =
      losses(config, { patches, target, aligned: swap(aligned), mask: swap(mask) }).terms.patch.dataSync()[0];
    assert.ok(Math.abs(one - two) < 1e-6, `${one} ${two}`);
  });
});
