/** The forms of operations for graphics cards, and attention by one operation, beside the plain forms; on the processor. */
import assert from "node:assert/strict";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import type { Engine } from "../../src/engine/types.ts";
import type { Sequences } from "../../src/model/attention.ts";
import { block, type BlockOptions } from "../../src/model/block.ts";
import { layerNorm } from "../../src/model/layers.ts";
import type { Params } from "../../src/model/types.ts";
import { randomStream } from "../../src/random.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";

const COUNT = 3, TOKENS = 5, WIDTH = 12, HEADS = 2;
const SHAPES: Record<string, number[]> = {
  "b.norm1.weight": [WIDTH],
  "b.norm1.bias": [WIDTH],
  "b.attn.qkv.weight": [3 * WIDTH, WIDTH],
  "b.attn.qkv.bias": [3 * WIDTH],
  "b.attn.proj.weight": [WIDTH, WIDTH],
  "b.attn.proj.bias": [WIDTH],
  "b.norm2.weight": [WIDTH],
  "b.norm2.bias": [WIDTH],
  "b.mlp.fc1.weight": [24, WIDTH],
  "b.mlp.fc1.bias": [24],
  "b.mlp.fc2.weight": [WIDTH, 24],
  "b.mlp.fc2.bias": [WIDTH],
};

const numbers = (seed: number, shape: number[]) => {
  const random = randomStream(seed, "test", shape.length);
  return tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.uniform() * 2 - 1),
    shape,
  );
};

type Given = { x: tf.Tensor; slope: tf.Tensor; keep: tf.Tensor; params: Params };

const given = (): Given => ({
  x: numbers(1, [COUNT * TOKENS, WIDTH]),
  slope: numbers(2, [COUNT * TOKENS, WIDTH]),
  keep: tf.tensor1d([1.25, 0, 1.25]),
  params: Object.fromEntries(Object.entries(SHAPES).map(([name, shape], i) => [name, numbers(3 + i, shape)])),
});

/** A block's result and its gradients, all by name; `behind` rows of padding stand behind each sequence. */
function blockWith(options: Partial<BlockOptions>, padding = 0) {
  const shape: Sequences = { count: COUNT, tokens: TOKENS + padding, heads: HEADS, padding };
  // Padding holds numbers that would show in every result, were they seen; its gradient is 0.
  const padded = (rows: tf.Tensor, fill: number) =>
    tf.reshape(
      tf.pad(tf.reshape(rows, [COUNT, TOKENS, WIDTH]), [[0, 0], [0, padding], [0, 0]], fill),
      [-1, WIDTH],
    );
  const cut = (rows: tf.Tensor) =>
    tf.reshape(
      tf.slice(tf.reshape(rows, [COUNT, TOKENS + padding, WIDTH]), [0, 0, 0], [-1, TOKENS, -1]),
      [-1, WIDTH],
    );
  return ({ x, slope, keep, params }: Given): Record<string, tf.Tensor> => {
    const names = Object.keys(params);
    const apply = (x: tf.Tensor, ...values: tf.Tensor[]) => {
      const own = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      return block(x, own, "b", { ...shape, keep: [keep, keep], ...options });
    };
    const inputs = [padded(x, 7), ...Object.values(params)];
    const [dx, ...rest] = tf.grads(apply as never)(inputs, padded(slope, 0));
    return {
      value: cut(apply(inputs[0], ...inputs.slice(1))),
      dx: cut(dx),
      ...Object.fromEntries(names.map((name, i) => [`d ${name}`, rest[i]])),
    };
  };
}

/** A function's results on an engine, compiled where the engine does. */
function run(
  engine: Engine,
  fn: (args: Given) => Record<string, tf.Tensor>,
  precision: "float32" | "bfloat16" = "float32",
): Record<string, Float32Array> {
  const results = engine.jit(fn, { precision })(given());
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]),
  );
}

/** The largest difference of two results, beside the largest number of the second. */
function apart(found: Float32Array, expected: Float32Array): number {
  assert.equal(found.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(found[i] - value)), 0) / largest;
}

function checkClose(
  found: Record<string, Float32Array>,
  expected: Record<string, Float32Array>,
  most: number,
): void {
  assert.deepEqual(Object.keys(found), Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    const difference = apart(found[name], values);
    assert.ok(difference <= most, `${name}: ${difference} apart`);
  }
}

async function on<T>(open: () => Promise<Engine>, work: (engine: Engine) => T): Promise<T> {
  const engine = await open();
  try {
    return work(engine);
  } finally {
    await engine.close();
  }
}

const processor = () => openXlaEngine({ plugin: PLUGIN, flags: QUICK });
/** Records what a card would get; the processor computes it. */
const card = () => openXlaEngine({ plugin: PLUGIN, flags: QUICK, platform: "cuda" });

Deno.test("a block in the forms for graphics cards gives the same values and gradients", async () => {
  const expected = await on(openWasm, (engine) => run(engine, blockWith({})));
  checkClose(await on(card, (engine) => run(engine, blockWith({}))), expected, 2e-5);
});

Deno.test("attention by one operation sees no padding, and gives the same values and gradients", async () => {
  await on(openWasm, (engine) => {
    const expected = run(engine, blockWith({}));
    for (const padding of [0, 1, 3]) {
      checkClose(run(engine, blockWith({ fused: true }, padding)), expected, 2e-5);
    }
  });
});

Deno.test("rows that are added to in bfloat16 stay near those in float32, and their sums are bfloat16", async () => {
  await on(processor, (engine) => {
    const expected = run(engine, blockWith({}), "bfloat16");
    const found = run(engine, blockWith({ halfResidual: true }), "bfloat16");
    checkClose(found, expected, 0.04);
    const bits = new Uint32Array(found.value.slice().buffer);
    assert.ok(bits.every((word) => word << 16 === 0), "the result has more digits than bfloat16");
  });
});

Deno.test("a layer norm keeps small differences beside a large mean in the form for cards", async () => {
  const norm = ({ x, params }: Given) => ({
    value: layerNorm(tf.add(tf.mul(x, 4), 10), params, "b.norm1"),
  });
  const expected = await on(openWasm, (engine) => run(engine, norm));
  checkClose(await on(card, (engine) => run(engine, norm)), expected, 1e-4);
});
