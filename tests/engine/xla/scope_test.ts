/** Names of a program's parts: in its text and in what the compiler makes of it, with those of the derivatives. */
import assert from "node:assert/strict";
import { scope } from "../../../src/engine/xla/compile/scope.ts";
import { withoutLocations } from "../../../src/engine/xla/ir/print.ts";
import { openXla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import { PLUGIN, QUICK } from "./plugin.ts";

type Named = <T>(name: string, fn: () => T) => T;

/** A loss of two parts, one within another, and its gradient. */
const slope = (named: Named) => ({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => {
  const loss = (w: tf.Tensor) =>
    named("model", () => {
      const hidden = named("first", () => tf.tanh(tf.matMul(x, w)));
      return tf.sum(tf.square(tf.matMul(hidden, w)));
    }) as tf.Scalar;
  return named("optimiser", () => tf.sub(w, tf.grad(loss)(w)));
};

const plain: Named = (_, fn) => fn();

/** The operations by the part that they belong to. */
function partsIn(text: string): Map<string, number> {
  const parts = new Map<string, number>();
  for (const [, part] of text.matchAll(/ loc\("(.*)\/\w+"\)$/gm)) parts.set(part, (parts.get(part) ?? 0) + 1);
  return parts;
}

Deno.test("parts are named in the program, within each other, and their derivatives after them", async () => {
  const xla = await openXla(PLUGIN, { flags: QUICK });
  try {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]), w = tf.tensor2d([0.1, 0.2, 0.3, 0.4], [2, 2]);
    const named = xla.jit(slope(scope)), unnamed = xla.jit(slope(plain));
    const { text } = named.lower({ x, w }), parts = partsIn(text);
    assert.deepEqual([...parts.keys()].sort(), [
      "optimiser",
      "optimiser/model",
      "optimiser/model/first",
      "optimiser/model/first/gradient",
      "optimiser/model/gradient",
    ]);
    assert.match(text, /dot_general .* loc\("optimiser\/model\/first\/gradient\/dot"\)/);
    // Names change neither the program nor its numbers.
    assert.equal(withoutLocations(text), unnamed.lower({ x, w }).text);
    assert.deepEqual(named({ x, w }).dataSync(), unnamed({ x, w }).dataSync());
    // The compiler keeps them.
    const { executable } = xla.compiler.compile(text);
    const { code } = executable.optimized();
    executable.delete();
    assert.ok(new TextDecoder("latin1").decode(code).includes("optimiser/model/first/gradient/"));
    // Nothing is named, and nothing breaks, where nothing is traced.
    assert.deepEqual(slope(scope)({ x, w }).dataSync(), slope(plain)({ x, w }).dataSync());
    // An error in a part leaves no name behind.
    const broken = xla.jit(({ x }: { x: tf.Tensor }) => {
      try {
        scope("broken", () => tf.matMul(x, tf.ones([3, 3])));
      } catch { /* expected */ }
      return tf.square(x);
    });
    assert.doesNotMatch(broken.lower({ x }).text, /loc\(/);
  } finally {
    xla.close();
  }
});

Deno.test("locations are told from everything else that stands in a line", () => {
  const line = `  %1 = "stablehlo.add"(%0, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>`;
  assert.equal(withoutLocations(`${line} loc("a/b/add")\n${line}\n`), `${line}\n${line}\n`);
});
