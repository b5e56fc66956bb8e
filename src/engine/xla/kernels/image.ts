import * as tf from "../tf.ts";
import { binary, compare, constant, convert, dot, iota, like, select, splat, unary } from "../ir/build.ts";
import { broadcast, concatenate, reshape, transpose } from "../ir/movement.ts";
import { isFloat, type Value } from "../ir/types.ts";
import { gather } from "./hlo.ts";
import { take } from "./index.ts";
import type { Lowering, Lowerings } from "./types.ts";

const add = (a: Value, b: Value) => binary("add", a, b);
const sub = (a: Value, b: Value) => binary("subtract", a, b);
const mul = (a: Value, b: Value) => binary("multiply", a, b);

/** Which corners of pixels are kept in place when a picture is resized. */
type Resizing = Pick<tf.ResizeBilinearAttrs, "alignCorners" | "halfPixelCenters">;

/** For each of `to` places along an axis: where between the `from` old places it lies. */
function places(
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: Resizing,
  shift: number,
): number[] {
  const corners = alignCorners && to > 1;
  const ratio = (corners ? from - 1 : from) / (corners ? to - 1 : to);
  return Array.from({ length: to }, (_, i) => halfPixelCenters ? ratio * (i + 0.5) - shift : ratio * i);
}

/** The two neighbours of each place, and how much of the second there is. */
function neighbours(from: number, to: number, attrs: Resizing) {
  const at = places(from, to, attrs, 0.5);
  const low = at.map((x) => Math.max(0, Math.floor(x)));
  return { low, high: at.map((x) => Math.min(from - 1, Math.ceil(x))), part: at.map((x, i) => x - low[i]) };
}

/** The nearest of the old places. */
function nearest(from: number, to: number, attrs: Resizing): number[] {
  return places(from, to, attrs, 0).map((x) =>
    Math.max(0, Math.min(from - 1, attrs.alignCorners ? Math.round(x) : Math.floor(x)))
  );
}

const whole = (x: Value, numbers: number[]) =>
  constant(x.graph, "i32", [numbers.length], Int32Array.from(numbers));

const resizeBilinear: Lowering<tf.ResizeBilinearAttrs> = ({ inputs: { images }, attrs }) => {
  const x = isFloat(images.type.element) ? images : convert(images, "f32");
  return [1, 2].reduce((y, axis) => {
    const { low, high, part } = neighbours(y.type.shape[axis], attrs.size[axis - 1], attrs);
    const first = take(y, whole(y, low), axis), second = take(y, whole(y, high), axis);
    const share = constant(y.graph, "f32", [part.length], Float32Array.from(part));
    return add(first, mul(sub(second, first), broadcast(share, first.type.shape, [axis])));
  }, x);
};

const resizeNearest: Lowering<tf.ResizeNearestNeighborAttrs> = ({ inputs: { images }, attrs }) =>
  [1, 2].reduce(
    (y, axis) => take(y, whole(y, nearest(y.type.shape[axis], attrs.size[axis - 1], attrs)), axis),
    images,
  );

/** What `dy`'s places take from the input's, undone: each place gives back what it took, by a product with the shares. */
const resizeGradient = (bilinear: boolean): Lowering<Resizing> => ({ inputs: { images, dy }, attrs }) => {
  const sizes = images.type.shape;
  return [1, 2].reduce((y, axis) => {
    const from = sizes[axis], to = y.type.shape[axis], shares = new Float32Array(to * from);
    if (bilinear) {
      const { low, high, part } = neighbours(from, to, attrs);
      for (let i = 0; i < to; i++) {
        shares[i * from + low[i]] += 1 - part[i];
        shares[i * from + high[i]] += part[i];
      }
    } else {
      nearest(from, to, attrs).forEach((place, i) => shares[i * from + place] = 1);
    }
    const product = dot(y, constant(y.graph, "f32", [to, from], shares), {
      batch: [[], []],
      contract: [[axis], [0]],
    });
    // The new axis comes last.
    return transpose(product, axis === 1 ? [0, 3, 1, 2] : [0, 1, 3, 2]);
  }, isFloat(dy.type.element) ? dy : convert(dy, "f32"));
};

