/** Reads ONNX files and computes them with TensorFlow.js: a second opinion on what is exported. */
import assert from "node:assert/strict";
import * as tf from "../../src/engine/tensors.ts";

/** A Protocol Buffers message: the values of each field. */
type Fields = Map<number, (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map(), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const head = varint(), field = head >> 3, kind = head & 7;
    let value: number | Uint8Array;
    if (kind === 0) value = varint();
    else if (kind === 5) value = view.getFloat32((at += 4) - 4, true);
    else {
      assert.equal(kind, 2);
      const length = varint();
      value = bytes.subarray(at, at += length);
    }
    fields.set(field, [...fields.get(field) ?? [], value]);
  }
  assert.equal(at, bytes.length);
  return fields;
}

const messages = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((x) => fieldsOf(x as Uint8Array));
const texts = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((x) => new TextDecoder().decode(x as Uint8Array));
const numbers = (fields: Fields, field: number) => (fields.get(field) ?? []) as number[];

/** A node. */
export interface Node {
  operator: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, number | number[]>;
}

/** A model. */
export interface OnnxModel {
  ir: number;
  opset: number;
  inputs: Record<string, (number | string)[]>;
  outputs: Record<string, (number | string)[]>;
  nodes: Node[];
  constants: Map<string, { shape: number[]; data: Float32Array | number[] }>;
}

function shapes(values: Fields[]): Record<string, (number | string)[]> {
  return Object.fromEntries(values.map((value) => {
    const type = messages(messages(value, 2)[0], 1)[0];
    assert.deepEqual(numbers(type, 1), [1], "single precision");
    const sides = messages(messages(type, 2)[0], 1);
    return [texts(value, 1)[0], sides.map((side) => numbers(side, 1)[0] ?? texts(side, 2)[0])];
  }));
}

/** Reads a file. */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const model = fieldsOf(bytes), graph = messages(model, 7)[0];
  const constants: OnnxModel["constants"] = new Map();
  for (const tensor of messages(graph, 5)) {
    const raw = (tensor.get(9)![0] as Uint8Array).slice().buffer, long = numbers(tensor, 2)[0] === 7;
    const data = long ? Array.from(new BigInt64Array(raw), Number) : new Float32Array(raw);
    constants.set(texts(tensor, 8)[0], { shape: numbers(tensor, 1), data });
  }
  const nodes = messages(graph, 1).map((node): Node => ({
    operator: texts(node, 4)[0],
    inputs: texts(node, 1),
    outputs: texts(node, 2),
    attributes: Object.fromEntries(
      messages(node, 5).map((attribute) => {
        const kind = numbers(attribute, 20)[0];
        const value = kind === 1
          ? numbers(attribute, 2)[0]
          : kind === 2
          ? numbers(attribute, 3)[0]
          : numbers(attribute, 8);
        return [texts(attribute, 1)[0], value];
      }),
    ),
  }));
  const opset = messages(model, 8)[0];
  assert.deepEqual(texts(opset, 1), [""]);
  return {
    ir: numbers(model, 1)[0],
    opset: numbers(opset, 2)[0],
    inputs: shapes(messages(graph, 11)),
    outputs: shapes(messages(graph, 12)),
    nodes,
    constants,
  };
}

type Value = tf.Tensor | number[];
type Values = readonly Value[];
const T = (value: Value) => value as tf.Tensor;

