import type { ElementType } from "../pjrt/types.ts";

export type { ElementType };

/** The type of a value: what its elements are and how many along each axis. */
export interface TensorType {
  readonly element: ElementType;
  readonly shape: readonly number[];
}

/** Elementwise functions of one operand, by their StableHLO (or CHLO) names. */
export type UnaryName =
  | "abs"
  | "cbrt"
  | "ceil"
  | "cosine"
  | "count_leading_zeros"
  | "exponential"
  | "exponential_minus_one"
  | "floor"
  | "imag"
  | "is_finite"
  | "log"
  | "log_plus_one"
  | "logistic"
  | "negate"
  | "not"
  | "real"
  | "round_nearest_even"
  | "rsqrt"
  | "sign"
  | "sine"
  | "sqrt"
  | "tan"
  | "tanh"
  | "erf"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "asinh"
  | "acosh"
  | "atanh";

/** Elementwise functions of two operands of one type. */
export type BinaryName =
  | "add"
  | "and"
  | "atan2"
  | "complex"
  | "divide"
  | "maximum"
  | "minimum"
  | "multiply"
  | "or"
  | "power"
  | "remainder"
  | "subtract"
  | "xor";

/** How two values are compared. */
export type Comparison = "EQ" | "NE" | "GE" | "GT" | "LE" | "LT";

/** Functions that reduce axes. */
export type ReducerName = "add" | "maximum" | "minimum" | "multiply" | "and" | "or";

/** Which axes of the two operands of a product are batch and which are contracted. */
export interface DotAxes {
  readonly batch: readonly [readonly number[], readonly number[]];
  readonly contract: readonly [readonly number[], readonly number[]];
}

/** What a value is computed by; operands are kept beside it in {@linkcode Value}. */
export type Operation =
  | { readonly op: "parameter"; readonly index: number }
  | { readonly op: "splat"; readonly value: number }
  | { readonly op: "constant"; readonly data: ArrayBufferView }
  | { readonly op: "iota"; readonly axis: number }
  | { readonly op: "unary"; readonly name: UnaryName }
  | { readonly op: "binary"; readonly name: BinaryName }
  | { readonly op: "compare"; readonly direction: Comparison }
  | { readonly op: "select" }
  | { readonly op: "convert" }
  | { readonly op: "broadcast"; readonly axes: readonly number[] }
  | { readonly op: "reshape" }
  | { readonly op: "transpose"; readonly order: readonly number[] }
  | { readonly op: "dot"; readonly axes: DotAxes }
  | { readonly op: "reduce"; readonly name: ReducerName; readonly axes: readonly number[] }
  | {
    readonly op: "slice";
    readonly begin: readonly number[];
    readonly end: readonly number[];
    readonly stride: readonly number[];
  }
  | {
    readonly op: "pad";
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly interior: readonly number[];
  }
  | { readonly op: "concatenate"; readonly axis: number }
  | { readonly op: "reverse"; readonly axes: readonly number[] }
  /**
   * Any other StableHLO operation, by its text: `%0`, `%1` … stand for the operands, `%t0` … for their types and `%r`
   * for the result's type. Names inside regions must be chosen by the caller and start with `%i_`. An operation with
   * several results says how many and writes their types out; its own type is the first one's.
   */
  | {
    readonly op: "text";
    readonly text: string;
    readonly results?: number;
    /** Floating-point operations of one run, where they matter. */
    readonly flops?: number;
  }
  /** The operand itself; says how its first axis lies split over the mesh. */
  | { readonly op: "split"; readonly lay: Lay }
  /** One result of an operation that has several. */
  | { readonly op: "result"; readonly index: number };

/** One computed value of a program. Values never change; equal computations of one graph are one value. */
export interface Value {
  readonly id: number;
  readonly operation: Operation;
  readonly operands: readonly Value[];
  readonly type: TensorType;
  readonly graph: Graph;
  /** The part of the program that it belongs to, such as `encoder/block3`; empty where nobody said. */
  readonly scope: string;
}

/**
 * How a value lies over the devices: whole on each, its rows cut over all of them (`rows`), or its rows cut over those of each
 * process, alike in all processes (`share`).
 */
export type Lay = "whole" | "rows" | "share";

/** The devices that a program is split over. */
export interface Mesh {
  /** How many. */
  readonly size: number;
  /** Processes that have them, each equally many, where a program makes a difference between them. Default 1. */
  readonly processes?: number;
  /** True: the split is written for Shardy; false: for GSPMD, its forerunner. */
  readonly shardy: boolean;
  /** Element type in which products over split rows, of which each device has a part, are summed. Default f32. */
  readonly sums?: "f32" | "bf16";
}

/** A program that is being recorded. */
export interface Graph {
  /** Absent in a program for one device. */
  readonly mesh?: Mesh;
  /** True where products gain by operands that are transposed in memory, see kernels/arrange.ts. */
  readonly arranges: boolean;
  /** The platform of the devices that it is for, such as `cpu` or `cuda`: forms that one of them lacks depend on it. */
  readonly platform: string;
  /** True where the compiler may take the largest of a number and not-a-number for the number. */
  readonly losesNaN: boolean;
  /** True where products of float32 are to have all its digits on devices that would leave some out. */
  readonly exact: boolean;
  /** The parameters, in order. */
  readonly parameters: Value[];
  /** Values by what computes them, so that equal ones are shared. */
  readonly known: Map<string, Value>;
  /** How many values have been recorded. */
  count: number;
  /** The part of the program that is being recorded. */
  scope: string;
}

/** What a program is for, as far as its form depends on it. */
export interface Target extends Pick<Graph, "platform" | "losesNaN" | "mesh"> {
  /** As {@linkcode Graph.exact}. Default true. */
  readonly exact?: boolean;
  /** As {@linkcode Graph.arranges}; programs for several devices never do. */
  readonly arranges?: boolean;
}

/** An empty program. */
export function newGraph({ platform, losesNaN, mesh, exact = true, arranges = false }: Target): Graph {
  return {
    platform,
    losesNaN,
    // XLA takes TensorFloat-32 for products of float32 unless it is told; processors need not be.
    exact: exact && platform !== "cpu",
    mesh,
    arranges: arranges && !mesh,
    parameters: [],
    known: new Map(),
    count: 0,
    scope: "",
  };
}

/** Whether a product of these operands must say that it wants all digits of float32. */
export function isExactProduct({ graph, type }: Value): boolean {
  return graph.exact && type.element === "f32";
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** True when two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** True for element types that hold fractions. */
export function isFloat(element: ElementType): boolean {
  return element === "f16" || element === "bf16" || element === "f32" || element === "f64";
}
