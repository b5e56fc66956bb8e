import type { CompileOptions } from "../pjrt/types.ts";
import { sizeOf, type TensorType } from "../ir/types.ts";

/** Up to this many elements, compiling a kernel takes longer than all runs of it together. */
const SMALL = 1 << 16;

/**
 * How a single kernel is compiled. For small tensors XLA's CPU compiler is told to do without fusion and without LLVM's
 * optimisations, which takes a third of the time (10 in place of 30 ms); fused loops would gain nothing there.
 *
 * @param platform the client's platform
 * @param types of everything that goes in and out
 */
export function effort(platform: string, types: readonly TensorType[]): CompileOptions {
  if (platform !== "cpu" || types.some(({ shape }) => sizeOf(shape) > SMALL)) return {};
  return {
    xlaFlags: {
      xla_backend_optimization_level: 0,
      xla_llvm_disable_expensive_passes: true,
      xla_disable_hlo_passes: "fusion,fusion-wrapper",
    },
  };
}
