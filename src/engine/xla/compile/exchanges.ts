/** What the devices exchange in a compiled program, read from the form in which XLA gives its programs away. */
import type { Executable } from "../pjrt/types.ts";

/** One operation by which devices exchange values. */
export interface Exchange {
  /** XLA's name of it. */
  readonly kind: ExchangeKind;
  /** What is exchanged; several values where the compiler has joined several exchanges. */
  readonly values: readonly { readonly element: string; readonly shape: readonly number[] }[];
  /** Bytes of these values on each device; for a `reduce-scatter` before they are cut into parts. */
  readonly bytes: number;
}

const KINDS = ["all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute"] as const;

/** The kinds of exchanges: sums over all, parts made whole, sums cut into parts, and values that change places. */
export type ExchangeKind = typeof KINDS[number];

/** XLA's element types by their numbers in xla_data.proto, with bytes each. */
const ELEMENTS: Readonly<Record<number, readonly [name: string, bytes: number]>> = {
  1: ["pred", 1],
  2: ["s8", 1],
  3: ["s16", 2],
  4: ["s32", 4],
  5: ["s64", 8],
  6: ["u8", 1],
  7: ["u16", 2],
  8: ["u32", 4],
  9: ["u64", 8],
  10: ["f16", 2],
  11: ["f32", 4],
  12: ["f64", 8],
  15: ["c64", 8],
  16: ["bf16", 2],
};

/** A field of a protocol buffer: whole numbers as they are, everything else as bytes. */
type Field = { readonly number: number; readonly value: number | Uint8Array };

/** A varint and the place behind it. */
function varint(bytes: Uint8Array, at: number): [value: number, at: number] {
  let value = 0;
  for (let scale = 1;; scale *= 128) {
    if (at >= bytes.length) throw new Error("xla: a program ends in the middle of a number");
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}

/** The fields of a message, in order. */
function* fields(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length;) {
    let head: number;
    [head, at] = varint(bytes, at);
    const number = Math.floor(head / 8), kind = head % 8;
    let size = kind === 1 ? 8 : 4;
    if (kind === 0) {
      let value: number;
      [value, at] = varint(bytes, at);
      yield { number, value };
      continue;
    }
    if (kind === 2) [size, at] = varint(bytes, at);
    else if (kind !== 1 && kind !== 5) throw new Error(`xla: a program has a field of unknown kind ${kind}`);
    if (at + size > bytes.length) throw new Error("xla: a program ends in the middle of a field");
    yield { number, value: bytes.subarray(at, at += size) };
  }
}

type Shape = { element: string; shape: number[]; bytes: number } | { parts: Shape[] };

/** A ShapeProto. */
function shapeOf(message: Uint8Array): Shape {
  let element = 0;
  const shape: number[] = [], parts: Shape[] = [];
  for (const field of fields(message)) {
    const { number, value } = field;
    if (number === 2 && typeof value === "number") element = value;
    if (number === 4 && typeof value !== "number") parts.push(shapeOf(value));
    if (number === 3) shape.push(...wholesOf(field));
  }
  if (parts.length > 0 || element === 13) return { parts };
  const [name, size] = ELEMENTS[element] ?? [`type ${element}`, 0];
  return { element: name, shape, bytes: shape.reduce((a, b) => a * b, size) };
}

const flat = (shape: Shape): Exclude<Shape, { parts: unknown }>[] =>
  "parts" in shape ? shape.parts.flatMap(flat) : [shape];

/** Whole numbers of a repeated field, which stands packed or one by one. */
function* wholesOf({ value }: Field): Generator<number> {
  if (typeof value === "number") yield value;
  else for (let at = 0, one = 0; at < value.length; yield one) [one, at] = varint(value, at);
}

/** An HloInstructionProto, as far as exchanges are told by it. */
interface Instruction {
  opcode: string;
  id?: number;
  operands: number[];
  shape?: Shape;
}

function instructionOf(message: Uint8Array): Instruction {
  const found: Instruction = { opcode: "", operands: [] };
  for (const field of fields(message)) {
    const { number, value } = field;
    if (number === 35 && typeof value === "number") found.id = value;
    if (number === 36) found.operands.push(...wholesOf(field));
    if (typeof value === "number") continue;
    if (number === 2) found.opcode = new TextDecoder().decode(value);
    if (number === 3) found.shape = shapeOf(value);
  }
  return found;
}

const bytesOf = (shape: Shape) => flat(shape).reduce((sum, value) => sum + value.bytes, 0);

/** What devices exchange by an instruction, if they do. `shapes`: those of its computation's values, by their ids. */
function exchangeOf(
  { opcode, shape, operands }: Instruction,
  shapes: ReadonlyMap<number | undefined, Shape>,
): Exchange | undefined {
  const kind = KINDS.find((name) => opcode === name || opcode === `${name}-start`);
  if (!kind || !shape) return undefined;
  // The first half of one that runs beside others gives what goes in, what comes out, and sometimes numbers of its own.
  const whole = opcode.endsWith("-start") && kind !== "all-reduce" && "parts" in shape
    ? shape.parts[1]
    : shape;
  const values = flat(whole).map(({ element, shape }) => ({ element, shape }));
  if (kind !== "reduce-scatter") return { kind, values, bytes: bytesOf(whole) };
  // Into how many parts it is cut is up to the devices that exchange, which need not be all: those of a node, say.
  const before = operands.flatMap((id) => shapes.get(id) ?? []);
  return { kind, values, bytes: before.reduce((sum, shape) => sum + bytesOf(shape), 0) };
}

/**
 * The exchanges in a program that XLA gave away, those in its inner computations too.
 *
 * @param program A serialized HloModuleProto, or one with its configuration.
 * @param format PJRT's name of that form: `hlo` or `hlo_with_config`.
 * @throws {Error} When the program cannot be read.
 */
export function exchangesIn(program: Uint8Array, format: string): Exchange[] {
  const part = function* (message: Uint8Array, wanted: number) {
    for (const { number, value } of fields(message)) {
      if (number === wanted && typeof value !== "number") yield value;
    }
  };
  const found: Exchange[] = [];
  for (const module of format === "hlo_with_config" ? part(program, 1) : [program]) {
    for (const computation of part(module, 3)) {
      const instructions = Array.from(part(computation, 2), instructionOf);
      const shapes = new Map(instructions.flatMap(({ id, shape }) => shape ? [[id, shape]] : []));
      found.push(...instructions.flatMap((instruction) => exchangeOf(instruction, shapes) ?? []));
    }
  }
  return found;
}

/** What the devices of a compiled program exchange; undefined for one device, or where the plugin cannot tell. */
export function exchangesOf(executable: Executable, devices: number): Exchange[] | undefined {
  if (devices === 1) return undefined;
  try {
    const { format, code } = executable.optimized();
    return exchangesIn(code, format);
  } catch {
    // A plugin need not give its programs away; only a line for people depends on it.
    return undefined;
  }
}
