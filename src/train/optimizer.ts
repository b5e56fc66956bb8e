import * as tf from "../engine/tensors.ts";
import { type MuonInput, muonOfAll } from "./muon.ts";
import { BETAS } from "./schedule.ts";

/** How gradients are clipped: each tensor alone (the reference), all together by one global norm, or not at all. */
export type ClipKind = "tensor" | "global" | "off";

/** What turns gradients into updates: AdamW, or Muon for the weights of layers and AdamW for the rest. */
export type OptimizerKind = "adamw" | "muon";

/** What one step of {@linkcode adamw} reads. The records share their keys, and each key its shape. */
export interface AdamWInput {
  /** Trainable parameters by name. */
  params: Record<string, tf.Tensor>;
  /** Gradients of the loss. */
  grads: Record<string, tf.Tensor>;
  /** First moments; zeros before the first step. */
  m: Record<string, tf.Tensor>;
  /** Second moments; zeros before the first step. Muon's parameters have none. */
  v: Record<string, tf.Tensor>;
  /** Learning rate, a scalar. */
  lr: tf.Tensor;
  /** Weight decay, a scalar. */
  wd: tf.Tensor;
  /** 1 − β₁ᵗ for step t = 1, 2, …, a scalar. */
  bias1: tf.Tensor;
  /** 1 − β₂ᵗ, a scalar. */
  bias2: tf.Tensor;
  /** Largest norm that a gradient keeps; 0 clips nothing. */
  clip: number;
  /** What the norm is taken of. */
  clipKind: ClipKind;
  /** A parameter's share of the learning rate. Default: 1 for all. */
  scale?(name: string): number;
  /**
   * Says of a parameter, its gradient or its moments that they are computed in shares, one on each device (ZeRO, stage 1:
   * Rajbhandari et al., SC 2020). Changes no value. Default: they are not.
   */
  divide?(x: tf.Tensor): tf.Tensor;
  /** Whether weight decay applies to a parameter. Default: {@linkcode isDecayed}. */
  decayed?(name: string, shape: readonly number[]): boolean;
  /** Whether Muon trains a parameter instead. Default: none. */
  muons?(name: string, shape: readonly number[]): boolean;
  /** Whether Muon's matrices of one size are computed at once: the same but for rounding. Default: each by itself. */
  together?: boolean;
}

/** What one step of {@linkcode adamw} gives. */
export interface AdamWResult {
  params: Record<string, tf.Tensor>;
  m: Record<string, tf.Tensor>;
  v: Record<string, tf.Tensor>;
  /** Norm of all gradients together before clipping, a scalar. */
  gradNorm: tf.Tensor;
}

const EPSILON = 1e-8;

/**
 * Whether weight decay applies to a parameter: not to biases and not to tensors of one axis (docs/spec.md §7). The class token,
 * the position embedding and the mask vector have more axes and are decayed.
 */
export function isDecayed(name: string, shape: readonly number[]): boolean {
  return !name.endsWith(".bias") && shape.length !== 1;
}

/**
 * One step of AdamW with clipped gradients, docs/spec.md §7: p ← p(1 − lr·wd) − lr·(m/bias1) / (√v/√bias2 + 1e-8).
 * A pure tensor function: no input is changed or disposed.
 *
 * @throws {Error} When a parameter has no gradient or no moments, or they are of another shape.
 * @throws {RangeError} When the largest norm is no number from 0 up.
 */
