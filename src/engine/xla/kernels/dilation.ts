import * as tf from "../tf.ts";
import { binary, compare, convert, like, reduce, select } from "../ir/build.ts";
import { broadcast, pad, reshape, slice } from "../ir/movement.ts";
import { isFloat, type Value } from "../ir/types.ts";
import type { Window } from "./hlo.ts";
import { offsets, windowElements } from "./pool.ts";
import { type Call, type Lowerings, widened } from "./types.ts";

/** Everything that dilation does, offset by offset in its window. */
function parts({ inputs, attrs }: Call<tf.Dilation2DAttrs>) {
  const [x, filter] = widened([inputs.x, inputs.filter]);
  const info = tf.backend_util.computeDilation2DInfo(
    x.type.shape as [number, number, number, number],
    filter.type.shape as [number, number, number],
    attrs.strides,
    attrs.pad,
    "NHWC",
    attrs.dilations,
  );
  const shape = info.outShape, [, height, width] = x.type.shape;
  const strides = [1, info.strideHeight, info.strideWidth, 1];
  const dilation = [1, info.dilationHeight, info.dilationWidth, 1];
  const size = [1, info.filterHeight, info.filterWidth, 1];
  const low = [0, info.padInfo.top, info.padInfo.left, 0];
  const padding = [shape[0], height, width, shape[3]].map((n, i): [number, number] => [
    low[i],
    (shape[i] - 1) * strides[i] + (size[i] - 1) * dilation[i] + 1 - n - low[i],
  ]);
  const window: Window = { size, strides, dilation, padding };
  const least = isFloat(x.type.element) ? -Infinity : -1073741824;
  const steps = offsets(size).map((offset) => {
    const one = slice(filter, [offset[1], offset[2], 0], [offset[1] + 1, offset[2] + 1, shape[3]]);
    const value = binary(
      "add",
      windowElements(x, window, shape, offset, least),
      broadcast(reshape(one, [shape[3]]), shape, [3]),
    );
    return { offset, value };
  });
  return { window, shape, steps };
}

/** By offset: 1 where that offset is the first with the largest sum, else 0. */
function winners(steps: { offset: number[]; value: Value }[]): Value[] {
  const best = steps.map(({ value }) => value).reduce((a, b) => binary("maximum", a, b));
  let open = compare("EQ", best, best);
  return steps.map(({ value }) => {
    const hit = binary("and", open, compare("EQ", value, best));
    open = binary("and", open, compare("NE", value, best));
    return hit;
  });
}

/** Morphological dilation and its gradients. */
export const DILATION: Lowerings = {
  Dilation2D: (call) => parts(call).steps.map(({ value }) => value).reduce((a, b) => binary("maximum", a, b)),
  Dilation2DBackpropInput: (call) => {
    const { window: { strides, dilation, padding }, steps, shape } = parts(call);
    const { x } = call.inputs, dy = convert(call.inputs.dy, x.type.element);
    return winners(steps).map((hit, k) => {
      const share = select(hit, dy, like(dy, 0)), { offset } = steps[k];
      const low = offset.map((o, i) => o * dilation[i] - padding[i][0]);
      const high = offset.map((_, i) => x.type.shape[i] - low[i] - ((shape[i] - 1) * strides[i] + 1));
      return pad(share, low, high, 0, strides.map((s) => s - 1));
    }).reduce((a, b) => binary("add", a, b));
  },
  Dilation2DBackpropFilter: (call) => {
    const { steps } = parts(call), { filter } = call.inputs, { shape } = filter.type;
    const dy = convert(call.inputs.dy, filter.type.element);
    const zero = shape.map(() => 0);
    return winners(steps).map((hit, k) => {
      const [, row, column] = steps[k].offset;
      const one = reshape(reduce("add", select(hit, dy, like(dy, 0)), [0, 1, 2]), [1, 1, shape[2]]);
      const low = [row, column, 0];
      return pad(one, low, zero.map((_, i) => i === 2 ? 0 : shape[i] - 1 - low[i]));
    }).reduce((a, b) => binary("add", a, b));
  },
};