/** The pixels [...places, channels] at whole-numbered places of pictures; outside ones are moved inside. */
function pixels(images: Value, batch: Value, row: Value, column: Value): Value {
  const { shape } = row.type, channels = images.type.shape[3];
  const part = (v: Value) => reshape(convert(v, "i32"), [...shape, 1]);
  return gather(images, concatenate([batch, row, column].map(part), shape.length), {
    offset: [shape.length],
    collapsed: [0, 1, 2],
    map: [0, 1, 2],
    vector: shape.length,
    sizes: [1, 1, 1, channels],
    shape: [...shape, channels],
  });
}

const floor = (v: Value) => unary("floor", v);
/** Halves go up, as in JavaScript. */
const round = (v: Value) => floor(add(v, like(v, 0.5)));
const within = (v: Value, low: number, high: number) =>
  binary("and", compare("GE", v, like(v, low)), compare("LE", v, like(v, high)));
/** A value for each place spread over the channels. */
const overChannels = (v: Value, channels: number) =>
  broadcast(v, [...v.type.shape, channels], v.type.shape.map((_, i) => i));

const cropAndResize: Lowering<tf.CropAndResizeAttrs> = (
  { graph, inputs: { image, boxes, boxInd }, attrs },
) => {
  const [batch, height, width, channels] = image.type.shape, count = boxes.type.shape[0];
  const [rows, columns] = attrs.cropSize, shape = [count, rows, columns];
  const corner = (i: number) => reshape(take(boxes, whole(boxes, [i]), 1), [count]);
  const along = (low: Value, high: Value, size: number, to: number, axis: number) => {
    if (to === 1) {
      const middle = mul(add(low, high), like(low, 0.5 * (size - 1)));
      return broadcast(middle, shape, [0]);
    }
    const [first, last, span] = [
      mul(low, like(low, size - 1)),
      mul(high, like(high, size - 1)),
      sub(high, low),
    ]
      .map((v) => broadcast(v, shape, [0]));
    const steps = Float32Array.from({ length: to }, (_, i) => (size - 1) * i / (to - 1));
    const place = add(first, mul(span, broadcast(constant(graph, "f32", [to], steps), shape, [axis])));
    // Rounding must not lead out of the box, whose edge may be the picture's.
    return binary(
      "minimum",
      binary("maximum", place, binary("minimum", first, last)),
      binary("maximum", first, last),
    );
  };
  const y = along(corner(0), corner(2), height, rows, 1), x = along(corner(1), corner(3), width, columns, 2);
  const which = broadcast(convert(boxInd, "i32"), shape, [0]);
  const picture = isFloat(image.type.element) ? image : convert(image, "f32");
  const at = (row: Value, column: Value) => pixels(picture, which, row, column);
  const value = attrs.method === "nearest" ? at(round(y), round(x)) : between(y, x, at, channels);
  const inside = overChannels(binary("and", within(y, 0, height - 1), within(x, 0, width - 1)), channels);
  const filled = select(inside, value, like(value, attrs.extrapolationValue ?? 0));
  return select(overChannels(compare("LT", which, like(which, batch)), channels), filled, like(filled, 0));
};

/** Between the four pixels around each place. */
function between(y: Value, x: Value, at: (row: Value, column: Value) => Value, channels: number): Value {
  const top = floor(y), left = floor(x), one = like(y, 1);
  const right = overChannels(sub(x, left), channels), lower = overChannels(sub(y, top), channels);
  const row = (place: Value) => {
    const first = at(place, left);
    return add(first, mul(sub(at(place, add(left, one)), first), right));
  };
  const above = row(top);
  return add(above, mul(sub(row(add(top, one)), above), lower));
}

/** A place outside of a side of length `n` brought inside by TensorFlow's rules. */
function inside(at: Value, n: number, mode: string): Value {
  const clamp = (v: Value) => binary("minimum", binary("maximum", v, like(v, 0)), like(v, n - 1));
  const cut = (v: Value) => select(compare("LT", v, like(v, 0)), unary("ceil", v), floor(v));
  const by = (v: Value, number: number) => mul(v, like(v, number));
  const low = compare("LT", at, like(at, 0)), high = compare("GT", at, like(at, n - 1));
  const choose = (below: Value, above: Value) => clamp(select(low, below, select(high, above, at)));
  if (mode === "nearest") return clamp(at);
  if (mode !== "reflect" && mode !== "wrap") return at;
  if (n <= 1) return choose(like(at, 0), like(at, 0));
  if (mode === "wrap") {
    const turns = (v: Value) => cut(by(v, 1 / (n - 1)));
    return choose(
      add(at, by(add(turns(unary("negate", at)), like(at, 1)), n)),
      sub(at, by(turns(at), n)),
    );
  }
  const turns = (v: Value) => by(cut(by(v, 1 / (2 * n))), 2 * n);
  const up = add(at, turns(unary("negate", at))), down = sub(at, turns(at));
  const mirror = (v: Value) => sub(unary("negate", v), like(v, 1));
  return choose(
    select(compare("LT", up, like(up, -n)), add(up, like(up, 2 * n)), mirror(up)),
    select(compare("GE", down, like(down, n)), add(mirror(down), like(down, 2 * n)), down),
  );
}

