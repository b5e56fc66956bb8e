import { dot, text } from "../ir/build.ts";
import { transpose } from "../ir/movement.ts";
import { type DotAxes, type ElementType, sizeOf, type Value } from "../ir/types.ts";

/** A product of smaller operands takes less time than the copy that would speed it up. */
const SMALL = 1 << 14;

/** The program that tells whether a compiler knows how to keep a layout. */
export const LAYOUT_PROBE = `module @probe {
  func.func public @main(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
    %t = "stablehlo.transpose"(%x) <{permutation = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>
    %r = ${constraint("%t", "tensor<3x2xf32>", 2)}
    return %r : tensor<3x2xf32>
  }
}`;

function constraint(operand: string, type: string, rank: number): string {
  const layout = `dense<[${Array.from({ length: rank }, (_, i) => rank - 1 - i)}]> : tensor<${rank}xindex>`;
  return `stablehlo.custom_call @LayoutConstraint(${operand}) ` +
    `{operand_layouts = [${layout}], result_layouts = [${layout}]} : (${type}) -> ${type}`;
}

/** The value, laid out row by row in memory. Without this, a transpose is only a note to the operation that reads it. */
function rowMajor(x: Value): Value {
  return text(x.graph, constraint("%0", "%t0", x.type.shape.length), [x], x.type);
}

/** The last two axes changed over, in memory too. */
function turned(x: Value): Value {
  const rank = x.type.shape.length;
  const order = x.type.shape.map((_, i) => i < rank - 2 ? i : 2 * rank - 3 - i);
  return rowMajor(transpose(x, order));
}

/**
 * A product that XLA's CPU compiler runs fast. Its own products reach the processor's peak where the first operand is
 * contracted over its last axis; where it is contracted over an earlier one, as in every weight gradient and in
 * softmax(…)ᵀ·g, they take twice as long in float32 and four times in bfloat16. There the smaller operand is transposed
 * in memory first, which takes a fraction of the product's time. Other devices, and programs for several, get the plain
 * product.
 */
export function arrangedDot(a: Value, b: Value, axes: DotAxes, element: ElementType): Value {
  const { batch, contract } = axes, r = batch[0].length;
  const matrices = a.type.shape.length === r + 2 && b.type.shape.length === r + 2 &&
    contract[0].length === 1 && batch.every((list) => list.every((axis, i) => axis === i));
  if (!a.graph.arranges || !matrices || contract[0][0] !== r) return dot(a, b, axes, element);
  const [k, m] = a.type.shape.slice(-2), n = b.type.shape[contract[1][0] === r ? r + 1 : r];
  if (Math.min(sizeOf(a.type.shape), sizeOf(b.type.shape)) < SMALL) return dot(a, b, axes, element);
  if (contract[1][0] === r && k * n + n * m < k * m) {
    return turned(rowMajor(dot(turned(b), a, { batch, contract: [[r + 1], [r]] }, element)));
  }
  return dot(turned(a), b, { batch, contract: [[r + 1], contract[1]] }, element);
}
