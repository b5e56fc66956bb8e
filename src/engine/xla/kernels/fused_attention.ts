import { convert, splat, texts } from "../ir/build.ts";
import { typeText } from "../ir/literals.ts";
import { transpose } from "../ir/movement.ts";
import { sizeOf, type TensorType, type Value } from "../ir/types.ts";
import type { FusedAttentionAttrs } from "../types.ts";
import type { Call, Lowering, Lowerings } from "./types.ts";

/** How a product of the library's operation takes its operands, in the words of XLA's description. */
function product(name: string, contract: [number, number], batch: [number, number][]) {
  const axes = (list: number[]) => list.map(String);
  return {
    [`${name}_dot_dimension_numbers`]: {
      lhs_contracting_dimensions: axes([contract[0]]),
      rhs_contracting_dimensions: axes([contract[1]]),
      lhs_batch_dimensions: axes(batch.map(([left]) => left)),
      rhs_batch_dimensions: axes(batch.map(([, right]) => right)),
    },
  };
}

const FORWARD = [
  product("bmm1", [3, 3], [[0, 0], [2, 2]]),
  product("bmm2", [3, 1], [[0, 0], [1, 2]]),
];
const BACKWARD = [
  product("bmm1_grad_gemm1", [2, 1], [[0, 0], [1, 2]]),
  product("bmm1_grad_gemm2", [3, 1], [[0, 0], [1, 2]]),
  product("bmm2_grad_gemm1", [2, 1], [[0, 0], [1, 2]]),
  product("bmm2_grad_gemm2", [3, 3], [[0, 0], [2, 2]]),
];

/** XLA's description of a call of cuDNN's attention (GpuBackendConfig as JSON). */
function description([n, t, h]: readonly number[], scale: number, products: readonly object[]): string {
  const whole = (number: number) => String(number);
  return JSON.stringify({
    operation_queue_id: "0",
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: "0",
        math_type: "TENSOR_OP_MATH",
        tuning_knobs: { "17": "1", "24": "0" },
        is_cudnn_frontend: true,
        workspace_size: "0",
      },
      fmha_scale: scale,
      intermediate_tensor_shape: {
        element_type: "BF16",
        dimensions: [n, h, t, t].map(whole),
        tuple_shapes: [],
        layout: {
          dim_level_types: [],
          dim_unique: [],
          dim_ordered: [],
          minor_to_major: [3, 2, 1, 0].map(whole),
          tiles: [],
          element_size_in_bits: "0",
          memory_space: "0",
          index_primitive_type: "PRIMITIVE_TYPE_INVALID",
          pointer_primitive_type: "PRIMITIVE_TYPE_INVALID",
          dynamic_shape_metadata_prefix_bytes: "0",
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: "PADDING",
      ...Object.assign({}, ...products),
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: 0,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  });
}

/** A call of the library; every operand lies row by row, and so do the results, by the orders that are given. */
function call(
  target: string,
  config: string,
  operands: Value[],
  results: { type: TensorType; order: readonly number[] }[],
  flops: number,
): Value[] {
  const layout = (order: readonly number[]) =>
    `dense<${order.length > 1 ? `[${order.join(", ")}]` : order[0]}> : tensor<${order.length}xindex>`;
  const rows = ({ type: { shape } }: Value) => shape.map((_, i) => shape.length - 1 - i);
  // MLIR's strings write a quotation mark by its code.
  const text = config.replaceAll('"', "\\22");
  return texts(
    operands[0].graph,
    `stablehlo.custom_call @${target}(${operands.map((_, i) => `%${i}`).join(", ")}) ` +
      `{api_version = 2 : i32, backend_config = "${text}", ` +
      `operand_layouts = [${operands.map((value) => layout(rows(value))).join(", ")}], ` +
      `result_layouts = [${results.map(({ order }) => layout(order)).join(", ")}]} : ` +
      `(${operands.map((_, i) => `%t${i}`).join(", ")}) -> (${
        results.map(({ type }) => typeText(type)).join(", ")
      })`,
    operands,
    results.map(({ type }) => type),
    flops,
  );
}

/** [N, T, heads, size] by heads, in memory by tokens: what the library gives, and the transpose that costs nothing. */
const byHeads = ({ type: { shape: [n, t, h, size] } }: Value) => ({
  type: { element: "bf16" as const, shape: [n, h, t, size] },
  order: [3, 1, 2, 0],
});
const byTokens = (value: Value) => convert(transpose(value, [0, 2, 1, 3]), "f32");
const workspace = { type: { element: "u8" as const, shape: [0] }, order: [0] };

/** The number of tokens that count, for every sequence. */
const lengths = ({ graph, type: { shape: [n] } }: Value, tokens: number) => splat(graph, "i32", [n], tokens);

/** Operations of the attention's two products, or of the four of its gradient, without what the library computes again. */
const operations = ({ type: { shape } }: Value, products: number) => 2 * products * sizeOf(shape) * shape[1];

const forward: Lowering<FusedAttentionAttrs> = ({ inputs, attrs }: Call<FusedAttentionAttrs>) => {
  const [q, k, v] = [inputs.q, inputs.k, inputs.v].map((x) => convert(x, "bf16"));
  const [n, t, h] = q.type.shape, length = lengths(q, attrs.tokens);
  const [out, sums] = call(
    "__cudnn$fmhaSoftmax",
    description(q.type.shape, attrs.scale, FORWARD),
    [q, k, v, length, length],
    [byHeads(q), { type: { element: "f32", shape: [n, h, t] }, order: [2, 1, 0] }, workspace],
    operations(q, 2),
  );
  return [byTokens(out), sums];
};

const backward: Lowering<FusedAttentionAttrs> = ({ inputs, attrs }: Call<FusedAttentionAttrs>) => {
  const [q, k, v, dy, out] = [inputs.q, inputs.k, inputs.v, inputs.dy, inputs.out].map((x) =>
    convert(x, "bf16")
  );
  const length = lengths(q, attrs.tokens);
  const results = call(
    "__cudnn$fmhaSoftmaxBackward",
    description(q.type.shape, attrs.scale, BACKWARD),
    [q, k, v, inputs.sums, dy, out, length, length],
    [byHeads(q), byHeads(k), byHeads(v), workspace],
    operations(q, 4),
  );
  return results.slice(0, 3).map(byTokens);
};

/** cuDNN's attention and its gradient, see `fusedAttention`. XLA knows these calls on NVIDIA's cards alone. */
export const FUSED_ATTENTION: Lowerings = { FusedAttention: forward, FusedAttentionGrad: backward };
