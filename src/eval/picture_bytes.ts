/** Pictures of one size as bytes, one after the other, as embedders and classifiers take them. */
import type * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";

/**
 * How many pictures of a side there are.
 *
 * @throws {TypeError} When they are no bytes: numbers of another type, a list, nothing.
 * @throws {RangeError} When bytes are left over, or there is none.
 */
export function countOf(pictures: Uint8Array, size: number): number {
  if (!(pictures instanceof Uint8Array || (pictures as unknown) instanceof Uint8ClampedArray)) {
    throw new TypeError(
      `\`pictures\` must be a Uint8Array of count × ${size} × ${size} × 3 bytes, such as \`evaluationPicture\` gives, not ${
        (pictures as unknown)?.constructor?.name ?? pictures
      }`,
    );
  }
  const count = pictures.length / (size * size * 3);
  if (Number.isInteger(count) && count > 0) return count;
  throw new RangeError(`${pictures.length} bytes are no whole number of pictures of ${size} × ${size}`);
}

/**
 * A batch of pictures on the engine; behind the last picture it is padded with black ones.
 *
 * @param pictures count × height × width × 3 bytes.
 * @param from The batch's first picture.
 * @returns [batch, height, width, 3]; the caller disposes it.
 */
export function batchOf(
  engine: Engine,
  pictures: Uint8Array,
  [height, width]: readonly [number, number],
  from: number,
  batch: number,
): tf.Tensor {
  const pixels = height * width * 3, part = pictures.subarray(from * pixels, (from + batch) * pixels);
  const whole = part.length === batch * pixels ? part : new Uint8Array(batch * pixels);
  if (whole !== part) whole.set(part);
  return engine.bytes(whole, [batch, height, width, 3]);
}