export function adamw(input: AdamWInput): AdamWResult {
  const { lr, wd, bias1, bias2, scale: shareOf = () => 1, decayed = isDecayed } = input;
  const { muons = () => false, divide = (x) => x } = input;
  const names = Object.keys(input.params);
  for (const name of names) {
    if (!input.grads[name]) throw new Error(`parameter ${name} has no gradient`);
    const first = muons(name, input.params[name].shape);
    if (!input.m[name] || !(first || input.v[name])) {
      throw new Error(`parameter ${name} has no optimiser moments`);
    }
    for (const given of [input.grads[name], input.m[name], ...first ? [] : [input.v[name]]]) {
      if (String(given.shape) === String(input.params[name].shape)) continue;
      throw new Error(
        `parameter ${name} is [${input.params[name].shape}], its gradient or a moment [${given.shape}]`,
      );
    }
  }
  if (!(input.clip >= 0)) throw new RangeError(`clip is ${input.clip}; it must be a number from 0 up`);
  const grads = names.map((name) => divide(input.grads[name]));
  const squares = grads.map((g) => tf.sum(tf.square(g)));
  const gradNorm = tf.sqrt(tf.sum(tf.concat(squares.map((square) => tf.reshape(square, [1])))));
  const factor = clipFactor(input.clip, input.clipKind, gradNorm);

  const keep = tf.sub(1, tf.mul(lr, wd));
  const rate = tf.div(lr, bias1);
  const root2 = tf.sqrt(bias2);
  const [beta1, beta2] = BETAS;
  const result: AdamWResult = { params: {}, m: {}, v: {}, gradNorm };
  const matrices: { name: string; input: MuonInput }[] = [];
  names.forEach((name, i) => {
    const p = divide(input.params[name]);
    const scale = factor(squares[i]);
    const g = scale ? tf.mul(grads[i], scale) : grads[i];
    const share = shareOf(name);
    const kept = share === 1 ? keep : tf.sub(1, tf.mul(tf.mul(lr, share), wd));
    if (muons(name, p.shape)) {
      const own = share === 1 ? lr : tf.mul(lr, share);
      matrices.push({ name, input: { p, g, m: input.m[name], lr: own, keep: kept } });
      // Keeps its place among the names.
      [result.params[name], result.m[name]] = [p, input.m[name]];
      return;
    }
    const m = tf.add(tf.mul(input.m[name], beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(input.v[name], beta2), tf.mul(tf.square(g), 1 - beta2));
    const own = share === 1 ? rate : tf.mul(rate, share);
    const update = tf.div(tf.mul(m, own), tf.add(tf.div(tf.sqrt(v), root2), EPSILON));
    const base = decayed(name, p.shape) ? tf.mul(p, kept) : p;
    result.params[name] = divide(tf.sub(base, update));
    result.m[name] = m;
    result.v[name] = v;
  });
  const moved = muonOfAll(matrices.map(({ input }) => input), input.together);
  matrices.forEach(({ name }, i) => [result.params[name], result.m[name]] = [moved[i].p, moved[i].m]);
  return result;
}

/** What a gradient is multiplied with, given its own sum of squares; null for one that is left as it is. */
function clipFactor(
  clip: number,
  kind: ClipKind,
  globalNorm: tf.Tensor,
): (square: tf.Tensor) => tf.Tensor | null {
  if (clip === 0 || kind === "off") return () => null;
  const bound = (norm: tf.Tensor) => tf.minimum(1, tf.div(clip, tf.add(norm, 1e-6)));
  if (kind === "tensor") return (square) => bound(tf.sqrt(square));
  const shared = bound(globalNorm);
  return () => shared;
}

/**
 * Moves an averaged copy of the parameters (the "teacher", docs/spec.md §7) toward them: t ← momentum·t + (1 − momentum)·p.
 * Nothing in training reads it; it is kept for evaluation. Statistics of batch norms are not averaged.
 *
 * @param teacher The averaged parameters.
 * @param params The parameters after the step, under the same names.
 * @param momentum A scalar tensor in [0, 1].
 */
export function moveTeacher(
  teacher: Record<string, tf.Tensor>,
  params: Record<string, tf.Tensor>,
  momentum: tf.Tensor,
): Record<string, tf.Tensor> {
  const rest = tf.sub(1, momentum);
  return Object.fromEntries(
    Object.entries(teacher).map((
      [name, t],
    ) => [name, tf.add(tf.mul(t, momentum), tf.mul(params[name], rest))]),
  );
}
