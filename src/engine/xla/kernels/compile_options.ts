import { CARD_FLAGS } from "../card_flags.ts";
import type { Client, CompileOptions, Executable } from "../pjrt/types.ts";
import { type Operation, sizeOf, type Value } from "../ir/types.ts";

/** Up to this many elements, compiling a kernel takes longer than all runs of it together. */
const SMALL = 1 << 16;

/** Operations that XLA's CPU compiler gets right without fusion; a transpose or a scatter it does not. */
const PLAIN = new Set<Operation["op"]>([
  "parameter",
  "splat",
  "constant",
  "iota",
  "unary",
  "binary",
  "compare",
  "select",
  "convert",
  "broadcast",
  "reshape",
  "reduce",
  "slice",
  "pad",
  "concatenate",
  "reverse",
]);

/** On a card: a product of its own is not worth the seconds in which a hundred ways to compute it are tried. */
const UNTRIED = { xla_gpu_autotune_level: 0, ...CARD_FLAGS };

/**
 * Options for XLA's CPU compiler, in kernels and in compiled functions; other devices ignore them. The maximum of a number and
 * not-a-number must be not-a-number, or a ReLU would hide it.
 */
export const CPU_FLAGS = { xla_cpu_enable_fast_min_max: false };

/**
 * How a single kernel is compiled. For small tensors XLA's CPU compiler is told to do without LLVM's optimisations and,
 * where it can, without fusion, which takes a third of the time (10 instead of 30 ms); better loops would gain nothing
 * there.
 *
 * @param platform the client's platform
 * @param values the program's parameters and operations
 */
export function effort(platform: string, values: readonly Value[]): CompileOptions {
  if (platform !== "cpu") return platform === "cuda" ? { xlaFlags: UNTRIED } : {};
  if (values.some(({ type }) => sizeOf(type.shape) > SMALL)) return { xlaFlags: CPU_FLAGS };
  const plain = values.every(({ operation }) =>
    PLAIN.has(operation.op) ||
    (operation.op === "text" && operation.text.startsWith('"stablehlo.dynamic_slice"'))
  );
  return {
    xlaFlags: {
      ...CPU_FLAGS,
      xla_backend_optimization_level: 0,
      xla_llvm_disable_expensive_passes: true,
      ...plain && { xla_disable_hlo_passes: "fusion,fusion-wrapper" },
    },
  };
}

/** Clients whose compiler does not know these options. */
const without = new WeakSet<Client>();

/** Compiles a single kernel with the effort it is worth. */
export function compileKernel(client: Client, text: string, values: readonly Value[]): Executable {
  if (without.has(client)) return client.compile(text);
  try {
    return client.compile(text, effort(client.platform, values));
  } catch (error) {
    if (!/No such compile option/.test(String(error))) throw error;
    without.add(client);
    return client.compile(text);
  }
}
