/**
 * Gives memory that was freed but kept by the allocator back to the system. Compiling a training step leaves half a
 * gigabyte of it. Does nothing where the C library is not glibc.
 */
export function releaseFreeMemory(): void {
  try {
    const libc = Deno.dlopen("libc.so.6", { malloc_trim: { parameters: ["usize"], result: "i32" } });
    libc.symbols.malloc_trim(0n);
    libc.close();
  } catch {
    // Another C library, or no permission to open it: the memory stays with the allocator.
  }
}
