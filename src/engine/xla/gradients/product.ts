import * as tf from "../tf.ts";
import type { Gradients } from "./types.ts";

/** Sums `x` over the axes along which `shape` was broadcast to it. */
export function sumTo(x: tf.Tensor, shape: number[]): tf.Tensor {
  const extra = x.rank - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) =>
    i < extra || (shape[i - extra] === 1 && x.shape[i] !== 1)
  );
  const sum = axes.length > 0 ? tf.sum(x, axes) : x;
  return tf.reshape(sum, shape);
}

/** a's last axis against b's first: one product of matrices, whatever the leading axes. */
const rows = (x: tf.Tensor): tf.Tensor2D =>
  tf.reshape(x, [tf.util.sizeFromShape(x.shape.slice(0, -1)), x.shape[x.rank - 1]]);

/**
 * The gradient of a product of matrices. tfjs's own one forgets to sum over batch axes along which one operand was
 * broadcast.
 */
function matMulGradient(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) {
  const shared = tf.util.sizeFromShape(b.shape.slice(0, -2)) === 1 && !transposeA;
  const derA = () => transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB);
  const derB = () => {
    // One matrix for all batches: fold the batches into the rows, and nothing has to be summed afterwards.
    if (shared) return transposeB ? tf.matMul(rows(dy), rows(a), true) : tf.matMul(rows(a), rows(dy), true);
    return transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false);
  };
  return { a: () => sumTo(derA(), a.shape), b: () => sumTo(derB(), b.shape) };
}

/** Letters of an equation's operands and result. */
function lettersOf(equation: string): { operands: string[]; result: string } {
  const [left, result] = equation.replace(/\s/g, "").split("->");
  return { operands: left.split(","), result };
}

/** What flows back to one operand of Einstein's summation. */
function einsumGradient(dy: tf.Tensor, saved: tf.Tensor[], equation: string, which: number): tf.Tensor {
  const { operands, result } = lettersOf(equation), own = operands[which];
  // A letter that the other operand alone has was summed away in it.
  const rest = saved.filter((_, i) => i !== which).map((x, k) => {
    const letters = [...operands.filter((_, i) => i !== which)[k]];
    const lone = letters.map((_, i) => i).filter((i) => !(result + own).includes(letters[i]));
    return {
      x: lone.length > 0 ? tf.sum(x, lone) : x,
      letters: letters.filter((_, i) => !lone.includes(i)).join(""),
    };
  });
  const others = rest.map(({ letters }) => letters);
  // A letter that this operand alone has was summed away: its axis gets the same everywhere.
  const found = [...own].filter((letter) => (result + others.join("")).includes(letter)).join("");
  const part = tf.einsum(`${[result, ...others].join(",")}->${found}`, dy, ...rest.map(({ x }) => x));
  if (found === own) return part;
  const { shape } = saved[which];
  const spread = tf.reshape(part, [...own].map((letter, i) => found.includes(letter) ? shape[i] : 1));
  return tf.mul(spread, tf.ones(shape));
}

/** Gradients of products. */
export const PRODUCT: Gradients = [
  {
    kernelName: "BatchMatMul",
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b], attrs) =>
      matMulGradient(dy as tf.Tensor, a, b, attrs.transposeA as boolean, attrs.transposeB as boolean),
  },
  {
    kernelName: "Einsum",
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) =>
      Object.fromEntries(
        saved.map((_, i) => [i, () => einsumGradient(dy as tf.Tensor, saved, attrs.equation as string, i)]),
      ),
  },
];
