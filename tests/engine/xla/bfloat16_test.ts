/** What is recorded for rows in bfloat16 and for cuDNN's attention: the program's text, which no device has to run. */
import assert from "node:assert/strict";
import {
  bfloat16,
  devicePlatform,
  fusedAttention,
  fusedAttentionGradient,
  hasFusedAttention,
  stored,
  whyNoFusedAttention,
} from "../../../src/engine/tensors.ts";
import { openXla, tf, type Xla } from "../../../src/engine/xla/mod.ts";
import { PLUGIN } from "./plugin.ts";

async function onPlatform(platform: string | undefined, work: (xla: Xla) => void): Promise<void> {
  const xla = await openXla(PLUGIN, { platform });
  try {
    assert.equal(devicePlatform(), platform ?? "cpu");
    work(xla);
  } finally {
    xla.close();
  }
}

/** Queries, keys, values and a gradient: 3 sequences of 6 tokens, 2 heads of 8. */
const args = () => ({
  q: tf.ones([3, 6, 2, 8]),
  k: tf.ones([3, 6, 2, 8]),
  v: tf.ones([3, 6, 2, 8]),
  dy: tf.ones([3, 6, 2, 8]),
});
const attend = ({ q, k, v, dy }: ReturnType<typeof args>) => {
  const attrs = { scale: 0.5, tokens: 5 }, found = fusedAttention(q, k, v, attrs);
  assert.deepEqual(found.sums.shape, [3, 2, 6]);
  return [found.out, ...fusedAttentionGradient(dy, { ...found, q, k, v }, attrs)];
};

Deno.test("a program for an NVIDIA card calls cuDNN's attention as XLA knows it", () =>
  onPlatform("cuda", (xla) => {
    const { text } = xla.jit(attend, { precision: "bfloat16" }).lower(args());
    const calls = text.split("\n").filter((line) => line.includes("custom_call"));
    assert.equal(calls.length, 2);
    assert.match(calls[0], /:3 = stablehlo\.custom_call @__cudnn\$fmhaSoftmax\(/);
    const heads = "tensor<3x6x2x8xbf16>", back = "tensor<3x2x6x8xbf16>";
    assert.ok(calls[0].endsWith(
      `(${heads}, ${heads}, ${heads}, tensor<3xi32>, tensor<3xi32>) -> (${back}, tensor<3x2x6xf32>, tensor<0xui8>)`,
    ));
    assert.match(calls[0], /result_layouts = \[dense<\[3, 1, 2, 0\]> : tensor<4xindex>, dense<\[2, 1, 0\]> /);
    assert.match(calls[1], /:4 = stablehlo\.custom_call @__cudnn\$fmhaSoftmaxBackward\(/);
    assert.ok(calls[1].endsWith(`-> (${back}, ${back}, ${back}, tensor<0xui8>)`));
    for (const call of calls) {
      const config = /backend_config = "(.*?)", operand/.exec(call)![1].replaceAll("\\22", '"');
      const { cudnn_fmha_backend_config: said } = JSON.parse(config);
      assert.equal(said.fmha_scale, 0.5);
      assert.equal(said.mask_type, "PADDING");
      assert.deepEqual(said.intermediate_tensor_shape.dimensions, ["3", "2", "6", "6"]);
    }
    assert.match(text, /dense<5> : tensor<3xi32>/);
    assert.equal(whyNoFusedAttention("bfloat16"), undefined);
    assert.ok(!hasFusedAttention(), "nothing is being traced");
    const plain = xla.jit(attend).lower(args()).text;
    assert.ok(!plain.includes("cudnn"), "products in float32 get plain operations");
  }));

Deno.test("elsewhere attention is plain operations, and why is told", () =>
  onPlatform(undefined, (xla) => {
    assert.ok(!xla.jit(attend, { precision: "bfloat16" }).lower(args()).text.includes("cudnn"));
    assert.equal(whyNoFusedAttention("bfloat16"), "it is for NVIDIA cards, and this is cpu");
  }));

Deno.test("sums are added in bfloat16 on cards, what is stored is computed once, and float32 changes nothing", () =>
  onPlatform("cuda", (xla) => {
    const sum = ({ q, k, v }: ReturnType<typeof args>) =>
      tf.grads((q, k) => bfloat16(tf.add(q, tf.mul(k, 2))))([q, k], tf.add(v, tf.square(v)));
    const { text } = xla.jit(sum, { precision: "bfloat16" }).lower(args());
    // The gradient's sum of v and v².
    assert.match(text, /"stablehlo\.add"\(%\d+, %\d+\) : \(tensor<3x6x2x8xbf16>, tensor<3x6x2x8xbf16>\)/);
    const keep = ({ q }: ReturnType<typeof args>) => tf.exp(stored(tf.exp(q)));
    const kept = xla.jit(keep, { precision: "bfloat16" }).lower(args()).text;
    assert.match(kept, /optimization_barrier %\d+ : tensor<3x6x2x8xbf16>/);
    for (const fn of [sum, keep]) {
      assert.ok(!/bf16|barrier/.test(xla.jit(fn as typeof keep).lower(args()).text));
    }
  }));
