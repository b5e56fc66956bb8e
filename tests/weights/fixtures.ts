/** Files of weights that PyTorch, timm and transformers wrote (tests/fixtures/weights/make.py), and what they give. */
import { fileURLToPath } from "node:url";
import * as tf from "../../src/engine/tensors.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { asFloat32 } from "../../src/files/stored_tensor.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { encoder } from "../../src/model/encoder.ts";
import type { ModelState } from "../../src/model/types.ts";
import { MEAN, STD } from "../../src/views/render.ts";

/** The path of a fixture. */
export const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));

const { tensors: EXPECTED } = decodeSafetensors(Deno.readFileSync(fixture("expected.safetensors")));

/** What a file's own library gave. */
export const expected = (name: string): Float32Array => asFloat32(EXPECTED[name]);

/** The two pictures of the fixtures, cut to a size and normalised, [2, size, size, 3]. */
export function images(size: number): tf.Tensor4D {
  const [count, channels, height, width] = EXPECTED.pixels.shape, all = asFloat32(EXPECTED.pixels);
  const whole = tf.transpose(tf.tensor4d(all, [count, channels, height, width]), [0, 2, 3, 1]);
  const cut = tf.slice(whole, [0, 0, 0, 0], [count, size, size, 3]);
  return tf.div(tf.sub(cut, tf.tensor1d([...MEAN])), tf.tensor1d([...STD])) as tf.Tensor4D;
}

/** The encoder's tokens of those pictures. */
export function tokens(config: ModelConfig, { params, frozen }: ModelState): Float32Array {
  const run = () => encoder(config, { ...params, ...frozen }, images(config.imageSize)).tokens;
  return tf.tidy(run).dataSync() as Float32Array;
}

/** How far two vectors are apart, ‖a − b‖ / ‖b‖. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let apart = 0, length = 0;
  for (let i = 0; i < b.length; i++) {
    apart += (a[i] - b[i]) ** 2;
    length += b[i] ** 2;
  }
  return a.length === b.length ? Math.sqrt(apart / length) : Infinity;
}
