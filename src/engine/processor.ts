/** What this processor multiplies bfloat16 with, as glibc tells it: tasks may not read /proc. */

/** Units that multiply bfloat16 several times as fast as float32. */
export type Bfloat16Units = "AMX" | "AVX-512";

/** glibc's numbers of CPUID's leaves 7.0 and 7.1 (sys/platform/x86.h). */
const LEAF_7 = 1, LEAF_7_1 = 6;
/** Words of a leaf, EAX to EDX: as CPUID has them, then those that the system lets programs use. */
const EAX = 4, EDX = 7;

/**
 * The units that programs may use; undefined where there are none, or where nobody says.
 *
 * @param leaf The eight words of one of glibc's leaves. Default: asked of glibc 2.33 or newer on x86_64.
 */
export function bfloat16Units(
  leaf: (number: number) => Uint32Array | undefined = glibcLeaf,
): Bfloat16Units | undefined {
  const seven = leaf(LEAF_7), beside = leaf(LEAF_7_1);
  if (seven && (seven[EDX] >>> 22) & 1) return "AMX";
  if (beside && (beside[EAX] >>> 5) & 1) return "AVX-512";
  return undefined;
}

/** A leaf's eight words from glibc, undefined where it has none. */
function glibcLeaf(number: number): Uint32Array | undefined {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return undefined;
  try {
    const glibc = Deno.dlopen("libc.so.6", {
      __x86_get_cpuid_feature_leaf: { parameters: ["u32"], result: "pointer" },
    });
    try {
      const words = glibc.symbols.__x86_get_cpuid_feature_leaf(number);
      return words
        ? new Uint32Array(new Deno.UnsafePointerView(words).getArrayBuffer(32).slice(0))
        : undefined;
    } finally {
      glibc.close();
    }
  } catch {
    return undefined; // An older glibc, another libc, or no permission for FFI.
  }
}
