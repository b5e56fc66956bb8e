/** ONNX models, as far as a transformer needs them: nodes, constants, input and outputs, and the file that holds them. */
import { bytes, join, type Message, message, single, text, whole } from "./protobuf.ts";

/** The version of the operators: LayerNormalization is there from 17 on. */
const OPSET = 17;
/** The version of the file format that belongs to it. */
const IR = 8;
/** Messages end at 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1;

/** Element types of `TensorProto`. */
const FLOAT = 1, INT64 = 7;
/** Kinds of attributes. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

/** A side of an input or output: a number, or a name for one that is free. */
export type Side = number | string;

/** An attribute of a node; `float` marks a number in single precision. */
export type Attribute = number | readonly number[] | { float: number };

function attribute(name: string, value: Attribute): Message {
  if (typeof value === "number") return message(5, text(1, name), whole(3, value), whole(20, ATTRIBUTE.int));
  if ("float" in value) {
    return message(5, text(1, name), single(2, value.float), whole(20, ATTRIBUTE.float));
  }
  return message(5, text(1, name), ...value.map((x) => whole(8, x)), whole(20, ATTRIBUTE.ints));
}

/** An input or output of single precision. */
function valueInfo(field: number, name: string, shape: readonly Side[]): Message {
  const sides = shape.map((side) => message(1, typeof side === "number" ? whole(1, side) : text(2, side)));
  return message(field, text(1, name), message(2, message(1, whole(1, FLOAT), message(2, ...sides))));
}

/** A graph that is being built. Values are known by names. */
export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  #count = 0;

  /** An input of single precision. */
  input(name: string, shape: readonly Side[]): string {
    this.#inputs.push(valueInfo(11, name, shape));
    return name;
  }

  /** Gives a value out; it must have been named so as a node's result. */
  output(name: string, shape: readonly Side[]): void {
    this.#outputs.push(valueInfo(12, name, shape));
  }

  /** A constant of single precision. */
  floats(name: string, shape: readonly number[], data: Float32Array): string {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.push(
      message(5, ...shape.map((side) => whole(1, side)), whole(2, FLOAT), text(8, name), bytes(9, raw)),
    );
    return name;
  }

  /** A list of whole numbers, such as a shape. */
  ints(values: readonly number[]): string {
    const name = `ints_${++this.#count}`, raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#constants.push(message(5, whole(1, values.length), whole(2, INT64), text(8, name), bytes(9, raw)));
    return name;
  }

  /** One number of single precision. */
  number(value: number): string {
    return this.floats(`number_${++this.#count}`, [], Float32Array.of(value));
  }

  /** Adds a node with several results. */
  nodes(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): readonly string[] {
    this.#nodes.push(message(
      1,
      ...inputs.map((name) => text(1, name)),
      ...outputs.map((name) => text(2, name)),
      text(3, `${operator}_${this.#nodes.length}`),
      text(4, operator),
      ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ));
    return outputs;
  }

  /** Adds a node with one result, of the name given or a new one. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${operator.toLowerCase()}_${++this.#count}`,
  ): string {
    return this.nodes(operator, inputs, [name], attributes)[0];
  }

  /**
   * The file.
   *
   * @param name Of the graph.
   * @throws {RangeError} When it would be larger than the format allows in one file.
   */
  file(name: string): Uint8Array {
    const graph = message(
      7,
      ...this.#nodes,
      text(2, name),
      ...this.#constants,
      ...this.#inputs,
      ...this.#outputs,
    );
    const opset = message(8, text(1, ""), whole(2, OPSET));
    const parts = [whole(1, IR), text(2, "semantic-ae"), graph, opset].flat();
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size > MOST_BYTES) {
      throw new RangeError(
        `an ONNX file of ${size} bytes: one file holds 2 GiB at most; export to safetensors`,
      );
    }
    return join(parts);
  }
}
