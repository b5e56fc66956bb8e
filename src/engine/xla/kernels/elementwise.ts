import { binary, compare, convert, like, select, splat, splatOf, unary } from "../ir/build.ts";
import { broadcastShape, broadcastTo, reshape } from "../ir/movement.ts";
import {
  type BinaryName,
  type Comparison,
  type ElementType,
  isFloat,
  type UnaryName,
  type Value,
} from "../ir/types.ts";
import { counting, floating, holds, type Lowering, type Lowerings } from "./types.ts";

const add = (a: Value, b: Value) => binary("add", a, b);
const sub = (a: Value, b: Value) => binary("subtract", a, b);
const mul = (a: Value, b: Value) => binary("multiply", a, b);
const div = (a: Value, b: Value) => binary("divide", a, b);

/** A kernel that is one StableHLO function of floating-point `x`. */
const direct = (name: UnaryName): Lowering => ({ inputs }) => unary(name, floating(inputs.x));

/** As {@linkcode direct}; whole numbers stay as they are. */
const rounding = (name: UnaryName): Lowering => ({ inputs: { x } }) =>
  isFloat(x.type.element) ? unary(name, x) : x;

/** A kernel that is a function of `x`. */
const map = <Attrs>(f: (x: Value, attrs: Attrs) => Value): Lowering<Attrs> => ({ inputs, attrs }) =>
  f(inputs.x, attrs ?? {} as Attrs);

/** Both operands under the shape that broadcasting gives them. */
export function broadcastPair(a: Value, b: Value): [Value, Value] {
  const shape = broadcastShape(a.type.shape, b.type.shape);
  return [broadcastTo(a, shape), broadcastTo(b, shape)];
}

const pair = (f: (a: Value, b: Value) => Value): Lowering => ({ inputs }) =>
  f(...broadcastPair(inputs.a, inputs.b));

/** As {@linkcode pair}, of truth values as numbers. */
const counted = (f: (a: Value, b: Value) => Value): Lowering => pair((a, b) => f(counting(a), counting(b)));
const arithmetic = (name: BinaryName): Lowering => counted((a, b) => binary(name, a, b));

const compared = (direction: Comparison): Lowering => pair((a, b) => compare(direction, a, b));
const truth = (x: Value) => convert(x, "pred");
const logical = (name: "and" | "or" | "xor"): Lowering => pair((a, b) => binary(name, truth(a), truth(b)));

const isNan = (x: Value) => isFloat(x.type.element) ? compare("NE", x, x) : convert(like(x, 0), "pred");

/** What is computed of whole numbers by dividing by `b`, and 0, as tfjs has it, where `b` is 0. */
function unlessZero(result: Value, b: Value): Value {
  const known = splatOf(b);
  return known !== undefined && known !== 0
    ? result
    : select(compare("EQ", b, like(b, 0)), like(result, 0), result);
}

/** Rounded toward minus infinity, for whole numbers too. */
function floorDivide(a: Value, b: Value): Value {
  if (isFloat(a.type.element)) return unary("floor", div(a, b));
  const rest = binary("remainder", a, b), zero = like(a, 0);
  const uneven = compare("NE", rest, zero);
  const signs = binary("xor", compare("LT", a, zero), compare("LT", b, zero));
  return unlessZero(sub(div(a, b), convert(binary("and", uneven, signs), a.type.element)), b);
}

/** The remainder with the divisor's sign. */
function floorModulo(a: Value, b: Value): Value {
  const rest = binary("remainder", a, b), zero = like(a, 0);
  const wrong = binary("xor", compare("LT", a, zero), compare("LT", b, zero));
  const modulo = select(wrong, binary("remainder", add(rest, b), b), rest);
  return isFloat(a.type.element) ? modulo : unlessZero(modulo, b);
}

/** Small whole and half powers as products and roots: `power` is slow, and gradients make many of these. */
function power(a: Value, b: Value): Value {
  const exponent = splatOf(b);
  if (exponent === undefined || !isFloat(a.type.element)) return binary("power", a, b);
  switch (exponent) {
    case 2:
      return mul(a, a);
    case 3:
      return mul(a, mul(a, a));
    case -1:
      return div(like(a, 1), a);
    case -2:
      return div(like(a, 1), mul(a, a));
    default:
      return binary("power", a, b);
  }
}

const SELU_ALPHA = 1.7580993408473768599402175208123;
const SELU_SCALE = 1.0507009873554804934193349852946;

const positive = (x: Value) => compare("GT", x, like(x, 0));

/** Converts to another element type as tfjs does: fractions are cut off, anything but 0 is true. */
function cast(x: Value, dtype: string): Value {
  const element =
    ({ float32: "f32", int32: "i32", bool: "pred", complex64: "c64" } as Record<string, ElementType>)[dtype];
  if (element === undefined) throw new Error(`xla: a tensor cannot be cast to ${dtype}`);
  if (element === "pred") return x.type.element === "pred" ? x : compare("NE", x, like(x, 0));
  if (element === "c64" && x.type.element !== "c64") {
    const real = convert(x, "f32");
    return binary("complex", real, like(real, 0));
  }
  if (x.type.element === "c64" && element !== "c64") return convert(unary("real", x), element);
  // XLA makes 0 of a product of not-a-number or infinity and a converted truth value, but not of one and such a choice.
  if (x.type.element === "pred" && isFloat(element)) {
    return select(x, splat(x.graph, element, x.type.shape, 1), splat(x.graph, element, x.type.shape, 0));
  }
  return convert(x, element);
}

