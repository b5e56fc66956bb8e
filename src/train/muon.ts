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

const isTall = ({ shape: [rows, columns] }: tf.Tensor) => rows > columns!;

/**
 * A matrix, or each of a stack, with singular values near 1. None is taller than wide: the smaller side's products are
 * cheaper.
 */
function iterated(wide: tf.Tensor): tf.Tensor {
  const squares = tf.square(wide), sum = wide.rank === 3 ? tf.sum(squares, [1, 2], true) : tf.sum(squares);
  let x = tf.div(wide, tf.add(tf.sqrt(sum), 1e-7));
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = tf.matMul(x, x, false, true);
    const terms = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C));
    x = tf.add(tf.mul(x, A), tf.matMul(terms, x));
  }
  return x;
}

/**
 * A matrix with the singular vectors of another one and singular values near 1 (Jordan et al., "Muon: an optimizer for
 * hidden layers in neural networks", 2024), by five iterations of Newton and Schulz. A matrix of zeros stays zeros.
 *
 * @param x [rows, columns].
 */
export function orthogonalised(x: tf.Tensor): tf.Tensor {
  return isTall(x) ? tf.transpose(iterated(tf.transpose(x))) : iterated(x);
}

/**
 * What {@linkcode orthogonalised} gives of each matrix, computed for all of one size at once, whichever way they lie: fewer
 * and larger operations.
 *
 * @param matrices Each [rows, columns].
 */
export function orthogonalisedTogether(matrices: readonly tf.Tensor[]): tf.Tensor[] {
  const sizes = new Map<string, number[]>();
  matrices.forEach(({ shape }, i) => {
    const size = String([...shape].sort((a, b) => a - b));
    sizes.set(size, [...sizes.get(size) ?? [], i]);
  });
  const found: tf.Tensor[] = [];
  for (const places of sizes.values()) {
    const turned = (x: tf.Tensor, i: number) => isTall(matrices[i]) ? tf.transpose(x) : x;
    const all = iterated(tf.stack(places.map((i) => turned(matrices[i], i))));
    tf.unstack(all).forEach((one, at) => found[places[at]] = turned(one, places[at]));
  }
  return found;
}

/** What Muon reads of a parameter. */
export interface MuonInput {
  /** The parameter; its first axis are the rows, all others the columns. */
  p: tf.Tensor;
  /** Its gradient. */
  g: tf.Tensor;
  /** The gradients' average; zeros before the first step. */
  m: tf.Tensor;
  /** Learning rate, a scalar. */
  lr: tf.Tensor;
  /** What weight decay leaves of the parameter, 1 − lr·wd, a scalar. */
  keep: tf.Tensor;
}

/**
 * One step of Muon for one parameter: m ← 0.95·m + g, p ← p(1 − lr·wd) − lr·0.2·√max(rows, columns)·O(g + 0.95·m). The
 * factor makes the update as large as AdamW's (Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982).
 * A pure tensor function.
 */
export function muon(input: MuonInput): { p: tf.Tensor; m: tf.Tensor } {
  return muonOfAll([input])[0];
}

/**
 * {@linkcode muon} for several parameters.
 *
 * @param together Whether matrices of one size are computed at once, see {@linkcode orthogonalisedTogether}.
 * @returns Parameters and averages in the same order.
 */
export function muonOfAll(
  inputs: readonly MuonInput[],
  together = false,
): { p: tf.Tensor; m: tf.Tensor }[] {
  const moved = inputs.map(({ g, m }) => tf.add(tf.mul(m, MOMENTUM), g));
  const ahead = inputs.map(({ p: { size, shape: [rows] }, g }, i) =>
    tf.reshape(tf.add(g, tf.mul(moved[i], MOMENTUM)), [rows, size / rows])
  );
  const updates = together ? orthogonalisedTogether(ahead) : ahead.map(orthogonalised);
  return inputs.map(({ p, lr, keep }, i) => {
    const update = tf.reshape(updates[i], p.shape), size = SIZE * Math.sqrt(Math.max(...ahead[i].shape));
    return { p: tf.sub(tf.mul(p, keep), tf.mul(update, tf.mul(lr, size))), m: moved[i] };
  });
}
