import { binary, compare, convert, iota, like, neutral, reduce, select, unary } from "../ir/build.ts";
import { broadcast, reshape } from "../ir/movement.ts";
import type * as tf from "../tf.ts";
import { isFloat, type ReducerName, sizeOf, type Value } from "../ir/types.ts";
import { axesOf, axisOf, counting, type Lowering, type Lowerings } from "./types.ts";

/** Puts reduced axes back with length 1. */
function keep(reduced: Value, shape: readonly number[], axes: readonly number[], keepDims: boolean): Value {
  return keepDims ? reshape(reduced, shape.map((n, i) => axes.includes(i) ? 1 : n)) : reduced;
}

/** Repeats a reduced value over the axes that were reduced. */
export function spread(reduced: Value, shape: readonly number[], axes: readonly number[]): Value {
  return broadcast(reduced, shape, shape.map((_, i) => i).filter((i) => !axes.includes(i)));
}

/** Max alone says reductionIndices. */
type Reduction = tf.SumAttrs | tf.MaxAttrs;

const reducing = (name: ReducerName, prepare: (x: Value) => Value = (x) => x): Lowering<Reduction> =>
(
  { inputs, attrs },
) => {
  const x = prepare(inputs.x), { shape } = x.type;
  const axes = axesOf("axis" in attrs ? attrs.axis : attrs.reductionIndices, shape.length);
  return keep(reduce(name, x, axes), shape, axes, attrs.keepDims);
};

/**
 * The largest or least, and not-a-number where there is one: XLA's CPU libraries pass over it in large reductions, whatever
 * the compiler is told. Other platforms keep it, and a second pass would cost them more than it does the processor.
 */
const extreme = (name: "maximum" | "minimum"): Lowering<Reduction> => {
  const best = reducing(name);
  const any = reducing("or", (x) => compare("NE", x, x));
  return (call) => {
    const result = best(call) as Value;
    return call.graph.losesNaN && isFloat(result.type.element)
      ? select(any(call) as Value, like(result, NaN), result)
      : result;
  };
};

const truth = (x: Value) => convert(x, "pred");

/** The first position of the largest (or least) element along an axis. */
function firstBest(x: Value, axis: number, name: "maximum" | "minimum"): Value {
  const { shape } = x.type;
  if (shape[axis] === 0) throw new Error("xla: an axis without elements has neither a largest nor a least");
  const best = spread(reduce(name, x, [axis]), shape, [axis]);
  const index = iota(x.graph, "i32", shape, axis);
  return reduce("minimum", select(compare("EQ", x, best), index, like(index, shape[axis])), [axis]);
}

/** Not-a-number is neither the largest nor the least. */
const argument = (name: "maximum" | "minimum"): Lowering<tf.ArgMaxAttrs> => ({ inputs, attrs }) => {
  const given = counting(inputs.x);
  const x = isFloat(given.type.element)
    ? select(compare("NE", given, given), like(given, neutral(name, "f32")), given)
    : given;
  // tfjs gives a list of one, whatever its types say.
  const [axis] = [attrs.axis].flat();
  return firstBest(x, axisOf(axis ?? 0, x.type.shape.length), name);
};

/** exp(x − max) and its sum along the last axis. */
function shifted(
  logits: Value,
): { less: Value; exponentials: Value; sum: Value; spreadLast: (v: Value) => Value } {
  const x = isFloat(logits.type.element) ? logits : convert(logits, "f32");
  const { shape } = x.type, last = [shape.length - 1];
  const spreadLast = (v: Value) => spread(v, shape, last);
  const less = binary("subtract", x, spreadLast(reduce("maximum", x, last)));
  const exponentials = unary("exponential", less);
  return { less, exponentials, sum: reduce("add", exponentials, last), spreadLast };
}

/** Kernels that reduce axes. */
export const REDUCTION: Lowerings = {
  Sum: reducing("add", counting),
  Max: extreme("maximum"),
  Min: extreme("minimum"),
  Prod: reducing("multiply", counting),
  All: reducing("and", truth),
  Any: reducing("or", truth),
  Mean: ({ inputs, attrs }) => {
    const x = isFloat(inputs.x.type.element) ? inputs.x : convert(inputs.x, "f32");
    const { shape } = x.type, axes = axesOf(attrs.axis, shape.length);
    const sum = reduce("add", x, axes);
    const count = sizeOf(axes.map((axis) => shape[axis]));
    return keep(binary("divide", sum, like(sum, count)), shape, axes, attrs.keepDims);
  },
  ArgMax: argument("maximum"),
  ArgMin: argument("minimum"),
  Softmax: ({ inputs: { logits } }) => {
    const { exponentials, sum, spreadLast } = shifted(logits);
    return binary("divide", exponentials, spreadLast(sum));
  },
  LogSoftmax: ({ inputs: { logits } }) => {
    const { less, sum, spreadLast } = shifted(logits);
    return binary("subtract", less, spreadLast(unary("log", sum)));
  },
};
