import * as tf from "../tensors.ts";
import { type Check, type How, number, OP_BY_OP, ROUNDED } from "./check.ts";
import { GIVEN } from "./inputs.ts";

const X = GIVEN.x.data;

/** A function of single numbers. `within` where the engine may round. */
function each(
  name: string,
  compute: (x: tf.Tensor) => tf.Tensor,
  expected: (x: number) => number,
  how: How = {},
): Check {
  return { name, of: X, compute: ({ x }) => compute(x), expected: () => Array.from(X, expected), ...how };
}

/** A function of x and of `chosen`, which is 0 or 1. */
function chosenOr(
  name: string,
  compute: (x: tf.Tensor, c: tf.Tensor) => tf.Tensor,
  expected: (x: number, c: number) => number,
  how: How = {},
): Check {
  const { data } = GIVEN.chosen;
  return {
    name,
    of: X,
    compute: ({ x, chosen }) => compute(x, chosen),
    expected: () => Array.from(X, (x, i) => expected(x, data[i])),
    ...how,
  };
}

/** Gauss's error function at the numbers of `SPECIALS`. */
const ERF: Readonly<Record<number, number>> = {
  1: 0.8427007929,
  2: 0.9953222650,
  3: 0.9999779095,
  4: 0.9999999846,
};
const erf = (x: number) => Number.isFinite(x) ? Math.sign(x) * (ERF[Math.abs(x)] ?? 0) : Math.sign(x);

/** All comparisons of x with itself and with 0, as the bits of a number. */
const comparisons: Check = {
  name: "comparisons of x",
  of: X,
  compute: ({ x }) => {
    const truths = [tf.equal(x, x), tf.notEqual(x, x), tf.greater(x, 0), tf.greaterEqual(x, 0), tf.less(x, 0)]
      .concat([tf.lessEqual(x, 0), tf.isNaN(x), tf.isFinite(x)]);
    return truths.map((truth, i) => tf.mul(number(truth), 2 ** i)).reduce((a, b) => tf.add(a, b));
  },
  expected: () =>
    X.map((x) =>
      [x === x, x !== x, x > 0, x >= 0, x < 0, x <= 0, Number.isNaN(x), Number.isFinite(x)]
        .reduce((bits, truth, i) => bits + (truth ? 2 ** i : 0), 0)
    ),
};

/** Functions of single numbers: what is no number stays none, and infinities stay what they are. */
export const ELEMENTWISE: readonly Check[] = [
  each("abs(−x) + 1", (x) => tf.add(tf.abs(tf.neg(x)), 1), (x) => Math.abs(x) + 1),
  each("x − x", (x) => tf.sub(x, x), (x) => x - x),
  each("x · 0", (x) => tf.mul(x, 0), (x) => x * 0),
  each("1 ÷ x", (x) => tf.div(1, x), (x) => 1 / x, ROUNDED),
  each("relu(x)", tf.relu, (x) => Math.max(x, 0)),
  each("relu6(x)", tf.relu6, (x) => Math.min(Math.max(x, 0), 6), OP_BY_OP),
  each("maximum(x, 0)", (x) => tf.maximum(x, 0), (x) => Math.max(x, 0), OP_BY_OP),
  each("maximum(0, x)", (x) => tf.maximum(0, x), (x) => Math.max(0, x), OP_BY_OP),
  each("minimum(x, 0)", (x) => tf.minimum(x, 0), (x) => Math.min(x, 0), OP_BY_OP),
  each("minimum(0, x)", (x) => tf.minimum(0, x), (x) => Math.min(0, x), OP_BY_OP),
  chosenOr("maximum(x, c)", (x, c) => tf.maximum(x, c), Math.max),
  chosenOr("maximum(c, x)", (x, c) => tf.maximum(c, x), Math.max),
  chosenOr("minimum(x, c)", (x, c) => tf.minimum(x, c), Math.min),
  chosenOr("minimum(c, x)", (x, c) => tf.minimum(c, x), Math.min),
  each("clipByValue(x, −3, 2)", (x) => tf.clipByValue(x, -3, 2), (x) => Math.min(Math.max(x, -3), 2)),
  each("square(x)", tf.square, (x) => x * x, OP_BY_OP),
  each("floor(x ÷ 2)", (x) => tf.floor(tf.div(x, 2)), (x) => Math.floor(x / 2), OP_BY_OP),
  each("sqrt(x)", tf.sqrt, Math.sqrt, ROUNDED),
  each("rsqrt(x)", tf.rsqrt, (x) => 1 / Math.sqrt(x), ROUNDED),
  each("exp(x)", tf.exp, Math.exp, ROUNDED),
  each("log(x)", tf.log, Math.log, ROUNDED),
  each("tanh(x)", tf.tanh, Math.tanh, { ...ROUNDED, ...OP_BY_OP }),
  each("sigmoid(x)", tf.sigmoid, (x) => 1 / (1 + Math.exp(-x)), { ...ROUNDED, ...OP_BY_OP }),
  each("erf(x)", tf.erf, erf, ROUNDED),
  comparisons,
  chosenOr(
    "where(c, x, 0)",
    (x, c) => tf.where(tf.greater(c, 0), x, tf.zerosLike(x)),
    (x, c) => c > 0 ? x : 0,
  ),
  chosenOr(
    "where(c, 0, x)",
    (x, c) => tf.where(tf.greater(c, 0), tf.zerosLike(x), x),
    (x, c) => c > 0 ? 0 : x,
    OP_BY_OP,
  ),
];
