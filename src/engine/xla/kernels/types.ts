import { convert } from "../ir/build.ts";
import { type ElementType, type Graph, isFloat, type Value } from "../ir/types.ts";
import type { Precision } from "../types.ts";
import type { AttributesOf, KernelName } from "./attributes.ts";

/** What a lowering is given: the program being recorded, the kernel's inputs and attributes. */
export interface Call<Attrs = unknown> {
  readonly graph: Graph;
  readonly precision: Precision;
  /** Inputs by tfjs's names; kernels that take a list have them under `0`, `1` …. Absent optional inputs are missing. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Attributes as tfjs gives them to the kernel. */
  readonly attrs: Attrs;
}

/** Records what a tfjs kernel computes. Must not depend on anything but its argument. */
export type Lowering<Attrs = unknown> = (call: Call<Attrs>) => Value | Value[];

/** The lowering of any kernel. Who calls it answers for the attributes. */
export type AnyLowering = Lowering<never>;

/** Lowerings by tfjs kernel name. */
export type Lowerings = { readonly [Name in KernelName]?: Lowering<AttributesOf<Name>> };

/** Element types, each of which holds what those before it hold. */
const WIDTHS: readonly ElementType[] = ["pred", "i32", "f32", "c64"];

/** Whether an element type holds all that another one does. */
export function holds(element: ElementType, other: ElementType): boolean {
  return WIDTHS.indexOf(other) <= WIDTHS.indexOf(element);
}

/** A value whose elements hold fractions. */
export function floating(x: Value): Value {
  return isFloat(x.type.element) || x.type.element === "c64" ? x : convert(x, "f32");
}

/** Values in the element type that holds what each of them does. */
export function widened(values: readonly Value[]): Value[] {
  const [element] = values.map(({ type }) => type.element).sort((a, b) => holds(a, b) ? -1 : 1);
  return values.map((value) => convert(value, element));
}

/** Arithmetic on truth values counts them. */
export const counting = (x: Value): Value => x.type.element === "pred" ? convert(x, "i32") : x;

/**
 * An axis counted from the front.
 *
 * @throws {Error} When there is no such axis, in tfjs's own words.
 */
export function axisOf(axis: number, rank: number): number {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new Error(`All values in axis param must be in range [-${rank}, ${rank}) but got axis ${axis}`);
}

/**
 * Axes as tfjs gives them (a number, a list, or nothing for all), counted from the front and in order.
 *
 * @throws {Error} When there is no such axis, or one is named twice.
 */
export function axesOf(axis: number | number[] | null | undefined, rank: number): number[] {
  if (axis === null || axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  const axes = [axis].flat().map((a) => axisOf(a, rank)).sort((a, b) => a - b);
  const twice = axes.find((a, i) => a === axes[i + 1]);
  if (twice !== undefined) throw new Error(`xla: axis ${twice} is named twice in [${axis}]`);
  return axes;
}

/** The inputs of a kernel that takes a list. */
export function listOf(inputs: Call["inputs"]): Value[] {
  return Object.keys(inputs).map(Number).sort((a, b) => a - b).map((i) => inputs[i]);
}
