/** Muon: the update of a weight matrix is its averaged gradient with all singular values brought near 1. */
import * as tf from "../engine/tensors.ts";

/** Share of the averaged gradient that stays from step to step. */
const MOMENTUM = 0.95;
/** Iterations; five bring singular values between about 0.7 and 1.2, which is near enough. */
const ITERATIONS = 5;
/** Coefficients of x ← a·x + (b·xxᵀ + c·(xxᵀ)²)·x, which grow small singular values fastest. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
/** Root mean square of an update at learning rate 1, about that of AdamW's, so that both take the same rate. */
const SIZE = 0.2;

/** Tensors of several axes that are no matrix between layers: tokens, positions, depthwise kernels, the output in pixels. */
const NO_MATRIX = /(^|\.)(cls_token|pos_embed|mask_feat|local\.weight|unconv\.weight)$/;

/** Whether Muon trains a parameter: the weights of linear layers and of convolutions. AdamW trains the others. */
export function isMuons(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !NO_MATRIX.test(name);
}

/**
 * A matrix with the singular vectors of another one and singular values near 1 (Jordan et al., "Muon: an optimizer for
 * hidden layers in neural networks", 2024), by five iterations of Newton and Schulz. A matrix of zeros stays zeros.
 *
 * @param x [rows, columns].
 */
export function orthogonalised(x: tf.Tensor): tf.Tensor {
  const [rows, columns] = x.shape as [number, number];
  // The smaller side's products are cheaper.
  const tall = rows > columns;
  let wide = tall ? tf.transpose(x) : x;
  wide = tf.div(wide, tf.add(tf.sqrt(tf.sum(tf.square(wide))), 1e-7));
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = tf.matMul(wide, wide, false, true);
    const terms = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C));
    wide = tf.add(tf.mul(wide, A), tf.matMul(terms, wide));
  }
  return tall ? tf.transpose(wide) : wide;
}

/**
 * One step of Muon for one parameter: m ← 0.95·m + g, p ← p(1 − lr·wd) − lr·0.2·√max(rows, columns)·O(g + 0.95·m). The
 * factor makes the update as large as AdamW's (Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982).
 * A pure tensor function.
 *
 * @param p The parameter; its first axis are the rows, all others the columns.
 * @param g Its gradient.
 * @param m The gradients' average; zeros before the first step.
 * @param lr Learning rate, a scalar.
 * @param keep What weight decay leaves of the parameter, 1 − lr·wd, a scalar.
 */
export function muon(
  { p, g, m, lr, keep }: { p: tf.Tensor; g: tf.Tensor; m: tf.Tensor; lr: tf.Tensor; keep: tf.Tensor },
): { p: tf.Tensor; m: tf.Tensor } {
  const rows = p.shape[0], columns = p.size / rows;
  const moved = tf.add(tf.mul(m, MOMENTUM), g);
  const ahead = tf.reshape(tf.add(g, tf.mul(moved, MOMENTUM)), [rows, columns]);
  const update = tf.reshape(orthogonalised(ahead), p.shape);
  const size = SIZE * Math.sqrt(Math.max(rows, columns));
  return { p: tf.sub(tf.mul(p, keep), tf.mul(update, tf.mul(lr, size))), m: moved };
}
