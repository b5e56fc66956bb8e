/** How precisely products are wanted, by platform and precision. */
import assert from "node:assert/strict";
import { openDescribed } from "../../../src/engine/xla/described.ts";
import { openXla } from "../../../src/engine/xla/open.ts";
import * as tf from "../../../src/engine/xla/tf.ts";
import type { Precision } from "../../../src/engine/xla/types.ts";
import { PLUGIN, QUICK } from "./plugin.ts";

type Args = { x: tf.Tensor; image: tf.Tensor; filter: tf.Tensor };

const both = ({ x, image, filter }: Args) =>
  [
    tf.matMul(x, x, false, true),
    tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, "same"),
  ] as unknown as tf.Tensor[];

/** How often a program asks for all digits of a product. */
async function asked(platform: string, precision?: Precision): Promise<number> {
  const described = await openDescribed({ platform, kind: "a device" });
  try {
    const given = {
      x: described.standIn("f32", [3, 4]),
      image: described.standIn("f32", [1, 5, 5, 2]),
      filter: described.standIn("f32", [3, 3, 2, 4]),
    };
    return described.lower(both, given, { precision }).text.match(/HIGHEST/g)?.length ?? 0;
  } finally {
    described.close();
  }
}

Deno.test("float32 on a card means all digits; tf32 and bfloat16 leave the choice to it, and processors need no word", async () => {
  assert.equal(await asked("cuda"), 4);
  assert.equal(await asked("cuda", "float32"), 4);
  assert.equal(await asked("cuda", "tf32"), 0);
  assert.equal(await asked("cuda", "bfloat16"), 0);
  assert.equal(await asked("cpu", "float32"), 0);
});

Deno.test("a program that asks for all digits is one that XLA takes", async () => {
  const xla = await openXla(PLUGIN, { platform: "cuda", flags: QUICK });
  try {
    const x = tf.range(0, 12).reshape([3, 4]), image = tf.ones([1, 5, 5, 2]), filter = tf.ones([3, 3, 2, 4]);
    const [product, convolved] = xla.jit(both)({ x, image, filter });
    assert.equal((await product.data())[0], 14);
    assert.equal((await convolved.data())[0], 8);
  } finally {
    xla.close();
  }
});
