import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { PRESETS } from "../../src/model/config.ts";
import { encoder } from "../../src/model/encoder.ts";
import { initModel } from "../../src/model/init.ts";
import { inventory } from "../../src/model/inventory.ts";
import { loadWeights, weightsFromTensors, weightsToTensors } from "../../src/model/weights.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import type { StoredTensor } from "../../src/files/stored_tensor.ts";
import { testEngine } from "./fixtures.ts";

await testEngine();
const CONFIG = {
  ...PRESETS.demo,
  imageSize: 16,
  width: 8,
  depth: 1,
  headWidth: 8,
  codeWidth: 8,
  decoderHeads: 2,
};
const STORED = await weightsToTensors(CONFIG, initModel(CONFIG, 1), 7);

/** The tensors with some names changed. */
function renamed(change: (name: string) => string): Record<string, StoredTensor> {
  return Object.fromEntries(Object.entries(STORED).map(([name, tensor]) => [change(name), tensor]));
}

Deno.test("weights: stored and loaded, with or without the prefix, they are the same", async () => {
  const folder = await Deno.makeTempDir();
  const original = initModel(CONFIG, 1);
  for (const tensors of [STORED, renamed((name) => `module.${name}`)]) {
    await Deno.writeFile(`${folder}/w.safetensors`, encodeSafetensors(tensors));
    const loaded = await loadWeights(CONFIG, `${folder}/w.safetensors`);
    for (const part of ["params", "frozen", "buffers"] as const) {
      assert.deepEqual(Object.keys(loaded[part]), Object.keys(original[part]));
      for (const [name, tensor] of Object.entries(original[part])) {
        assert.deepEqual(loaded[part][name].shape, tensor.shape);
        assert.deepEqual(loaded[part][name].dataSync(), tensor.dataSync(), name);
      }
    }
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("weights: PyTorch's own extras are stored too", () => {
  assert.deepEqual(STORED["head.mlp.1.num_batches_tracked"].data, BigInt64Array.of(7n));
  assert.deepEqual(STORED["head.decoder_pos_embed_"].shape, [1, 5, 8]);
  assert.equal(Object.keys(STORED).length, inventory(CONFIG).length + 1 + 4);
});

Deno.test("weights: what is missing, too many or of another shape is named", async () => {
  const { "backbone.norm.bias": _, ...missing } = STORED;
  await assert.rejects(weightsFromTensors(CONFIG, missing, { where: "x.safetensors" }), (error: Error) => {
    assert.match(error.message, /x\.safetensors.*missing are "backbone\.norm\.bias"/);
    return true;
  });
  const extra = { ...STORED, "module.head.extra": STORED["backbone.norm.bias"] };
  await assert.rejects(weightsFromTensors(CONFIG, extra), /not part of the model are "module\.head\.extra"/);
  await assert.rejects(
    weightsFromTensors({ ...CONFIG, imageSize: 24 }, STORED),
    /"backbone\.pos_embed" is \[1,5,8\], must be \[1,10,8\]/,
  );
  await assert.rejects(weightsFromTensors({ ...CONFIG, headBatchNorm: false }, STORED), /is headBatchNorm/);
  const twice = { ...STORED, "module.backbone.norm.bias": STORED["backbone.norm.bias"] };
  await assert.rejects(weightsFromTensors(CONFIG, twice), /holds both/);
});

Deno.test("weights: the encoder alone can be loaded and run on other sizes", async () => {
  const backbone = Object.fromEntries(
    Object.entries(renamed((name) => `module.${name}`)).filter(([name]) => name.includes("backbone.")),
  );
  const state = await weightsFromTensors(CONFIG, backbone, { part: "encoder" });
  const params = { ...state.params, ...state.frozen };
  tf.tidy(() => {
    const { tokens } = encoder(CONFIG, params, tf.ones([2, 24, 32, 3]));
    assert.deepEqual(tokens.shape, [2, 13, 8]);
    assert.ok(tokens.dataSync().every(Number.isFinite));
    assert.throws(() => encoder(CONFIG, params, tf.ones([1, 20, 16, 3])), /16 × 20 pixels do not divide/);
  });
});

Deno.test("init: the laws of docs/spec.md §8, the same for a seed, and no outliers", () => {
  const state = initModel(PRESETS.demo, 11),
    again = initModel(PRESETS.demo, 11),
    other = initModel(PRESETS.demo, 12);
  const all = { ...state.params, ...state.frozen, ...state.buffers };
  const same = { ...again.params, ...again.frozen, ...again.buffers };
  for (const { name, init } of inventory(PRESETS.demo)) {
    const values = Float32Array.from(all[name].dataSync());
    assert.deepEqual(values, same[name].dataSync());
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    const largest = values.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
    if (init.law === "constant") assert.ok(values.every((x) => x === init.value), name);
    else {
      const expected = init.law === "normal" ? init.deviation : init.bound / Math.sqrt(3);
      assert.ok(Math.abs(deviation / expected - 1) < 4 / Math.sqrt(values.length), `${name}: ${deviation}`);
      assert.ok(
        largest <= (init.law === "normal" ? 6.5 * init.deviation : init.bound),
        `${name}: ${largest}`,
      );
      assert.notDeepEqual(values, other.params[name]?.dataSync() ?? other.frozen[name].dataSync());
    }
  }
  assert.throws(() => initModel({ ...PRESETS.demo, heads: 3 }, 0), /heads 3/);
});
