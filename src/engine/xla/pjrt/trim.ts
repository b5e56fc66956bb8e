/** Calls a function of a shared library that is loaded already; does nothing where it is not, or may not be opened. */
function callIn(library: string, name: string, parameter: "usize" | "bool", value: bigint | boolean): void {
  try {
    const loaded = Deno.dlopen(library, { [name]: { parameters: [parameter], result: "void" } });
    try {
      (loaded.symbols[name] as (value: bigint | boolean) => void)(value);
    } finally {
      loaded.close();
    }
  } catch {
    // Another allocator or C library, or no permission: the memory stays with it.
  }
}

/**
 * Gives memory that was freed but kept by the allocator, glibc's or mimalloc, back to the system. Compiling a training
 * step leaves half a gigabyte of it and more.
 */
export function releaseFreeMemory(): void {
  callIn("libmimalloc.so.3", "mi_collect", "bool", true);
  callIn("libc.so.6", "malloc_trim", "usize", 0n);
}
