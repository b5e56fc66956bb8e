import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";
import { type ModelConfig, PRESETS } from "../../src/model/config.ts";
import { head } from "../../src/model/head.ts";
import { initModel } from "../../src/model/init.ts";
import { inventory } from "../../src/model/inventory.ts";
import { testEngine } from "./fixtures.ts";

await testEngine();

const SHARED: ModelConfig = {
  ...PRESETS.demo,
  imageSize: 16,
  width: 8,
  heads: 2,
  headWidth: 8,
  codeWidth: 4,
};
const OWN: ModelConfig = { ...SHARED, classHead: "own" };

Deno.test("a head of the class tokens' own: patch tokens do not change class codes, nor class tokens patch codes", () => {
  tf.tidy(() => {
    const tokens = tf.randomNormal([6, 5, 8], 0, 1, "float32", 3),
      other = tf.randomNormal([6, 5, 8], 2, 3, "float32", 4);
    const first = (x: tf.Tensor) => tf.slice(x, [0, 0, 0], [-1, 1, -1]);
    const rest = (x: tf.Tensor) => tf.slice(x, [0, 1, 0], [-1, -1, -1]);
    const mixed = tf.concat([first(tokens), rest(other)], 1),
      turned = tf.concat([first(other), rest(tokens)], 1);
    for (const [config, apart] of [[OWN, true], [SHARED, false]] as const) {
      const { params, buffers } = initModel(config, 1);
      const code = (x: tf.Tensor) => head(config, params, buffers, x, true).codes;
      const same = (a: tf.Tensor, b: tf.Tensor) => {
        const [x, y] = [a.dataSync(), b.dataSync()];
        return x.every((value, i) => Math.abs(value - y[i]) < 1e-5);
      };
      assert.equal(same(first(code(mixed)), first(code(tokens))), apart);
      assert.equal(same(rest(code(turned)), rest(code(tokens))), apart);
    }
  });
});

Deno.test("a head has as many layers as it is told; the class tokens' own one may be wider", () => {
  const shapes = (config: ModelConfig, tokens: string) =>
    inventory(config).filter(({ name, shape }) => name.startsWith(`head.${tokens}.`) && shape.length === 2)
      .map(({ name, shape }) => [name.split(".").at(-2), ...shape]);
  const config: ModelConfig = { ...OWN, headLayers: 2, classHeadWidth: 24 };
  assert.deepEqual(shapes(config, "mlp"), [["0", 8, 8], ["3", 4, 8]]);
  assert.deepEqual(shapes(config, "class_mlp"), [["0", 24, 8], ["3", 4, 24]]);
  assert.deepEqual(shapes({ ...config, classHeadWidth: 0 }, "class_mlp"), [["0", 8, 8], ["3", 4, 8]]);
  assert.equal(shapes(SHARED, "mlp").length, 4);
  tf.tidy(() => {
    const { params, buffers } = initModel(config, 1);
    const { codes, buffers: after } = head(
      config,
      params,
      buffers,
      tf.randomNormal([6, 5, 8], 1, 2, "float32", 3),
      true,
    );
    assert.deepEqual(codes.shape, [6, 5, 4]);
    assert.deepEqual(Object.keys(after).sort(), Object.keys(buffers).sort());
    // The last norm leaves each code number with mean 0 over the class tokens.
    const means = tf.mean(tf.slice(codes, [0, 0, 0], [-1, 1, -1]), [0, 1]).dataSync();
    assert.ok(means.every((mean) => Math.abs(mean) < 1e-5));
  });
});

Deno.test("a head of the class tokens' own has statistics of its own, which evaluation uses", () => {
  tf.tidy(() => {
    const { params, buffers } = initModel(OWN, 1), tokens = tf.randomNormal([6, 5, 8], 1, 2, "float32", 3);
    const after = head(OWN, params, buffers, tokens, true).buffers;
    assert.deepEqual(Object.keys(after).sort(), Object.keys(buffers).sort());
    assert.equal(Object.keys(after).filter((name) => name.startsWith("head.class_mlp.")).length, 8);
    const one = head(OWN, params, after, tf.slice(tokens, [0, 0, 0], [1, -1, -1]), false).codes;
    const all = head(OWN, params, after, tokens, false).codes;
    const [a, b] = [one.dataSync(), all.dataSync()];
    a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) < 1e-5));
  });
});
