import type { Precision } from "./types.ts";

/**
 * What one device can multiply in a second, in 10¹² floating-point operations without sparsity, by the vendors' data
 * sheets: in bfloat16, in TF32 and in float32. Beginnings of the names that the devices give themselves; the first that fits
 * counts.
 */
const PEAKS: readonly (readonly [name: string, bfloat16: number, tf32: number, float32: number])[] = [
  ["NVIDIA H100 PCIe", 756, 378, 51],
  ["NVIDIA H100 NVL", 835, 417, 60],
  ["NVIDIA H100", 989, 494, 67],
  ["NVIDIA H200 NVL", 835, 417, 60],
  ["NVIDIA H200", 989, 494, 67],
  ["NVIDIA GH200", 989, 494, 67],
  ["NVIDIA A100", 312, 156, 19.5],
  ["NVIDIA A10G", 70, 35, 35],
  ["NVIDIA A10", 125, 62.5, 31.2],
  ["NVIDIA A30", 165, 82, 10.3],
  ["NVIDIA A40", 149.7, 74.8, 37.4],
  ["NVIDIA L40S", 362, 183, 91.6],
  ["NVIDIA L4", 121, 60, 30.3],
];

/** Floating-point operations a second of one device of this kind, where known. */
export function peakFlops(kind: string, precision: Precision): number | undefined {
  if (/\bMIG\b/.test(kind)) return undefined; // A slice of the device.
  const known = PEAKS.find(([name]) =>
    kind.startsWith(name) && !/^[A-Za-z0-9]/.test(kind.slice(name.length))
  );
  return known && 1e12 * known[{ bfloat16: 1, tf32: 2, float32: 3 }[precision] as 1 | 2 | 3];
}