const transform: Lowering<tf.TransformAttrs> = ({ graph, inputs: { image, transforms }, attrs }) => {
  const [batch, height, width, channels] = image.type.shape;
  const [rows, columns] = attrs.outputShape ?? [height, width], shape = [batch, rows, columns];
  const part = (i: number) => {
    const numbers = take(transforms, whole(transforms, [i]), 1);
    return transforms.type.shape[0] === 1
      ? broadcast(reshape(numbers, []), shape, [])
      : broadcast(reshape(numbers, [batch]), shape, [0]);
  };
  const y = iota(graph, "f32", shape, 1), x = iota(graph, "f32", shape, 2);
  const line = (a: number, b: number, c: Value) => add(add(mul(part(a), x), mul(part(b), y)), c);
  const projection = line(6, 7, like(x, 1));
  const place = (a: number, n: number) =>
    inside(binary("divide", line(a, a + 1, part(a + 2)), projection), n, attrs.fillMode);
  const column = place(0, width), row = place(3, height), which = iota(graph, "i32", shape, 0);
  const picture = isFloat(image.type.element) ? image : convert(image, "f32");
  const fill = (v: Value) => like(v, attrs.fillValue ?? 0);
  const at = (r: Value, c: Value) => {
    const value = pixels(picture, which, r, c);
    const seen = binary("and", within(r, 0, height - 1), within(c, 0, width - 1));
    return select(overChannels(seen, channels), value, fill(value));
  };
  const value = attrs.interpolation === "nearest"
    ? at(round(row), round(column))
    : between(row, column, at, channels);
  const finite = compare("NE", projection, like(projection, 0));
  return convert(select(overChannels(finite, channels), value, fill(value)), image.type.element);
};

/** A turn about a centre: which pixel goes where is known beforehand. */
const rotate: Lowering<tf.RotateWithOffsetAttrs> = (
  { graph, inputs: { image }, attrs: { radians, fillValue, center } },
) => {
  const [batch, height, width, channels] = image.type.shape;
  const [centerX, centerY] = tf.backend_util.getImageCenter(center, height, width);
  const sin = Math.sin(radians), cos = Math.cos(radians);
  const from = new Int32Array(height * width), seen = new Uint8Array(height * width);
  for (let i = 0; i < from.length; i++) {
    const x = i % width - centerX, y = Math.floor(i / width) - centerY;
    const column = Math.round(x * cos - y * sin + centerX), row = Math.round(x * sin + y * cos + centerY);
    if (column < 0 || column >= width || row < 0 || row >= height) continue;
    from[i] = row * width + column;
    seen[i] = 1;
  }
  const flat = [batch, height * width, channels];
  const { element } = image.type;
  // Without a single number to fill with, the fourth channel becomes opaque.
  const fills = typeof fillValue === "number" ? splat(graph, element, flat, fillValue) : broadcast(
    convert(whole(image, Array.from({ length: channels }, (_, c) => c === 3 ? 255 : fillValue[c])), element),
    flat,
    [2],
  );
  const moved = take(reshape(image, flat), constant(graph, "i32", [from.length], from), 1);
  const shown = broadcast(constant(graph, "pred", [seen.length], seen), flat, [1]);
  return reshape(select(shown, moved, fills), [...image.type.shape]);
};

/** Kernels for pictures [batch, height, width, channels]. */
export const IMAGE: Lowerings = {
  ResizeBilinear: resizeBilinear,
  ResizeNearestNeighbor: resizeNearest,
  ResizeBilinearGrad: resizeGradient(true),
  ResizeNearestNeighborGrad: resizeGradient(false),
  CropAndResize: cropAndResize,
  Transform: transform,
  RotateWithOffset: rotate,
};
