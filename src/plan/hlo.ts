/** Reads XLA's optimised programs as it dumps them (…after_optimizations.txt). */

/** An operation of a program. */
export interface HloOperation {
  name: string;
  /** Whether it is its computation's result. */
  root: boolean;
  /** Its type as text, such as `f32[8,4]{1,0}`, or several in parentheses. */
  type: string;
  /** Such as `fusion` or `custom-call`. */
  opcode: string;
  /** What stands between its parentheses. */
  inside: string;
  /** What stands behind them: `calls=…, metadata={…}`. */
  attributes: string;
  /** Names of its operands; `NAME#1` is element 1 of a tuple. */
  operands: string[];
  /** Computations that it calls. */
  calls: string[];
  /** The scope that it was traced in and what it came from, such as `encoder/block3/attention/dot`; empty where unknown. */
  scope: string;
}

/** A computation: the program itself, a fusion, the body of a loop. */
export interface HloComputation {
  name: string;
  operations: HloOperation[];
  /** By name. */
  byName: Map<string, HloOperation>;
}

/** A program. */
export interface HloModule {
  computations: Map<string, HloComputation>;
  entry: HloComputation;
}

/** An array's element type and axes. */
export interface HloArray {
  element: string;
  dims: number[];
  /** Elements. */
  size: number;
}

/** Text that is no program of XLA's. */
export class HloError extends Error {
  override name = "HloError";
}

/** Bytes of an element; types that are not listed are no data (tokens). */
const BYTES: Readonly<Record<string, number>> = {
  pred: 1,
  s8: 1,
  u8: 1,
  f8e4m3fn: 1,
  f8e5m2: 1,
  s16: 2,
  u16: 2,
  f16: 2,
  bf16: 2,
  s32: 4,
  u32: 4,
  f32: 4,
  s64: 8,
  u64: 8,
  f64: 8,
  c64: 8,
};

/** The arrays of a type: one, or those of a tuple. */
export function arraysIn(type: string): HloArray[] {
  const found: HloArray[] = [];
  for (const [, element, shape] of type.matchAll(/\b([a-z]+[0-9a-z]*)\[([0-9,]*)\]/g)) {
    if (!Object.hasOwn(BYTES, element)) continue;
    const dims = shape === "" ? [] : shape.split(",").map(Number);
    found.push({ element, dims, size: dims.reduce((product, n) => product * n, 1) });
  }
  return found;
}

/** Bytes of an array. */
export const bytesOf = ({ element, size }: HloArray): number => BYTES[element] * size;

/** Bytes of a type. */
export function bytesIn(type: string): number {
  return arraysIn(type).reduce((sum, array) => sum + bytesOf(array), 0);
}

/** The parts of a list that are separated by commas outside of all brackets. */
export function partsOf(list: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const char of list) {
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}

/**
 * The type of an operand as it is named: `NAME`, or `NAME#1` for an element of a tuple.
 *
 * @returns The type, or an empty text where the computation has no such operation.
 */
export function typeOf({ byName }: HloComputation, operand: string): string {
  const [name, ...path] = operand.split("#");
  let type = byName.get(name)?.type ?? "";
  for (const index of path) type = partsOf(type.slice(1, -1))[Number(index)] ?? "";
  return type;
}

const OPERATION = /^\s*(ROOT )?%?([\w.\-]+) = (\((?:[^()]|\([^()]*\))*\)|\S+) ([\w\-]+)\((.*)$/;
const HEAD = /^(ENTRY )?%?([\w.\-]+) \(.*\{\s*$/;

/** Where the bracket that is open at the start of a text is closed. */
function closing(text: string): number {
  let depth = 1;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "(" || char === "[" || char === "{") depth++;
    else if (char === ")" || char === "]" || char === "}") {
      if (--depth === 0) return i;
    }
  }
  return text.length;
}

/** An operation's line; undefined for other lines. */
function operationOf(line: string): HloOperation | undefined {
  const found = OPERATION.exec(line);
  if (!found) return undefined;
  const [, root, name, type, opcode, rest] = found, end = closing(rest);
  const inside = rest.slice(0, end), attributes = rest.slice(end + 1);
  return {
    name,
    root: root !== undefined,
    type,
    opcode,
    inside,
    attributes,
    operands: Array.from(inside.matchAll(/%([\w.\-]+(?:#\d+)*)/g), ([, operand]) => operand),
    calls: Array.from(
      attributes.matchAll(/(?:calls|to_apply|body|called_computations=\{)=?%?([\w.\-]+)/g),
      ([, called]) => called,
    ),
    scope: /op_name="([^"]*)"/.exec(attributes)?.[1] ?? "",
  };
}

/**
 * Reads an optimised program from the text that XLA dumps.
 *
 * @param text Of `…after_optimizations.txt`.
 * @throws {HloError} When it has no entry computation: it is no such program, or was cut short.
 */
export function parseHlo(text: string): HloModule {
  const computations = new Map<string, HloComputation>();
  let current: HloComputation | undefined, entry: HloComputation | undefined;
  for (const line of text.split("\n")) {
    const head = line.startsWith(" ") ? null : HEAD.exec(line);
    if (head) {
      current = { name: head[2], operations: [], byName: new Map() };
      computations.set(current.name, current);
      if (head[1]) entry = current;
    } else if (line.startsWith("}")) current = undefined;
    else if (current) {
      const operation = operationOf(line);
      if (!operation) continue;
      current.operations.push(operation);
      current.byName.set(operation.name, operation);
    }
  }
  if (!entry) {
    throw new HloError(
      "this is no optimised program of XLA: it has no ENTRY computation. Give the file …after_optimizations.txt of a " +
        "dump (XLA_FLAGS=--xla_dump_to=FOLDER --xla_dump_hlo_as_text)",
    );
  }
  return { computations, entry };
}
