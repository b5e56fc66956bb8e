import { binary, compare, convert, like, select, unary } from "../ir/build.ts";
import { broadcastShape, broadcastTo, reshape } from "../ir/movement.ts";
import { type DotAxes, sizeOf, type Value } from "../ir/types.ts";
import { arrangedDot } from "./arrange.ts";
import type { Precision } from "../types.ts";
import type * as tf from "../tf.ts";
import { type Call, counting, type Lowerings } from "./types.ts";

/**
 * A product whose operands and result are rounded to the policy's element type, as in autocast; it is summed in float32
 * and handed on as float32. What is kept for the gradients then takes half the memory, and on processors such products
 * are up to twice as fast as those with float32 results.
 *
 * @param result Element type that the result is rounded to, where the operands are. Default: theirs.
 */
export function policyDot(
  precision: Precision,
  a: Value,
  b: Value,
  axes: DotAxes,
  result: "bf16" | "f32" = "bf16",
): Value {
  if (precision !== "bfloat16" || a.type.element !== "f32") return arrangedDot(a, b, axes, a.type.element);
  return convert(arrangedDot(convert(a, "bf16"), convert(b, "bf16"), axes, result), "f32");
}

/**
 * How the result of aᵀ·b is rounded. On several devices that is a sum over rows, of which each device has a part: what the
 * devices add is not rounded before, unless that was asked for.
 */
const sumOf = ({ graph: { mesh } }: Value, overRows: boolean) =>
  overRows && mesh ? mesh.sums ?? "f32" : "bf16";

/**
 * The matrix product over the last two axes; leading axes are batch and broadcast.
 *
 * @throws {Error} When the inner axes have another length, in tfjs's own words.
 */
export function matMul(
  precision: Precision,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
): Value {
  if (a.type.element === "pred") return matMul(precision, counting(a), counting(b), transposeA, transposeB);
  const left = a.type.shape.slice(0, -2), right = b.type.shape.slice(0, -2);
  const [m, ka] = a.type.shape.slice(-2), [kb, n] = b.type.shape.slice(-2);
  const rows = transposeA ? ka : m, columns = transposeB ? kb : n;
  const inner = [transposeA ? m : ka, transposeB ? n : kb];
  if (inner[0] !== inner[1]) {
    throw new Error(
      `Error in matMul: inner shapes (${inner[0]}) and (${
        inner[1]
      }) of Tensors with shapes ${a.type.shape} and ` +
        `${b.type.shape} and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  }
  const batch = broadcastShape(left, right);
  if (sizeOf(batch) === 1) {
    const product = policyDot(precision, reshape(a, [m, ka]), reshape(b, [kb, n]), {
      batch: [[], []],
      contract: [[transposeA ? 0 : 1], [transposeB ? 1 : 0]],
    }, sumOf(a, transposeA && !transposeB));
    return reshape(product, [...batch, rows, columns]);
  }
  const r = batch.length, axes = batch.map((_, i) => i);
  const product = policyDot(
    precision,
    broadcastTo(a, [...batch, m, ka]),
    broadcastTo(b, [...batch, kb, n]),
    { batch: [axes, axes], contract: [[transposeA ? r : r + 1], [transposeB ? r + 1 : r]] },
  );
  return product;
}

/** What tfjs's fused kernels do at last. */
export interface Activation {
  activation?: tf._FusedMatMulAttrs["activation"];
  leakyreluAlpha?: number;
}

/**
 * The activation of tfjs's fused kernels.
 *
 * @throws {Error} When the activation is not known.
 */
export function activate(x: Value, { inputs, attrs }: Pick<Call<Activation>, "inputs" | "attrs">): Value {
  switch (attrs.activation ?? "linear") {
    case "linear":
      return x;
    case "relu":
      return binary("maximum", x, like(x, 0));
    case "relu6":
      return binary("minimum", binary("maximum", x, like(x, 0)), like(x, 6));
    case "elu":
      return select(compare("GT", x, like(x, 0)), x, unary("exponential_minus_one", x));
    case "sigmoid":
      return unary("logistic", x);
    case "prelu":
      return select(
        compare("LT", x, like(x, 0)),
        binary("multiply", broadcastTo(inputs.preluActivationWeights, x.type.shape), x),
        x,
      );
    case "leakyrelu":
      return select(
        compare("GT", x, like(x, 0)),
        x,
        binary("multiply", x, like(x, attrs.leakyreluAlpha ?? 0.2)),
      );
    default:
      throw new Error(`xla: unknown activation ${attrs.activation}`);
  }
}

/** Matrix products. */
export const PRODUCT: Lowerings = {
  BatchMatMul: ({ precision, inputs: { a, b }, attrs }) =>
    matMul(precision, a, b, attrs.transposeA ?? false, attrs.transposeB ?? false),
  _FusedMatMul: (call) => {
    const { precision, inputs: { a, b, bias }, attrs } = call;
    const product = matMul(precision, a, b, attrs.transposeA ?? false, attrs.transposeB ?? false);
    const sum = bias ? binary("add", product, broadcastTo(bias, product.type.shape)) : product;
    return activate(sum, call);
  },
};
