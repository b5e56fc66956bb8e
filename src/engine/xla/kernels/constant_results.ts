import { type ElementType, sizeOf, type Value } from "../ir/types.ts";

type HostArray = Float32Array | Int32Array | Uint8Array;

const ARRAYS: Partial<
  Record<ElementType, { new (length: number): HostArray; from(n: ArrayLike<number>): HostArray }>
> = { f32: Float32Array, i32: Int32Array, pred: Uint8Array };

/**
 * For a value that needs no computing: what makes its elements on the host, anew at each call. Kernels such as Fill and
 * ZerosLike then need no program.
 */
export function knownElements(value: Value): (() => HostArray) | undefined {
  const { operation, type } = value, Elements = ARRAYS[type.element];
  if (!Elements) return undefined;
  if (operation.op === "splat") return () => new Elements(sizeOf(type.shape)).fill(operation.value);
  if (operation.op === "constant") return () => Elements.from(operation.data as HostArray);
  return undefined;
}
