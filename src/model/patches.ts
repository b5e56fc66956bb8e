import * as tf from "../engine/tensors.ts";

/**
 * Cuts pictures into patches.
 *
 * @param images [N, H, W, 3]; H and W are multiples of P.
 * @returns [N, (H/P)·(W/P), 3·P²]: cells row by row, numbers of a cell in PyTorch's order (channel, row, column), so
 * that convolution weights are used as they are stored.
 */
export function patchify(images: tf.Tensor, patchSize: number): tf.Tensor {
  const [n, height, width] = images.shape;
  const [rows, columns] = [height! / patchSize, width! / patchSize];
  const cut = tf.reshape(images, [n, rows, patchSize, columns, patchSize, 3]);
  return tf.reshape(tf.transpose(cut, [0, 1, 3, 5, 2, 4]), [n, rows * columns, 3 * patchSize * patchSize]);
}

/**
 * The inverse of {@linkcode patchify} for square pictures.
 *
 * @param patches [N, G², 3·P²].
 * @returns [N, G·P, G·P, 3].
 */
export function unpatchify(patches: tf.Tensor, patchSize: number): tf.Tensor {
  const [n, cells] = patches.shape;
  const grid = Math.round(Math.sqrt(cells!)), size = grid * patchSize;
  const cut = tf.reshape(patches, [n, grid, grid, 3, patchSize, patchSize]);
  return tf.reshape(tf.transpose(cut, [0, 1, 4, 2, 5, 3]), [n, size, size, 3]);
}