/** Elementwise kernels. */
export const ELEMENTWISE: Lowerings = {
  Abs: map((x) => x.type.element === "pred" ? x : unary("abs", x)),
  Acos: direct("acos"),
  Acosh: direct("acosh"),
  Asin: direct("asin"),
  Asinh: direct("asinh"),
  Atan: direct("atan"),
  Atanh: direct("atanh"),
  Ceil: rounding("ceil"),
  Cos: direct("cosine"),
  Cosh: direct("cosh"),
  Erf: direct("erf"),
  Exp: direct("exponential"),
  Expm1: direct("exponential_minus_one"),
  Floor: rounding("floor"),
  Log: direct("log"),
  Log1p: direct("log_plus_one"),
  Neg: map((x) => unary("negate", counting(x))),
  Round: rounding("round_nearest_even"),
  Rsqrt: direct("rsqrt"),
  Sigmoid: direct("logistic"),
  // Not-a-number has no sign here.
  Sign: map((x) => x.type.element === "pred" ? x : select(isNan(x), like(x, 0), unary("sign", x))),
  Sin: direct("sine"),
  Sinh: direct("sinh"),
  Sqrt: direct("sqrt"),
  Tan: direct("tan"),
  Tanh: direct("tanh"),
  LogicalNot: map((x) => unary("not", truth(x))),
  IsFinite: map((x) => isFloat(x.type.element) ? unary("is_finite", x) : unary("not", isNan(x))),
  IsInf: map((x) => isFloat(x.type.element) ? compare("EQ", unary("abs", x), like(x, Infinity)) : isNan(x)),
  IsNan: map(isNan),
  Reciprocal: map((x) => div(like(floating(x), 1), floating(x))),
  Square: map((x) => mul(x, x)),
  Relu: map((x) => binary("maximum", x, like(x, 0))),
  Relu6: map((x) =>
    x.type.element === "pred" ? x : binary("minimum", binary("maximum", x, like(x, 0)), like(x, 6))
  ),
  Elu: map((x) => select(positive(x), x, unary("exponential_minus_one", x))),
  EluGrad: ({ inputs: { dy, y } }) => select(compare("GE", y, like(y, 0)), dy, mul(dy, add(y, like(y, 1)))),
  Selu: map((whole) => {
    const x = floating(whole);
    return select(
      compare("GE", x, like(x, 0)),
      mul(x, like(x, SELU_SCALE)),
      mul(unary("exponential_minus_one", x), like(x, SELU_ALPHA)),
    );
  }),
  LeakyRelu: map((whole, { alpha }) => {
    const x = floating(whole);
    return select(positive(x), x, mul(x, like(x, alpha)));
  }),
  Prelu: ({ inputs }) => {
    const [x, alpha] = broadcastPair(floating(inputs.x), floating(inputs.alpha));
    return select(compare("LT", x, like(x, 0)), mul(alpha, x), x);
  },
  Softplus: map((whole) => {
    const x = floating(whole);
    return add(
      binary("maximum", x, like(x, 0)),
      unary("log_plus_one", unary("exponential", unary("negate", unary("abs", x)))),
    );
  }),
  Step: map((x, { alpha }) => select(isNan(x), x, select(positive(x), like(x, 1), like(x, alpha ?? 0)))),
  ClipByValue: map((given, { clipValueMin, clipValueMax }) => {
    const x = counting(given);
    return binary("minimum", binary("maximum", x, like(x, clipValueMin)), like(x, clipValueMax));
  }),
  Cast: ({ inputs, attrs }) => cast(inputs.x, attrs.dtype),
  Add: arithmetic("add"),
  Sub: arithmetic("subtract"),
  Multiply: arithmetic("multiply"),
  RealDiv: pair((a, b) => div(floating(a), floating(b))),
  FloorDiv: counted(floorDivide),
  Mod: counted(floorModulo),
  Maximum: arithmetic("maximum"),
  Minimum: arithmetic("minimum"),
  Pow: counted(power),
  SquaredDifference: counted((a, b) => mul(sub(a, b), sub(a, b))),
  Atan2: pair((a, b) => binary("atan2", floating(a), floating(b))),
  AddN: ({ inputs }) => Object.values(inputs).map(counting).reduce(add),
  Equal: compared("EQ"),
  NotEqual: compared("NE"),
  Greater: compared("GT"),
  GreaterEqual: compared("GE"),
  Less: compared("LT"),
  LessEqual: compared("LE"),
  LogicalAnd: logical("and"),
  LogicalOr: logical("or"),
  LogicalXor: logical("xor"),
  BitwiseAnd: pair((a, b) => binary("and", a, b)),
  Select: ({ inputs: { condition, t, e } }) => {
    // A condition of rank 1 chooses whole rows.
    const { shape } = t.type;
    const spread = condition.type.shape.length === 1 && shape.length > 1
      ? { ...condition.type, shape: [shape[0], ...shape.slice(1).map(() => 1)] }
      : condition.type;
    const { element } = (holds(t.type.element, e.type.element) ? t : e).type;
    const chosen = broadcastTo(reshape(truth(condition), spread.shape), shape);
    return select(chosen, convert(t, element), convert(e, element));
  },
  Complex: ({ inputs: { real, imag } }) => binary("complex", real, imag),
  Real: ({ inputs: { input } }) => input.type.element === "c64" ? unary("real", input) : input,
  Imag: ({ inputs: { input } }) => input.type.element === "c64" ? unary("imag", input) : like(input, 0),
  ComplexAbs: map((x) => unary("abs", x)),
};