/** The operators as the standard describes them. */
const OPERATORS: Record<string, (inputs: Values, attributes: Node["attributes"]) => Value | Value[]> = {
  Conv: ([x, w, b], { strides = [1, 1], kernel_shape: kernel, pads = [0, 0, 0, 0], group = 1 }) => {
    assert.deepEqual(kernel, T(w).shape.slice(2));
    const [top, left, bottom, right] = pads as number[];
    const padded = tf.pad(T(x), [[0, 0], [0, 0], [top, bottom], [left, right]]);
    const images = tf.transpose(padded, [0, 2, 3, 1]) as tf.Tensor4D, by = strides as [number, number];
    // Either one group, or each channel alone.
    assert.ok(group === 1 || group === T(w).shape[0]);
    const out = group === 1
      ? tf.conv2d(images, tf.transpose(T(w), [2, 3, 1, 0]) as tf.Tensor4D, by, "valid")
      : tf.depthwiseConv2d(images, tf.transpose(T(w), [2, 3, 0, 1]) as tf.Tensor4D, by, "valid");
    return tf.transpose(b ? tf.add(out, T(b)) : out, [0, 3, 1, 2]);
  },
  Slice: ([x, starts, ends, axes]) => {
    const [[start], [end], [axis]] = [starts, ends, axes] as number[][];
    const at = T(x).shape.map((_, i) => i === axis ? start : 0);
    return tf.slice(T(x), at, T(x).shape.map((side, i) => i === axis ? end - start : side));
  },
  Reshape: ([x, shape]) => {
    const wanted = (shape as number[]).map((side, i) => side === 0 ? T(x).shape[i] : side);
    return tf.reshape(T(x), wanted);
  },
  Transpose: ([x], { perm }) => tf.transpose(T(x), perm as number[]),
  Shape: ([x], { start, end }) => T(x).shape.slice(start as number, end as number),
  Concat: (parts, { axis }) =>
    Array.isArray(parts[0]) ? (parts as number[][]).flat() : tf.concat(parts.map(T), axis as number),
  Expand: ([x, shape]) => tf.broadcastTo(T(x), shape as number[] as [number]),
  Add: ([a, b]) => tf.add(T(a), T(b)),
  Mul: ([a, b]) => tf.mul(T(a), T(b)),
  MatMul: ([a, b]) => {
    const [left, right] = [T(a), T(b)];
    if (right.rank > 2) return tf.matMul(left, right);
    const rows = tf.reshape(left, [-1, right.shape[0]]);
    return tf.reshape(tf.matMul(rows, right), [...left.shape.slice(0, -1), right.shape[1]!]);
  },
  LayerNormalization: ([x, weight, bias], { axis, epsilon }) => {
    assert.equal(axis, -1);
    const { mean, variance } = tf.moments(T(x), -1, true);
    const unit = tf.div(tf.sub(T(x), mean), tf.sqrt(tf.add(variance, epsilon as number)));
    return tf.add(tf.mul(unit, T(weight)), T(bias));
  },
  Split: ([x, sizes], { axis }) => tf.split(T(x), sizes as number[], axis as number),
  Squeeze: ([x, axes]) => tf.squeeze(T(x), axes as number[]),
  ReduceMean: ([x], { axes, keepdims }) => tf.mean(T(x), axes as number[], keepdims === 1),
  Softmax: ([x], { axis }) => (assert.equal(axis, -1), tf.softmax(T(x))),
  Erf: ([x]) => tf.erf(T(x)),
};

/** Computes a model's outputs. Every value must be made before it is used, and every constant must be used. */
export function computeOnnx(model: OnnxModel, given: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  const values = new Map<string, Value>(Object.entries(given)), used = new Set<string>();
  for (const [name, { shape, data }] of model.constants) {
    values.set(name, Array.isArray(data) ? data : tf.tensor(data, shape));
  }
  for (const { operator, inputs, outputs, attributes } of model.nodes) {
    const made = OPERATORS[operator](inputs.map((name) => (used.add(name), values.get(name)!)), attributes);
    outputs.forEach((name, i) => {
      assert.ok(!values.has(name), `${name} is made twice`);
      values.set(name, outputs.length > 1 ? (made as tf.Tensor[])[i] : made as Value);
    });
  }
  for (const name of model.constants.keys()) assert.ok(used.has(name), `${name} is not used`);
  return Object.fromEntries(Object.keys(model.outputs).map((name) => [name, T(values.get(name)!)]));
}
