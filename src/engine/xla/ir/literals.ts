/** Types, numbers and arrays as StableHLO text has them. */
import { type ElementType, isFloat, type TensorType } from "./types.ts";

const MLIR: Partial<Record<ElementType, string>> = {
  pred: "i1",
  u8: "ui8",
  u16: "ui16",
  u32: "ui32",
  u64: "ui64",
  c64: "complex<f32>",
};

/** An element type as MLIR writes it. */
export function elementText(element: ElementType): string {
  return MLIR[element] ?? element;
}

/** A type as MLIR writes it, such as `tensor<2x3xf32>`. */
export function typeText(type: TensorType): string {
  return `tensor<${type.shape.map((n) => `${n}x`).join("")}${elementText(type.element)}>`;
}

/** A whole number as a literal: fractions are cut off, what is too large is the largest, and not-a-number 0. */
function wholeText(value: number, element: ElementType): string {
  const whole = Math.trunc(value) || 0, bits = Number(element.slice(1));
  if (bits > 32) return `${whole}`;
  const [least, most] = element.startsWith("u")
    ? [0, 2 ** bits - 1]
    : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return `${Math.min(most, Math.max(least, whole))}`;
}

/** A number as a StableHLO literal; infinities and not-a-number as bits, fractions always with a point. */
export function numberText(number: number, element: ElementType): string {
  if (element === "pred") return number ? "true" : "false";
  if (element === "c64") return `(${numberText(number, "f32")}, 0.0)`;
  if (!isFloat(element)) return wholeText(number, element);
  // What is too large for float32, such as Number.MAX_VALUE, is infinite.
  const value = element === "f64" ? number : Math.fround(number);
  if (!Number.isFinite(value)) {
    const bits = {
      f32: ["0x7FC00000", "0x7F800000", "0xFF800000"],
      f64: ["0x7FF8000000000000", "0x7FF0000000000000", "0xFFF0000000000000"],
      bf16: ["0x7FC0", "0x7F80", "0xFF80"],
      f16: ["0x7E00", "0x7C00", "0xFC00"],
    }[element as "f32" | "f64" | "bf16" | "f16"];
    return Number.isNaN(value) ? bits[0] : value > 0 ? bits[1] : bits[2];
  }
  if (Object.is(value, -0)) return "-0.0";
  const written = element === "f64" ? value.toString() : shortest(value);
  const [digits, power] = written.split("e");
  const point = digits.includes(".") ? digits : `${digits}.0`;
  return power === undefined ? point : `${point}e${power}`;
}

/** The shortest decimal that reads back as the same float32. */
function shortest(rounded: number): string {
  for (let digits = 6; digits < 10; digits++) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return Number(text).toString();
  }
  return rounded.toString();
}

function hexText(data: ArrayBufferView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let out = "";
  for (const byte of bytes) out += (byte < 16 ? "0" : "") + byte.toString(16).toUpperCase();
  return `"0x${out}"`;
}

/**
 * A constant's elements, without the type; truth values, which have no hex form, one by one.
 *
 * @param data Them in row-major order.
 */
export function constantText({ element, shape }: TensorType, data: ArrayBufferView): string {
  if (element !== "pred") return hexText(data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const nested = (at: number, axis: number): string => {
    if (axis === shape.length) return bytes[at] ? "true" : "false";
    const step = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    return `[${Array.from({ length: shape[axis] }, (_, i) => nested(at + i * step, axis + 1)).join(", ")}]`;
  };
  return nested(0, 0);
}
