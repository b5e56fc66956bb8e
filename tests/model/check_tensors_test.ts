/** What the model's functions are given and cannot compute with: an error that names it, and nothing is left behind. */
import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { embedder } from "../../src/eval/embed.ts";
import { align } from "../../src/model/aligner.ts";
import { autoencoder } from "../../src/model/autoencoder.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { decoder } from "../../src/model/decoder.ts";
import { encoder } from "../../src/model/encoder.ts";
import { valueAndGradients } from "../../src/model/gradients.ts";
import { head } from "../../src/model/head.ts";
import { initModel } from "../../src/model/init.ts";
import { DEFAULT_LOSS } from "../../src/model/loss_config.ts";
import { stackViews, viewOf } from "../../src/model/stack.ts";
import { weightsToTensors } from "../../src/model/weights.ts";
import { adamw } from "../../src/train/optimizer.ts";
import { batchTensors, readValues } from "../../src/train/step_inputs.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { SMALL } from "../user.ts";

const engine = await openWasm();
const config: ModelConfig = { ...PRESETS.demo, ...SMALL };
const model = initModel(config, 0), params = { ...model.params, ...model.frozen };
const [N, T, C] = [2, 5, config.codeWidth];

/** Asserts that a computation is refused and leaves no tensor. */
function refuses(compute: () => unknown, pattern: RegExp): void {
  const before = tf.memory().numTensors;
  assert.throws(() => tf.tidy(() => (compute(), undefined as unknown as tf.TensorContainer)), (error) => {
    assert.ok(error instanceof RangeError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
  assert.equal(tf.memory().numTensors, before);
}

Deno.test("parameters that are missing, disposed or of another model are named", () => {
  const images = tf.zeros([N, 16, 16, 3]);
  refuses(
    () => encoder(config, model.params, images),
    /^the encoder's parameters .*patch_embed\.proj\.weight is missing, which is frozen; .*`params` and `frozen` in one record$/,
  );
  refuses(
    () => encoder({ ...config, depth: 3 }, params, images),
    /backbone\.blocks\.2\.norm1\.weight is missing; .* and 7 more/,
  );
  refuses(
    () => encoder({ ...config, width: 32 }, params, images),
    /backbone\.cls_token is \[1,1,16\], not \[1,1,32\]/,
  );
  refuses(
    () => head(config, params, {}, tf.zeros([N, T, 16]), true),
    /head\.mlp\.1\.running_mean is missing, which is buffer/,
  );
  refuses(
    () => decoder({ ...config, decoderDepth: 2 }, params, tf.zeros([N, T, C])),
    /head\._blocks_\.1\.norm1\.weight is missing/,
  );
  const gone = tf.zeros([1, 1, 16]);
  gone.dispose();
  refuses(
    () => encoder(config, { ...params, "backbone.cls_token": gone }, images),
    /backbone\.cls_token is disposed/,
  );
  images.dispose();
});

Deno.test("tensors of another rank or size are refused with the shape that is wanted", () => {
  const pictures = (...shape: number[]) => () => encoder(config, params, tf.zeros(shape));
  refuses(pictures(16, 16, 3), /^the encoder's pictures must be \[N, H, W, 3\], not \[16, 16, 3\]$/);
  for (const shape of [[N, 16, 16, 4], [N, 3, 16, 16], [0, 16, 16, 3], [N, 0, 16, 3]]) {
    refuses(pictures(...shape), /must be \[N, H, W, 3\]/);
  }
  refuses(pictures(N, 20, 16, 3), /16 × 20 pixels do not divide into patches of 8/);
  const drop = () => encoder(config, params, tf.zeros([N, 16, 16, 3]), tf.zeros([2, 2, 5]));
  refuses(drop, /^the draws of stochastic depth must be \[depth, 2, N\], here \[2, 2, 2\], not \[2, 2, 5\]$/);
  refuses(
    () => head(config, params, model.buffers, tf.zeros([N, T, 8]), true),
    /^the head's tokens must be \[N, T, d\], here \[N, T, 16\]/,
  );
  const placed = (codes: number[], boxes: number[], token = [1, 1, C]) => () =>
    align(config, tf.zeros(token), tf.zeros(codes), tf.zeros(boxes));
  refuses(
    placed([N, T, C], [3, 4]),
    /^the boxes of these codes must be \[N, 4\], here \[2, 4\], not \[3, 4\]$/,
  );
  refuses(placed([N, T, C], [N, 4], [C]), /^the mask token must be \[1, 1, C\]/);
  refuses(placed([N, 4, C], [N, 4]), /codes are 4 a view: no class code and a square of cells/);
  refuses(
    () => decoder(config, params, tf.zeros([N, 6, C])),
    /^the decoder's codes must be \[N, T, C\], here \[N, 5, 8\]/,
  );
  refuses(() => viewOf(tf.zeros([5, 3]), 0), /the views of 2\.5 pictures cannot be stacked in 1 parts/);
  refuses(() => stackViews(tf.zeros([2, 4, 3]), 3), /the views of 4 pictures cannot be stacked in 3 parts/);
  refuses(() => stackViews(tf.zeros([3, 4, 3])), /must be \[2, B, …\], not \[3, 4, 3\]/);
  const loss = (images: number, reference: number) => () =>
    autoencoder(config, DEFAULT_LOSS, model, {
      images: tf.zeros([images, 16, 16, 3]),
      reference: tf.zeros([reference, 16, 16, 3]),
      boxes: tf.zeros([images, 4]),
    });
  refuses(loss(4, 4), /^the reference must be \[B, S, S, 3\], here \[2, 16, 16, 3\], not \[4, 16, 16, 3\]$/);
  refuses(loss(3, 1), /there are 3 views; each picture has two/);
});

Deno.test("a failed gradient, a wrong optimiser input and wrong batches leave no tensor", async () => {
  const before = tf.memory().numTensors;
  const a = tf.ones([2]), other = tf.ones([1]);
  const loss = ({ a }: Record<string, tf.Tensor>) => ({ loss: tf.sum(a) as tf.Scalar, more: tf.add(a, 1) });
  assert.throws(() => valueAndGradients(loss, { a, other }), /gradient/);
  const [one, zero] = [tf.scalar(1), tf.scalar(0)];
  const step = (grad: tf.Tensor, clip: number) => () =>
    tf.tidy(() =>
      adamw({
        ...{
          params: { a },
          grads: { a: grad },
          m: { a },
          v: { a },
          lr: one,
          wd: zero,
          bias1: one,
          bias2: one,
        },
        ...{ clip, clipKind: "global" },
      }).gradNorm
    );
  assert.throws(step(other, 0), /parameter a is \[2\], its gradient or a moment \[1\]/);
  for (const clip of [-1, NaN]) assert.throws(step(a, clip), /^RangeError: clip is/);
  const batch = (bytes: number, numbers: number) => () =>
    batchTensors(engine, { imageSize: 16, depth: 2, seed: 0 }, {
      base: new Uint8Array(bytes),
      views: new Float32Array(numbers),
      indices: [0, 1],
    }, 0);
  assert.throws(batch(1536, 3), /^RangeError: .*1536 bytes and 64 numbers of views, not 1536 and 3$/);
  assert.throws(batch(5, 64), /^RangeError: .*not 5 and 64$/);
  await assert.rejects(readValues({ a: tf.ones([2]) }), /^RangeError: a is \[2\], no scalar$/);
  tf.dispose([a, other, one, zero]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("an embedder refuses impossible options and inputs, and frees what it has put on the engine", async () => {
  for (const batchSize of [0, NaN, 1.5]) {
    assert.throws(
      () => embedder(engine, config, { batchSize }),
      /^RangeError: batch size must be a whole number/,
    );
  }
  for (const blocks of [-1, 3, NaN]) {
    assert.throws(() => embedder(engine, config, { blocks }), /^RangeError: tokens of .* the encoder has 2/);
  }
  const { pictures, views } = embedder(engine, config, { batchSize: 2 }), two = new Uint8Array(2 * 768);
  await assert.rejects(
    views(model, two, new Float32Array(10)),
    /^RangeError: two views of 2 pictures take 64 numbers, not 10$/,
  );
  const wider = initModel({ ...config, width: 32 }, 0), before = tf.memory().numTensors;
  await assert.rejects(pictures(wider, two), /^RangeError: the encoder's parameters/);
  await assert.rejects(
    views(wider, two, new Float32Array(4 * VIEW_FIELDS)),
    /^RangeError: the encoder's parameters/,
  );
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(
    weightsToTensors({ ...config, depth: 3 }, model),
    /state: does not fit the configuration: missing are/,
  );
});
