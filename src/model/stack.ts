/** How the two views of a batch lie in one stack of rows. */
import * as tf from "../engine/tensors.ts";

/** Refuses rows that are no stack of views. Throws a RangeError. */
function checkStack(pictures: number, parts: number): void {
  if (Number.isInteger(parts) && parts >= 1 && Number.isInteger(pictures / parts)) return;
  throw new RangeError(`the views of ${pictures} pictures cannot be stacked in ${parts} parts`);
}

/**
 * The rows of one view in a stack of both. A stack of one part holds all of view 1, then all of view 2. On several
 * devices it has a part for each of them: view 1 of the device's own pictures, then view 2 of them. Cut into equal parts,
 * it then leaves both views of a picture on one device.
 *
 * @param stack [2B, …].
 * @param view 0 or 1.
 * @param parts Parts of the stack; B is divisible by it.
 * @returns [B, …], in the order of the pictures.
 * @throws {RangeError} When the rows do not divide so, or there is no such view.
 */
export function viewOf(stack: tf.Tensor, view: 0 | 1, parts = 1): tf.Tensor {
  const [rows, ...rest] = stack.shape, count = rows / 2, zeros = rest.map(() => 0);
  checkStack(count, parts);
  if (view !== 0 && view !== 1) throw new RangeError(`view is ${view}; it must be 0 or 1`);
  if (parts === 1) return tf.slice(stack, [view * count, ...zeros], [count, ...rest]);
  const cut = tf.reshape(stack, [parts, 2, count / parts, ...rest]);
  const own = tf.slice(cut, [0, view, 0, ...zeros], [parts, 1, count / parts, ...rest]);
  return tf.reshape(own, [count, ...rest]);
}

/**
 * Stacks what each picture has for each of its views, in the order that {@linkcode viewOf} describes.
 *
 * @param views [2, B, …].
 * @param parts Parts of the stack; B is divisible by it.
 * @returns [2B, …].
 * @throws {RangeError} When the first axis is not that of two views, or the pictures do not divide so.
 */
export function stackViews(views: tf.Tensor, parts = 1): tf.Tensor {
  const [two, count, ...rest] = views.shape;
  if (two !== 2) {
    throw new RangeError(`views to be stacked must be [2, B, …], not [${views.shape.join(", ")}]`);
  }
  checkStack(count, parts);
  if (parts === 1) return tf.reshape(views, [two * count, ...rest]);
  const cut = tf.reshape(views, [two, parts, count / parts, ...rest]);
  const order = [1, 0, 2, ...rest.map((_, i) => 3 + i)];
  return tf.reshape(tf.transpose(cut, order), [two * count, ...rest]);
}
