/**
 * How a plugin outlives what Deno does at the end of a process. A plugin's threads may be at work until the very
 * last moment, so neither may its code be unloaded, nor may its global objects be destroyed under them.
 *
 * @module
 */
const LOADER = {
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const;
const EXIT = { on_exit: { parameters: ["pointer", "pointer"], result: "i32" } } as const;

/** The dynamic loader's functions; before glibc 2.34 they were in a library of their own. */
function openLoader(): Deno.DynamicLibrary<typeof LOADER> | undefined {
  const system: Partial<Record<typeof Deno.build.os, string[]>> = {
    linux: ["libc.so.6", "libdl.so.2"],
    darwin: ["libSystem.B.dylib"],
  };
  for (const name of system[Deno.build.os] ?? []) {
    try {
      return Deno.dlopen(name, LOADER);
    } catch {
      // The next one; without any, plugins work, but the end of the process may be a crash.
    }
  }
}

/**
 * Takes a second handle of a library and never gives it back. Deno closes its own when the process or a worker
 * ends, which would leave running threads without code.
 */
export function keepLoaded(path: string): void {
  const RTLD_NOW = 2;
  const loader = openLoader();
  loader?.symbols.dlopen(new TextEncoder().encode(path + "\0"), RTLD_NOW);
  loader?.close();
}

let exit: Deno.DynamicLibrary<typeof EXIT> | undefined;

/**
 * Makes the process end without running C++ destructors, which crash when threads still use what they destroy.
 *
 * glibc runs exit handlers last-registered first and hands on_exit's the exit status, so `on_exit(_exit)` ends the
 * process at once and with the right status. Libraries register destructors as they go, so ours is registered
 * again when the end is near. Elsewhere than on glibc nothing is done: close the client before the end.
 */
export function endWithoutDestructors(): void {
  if (exit || Deno.build.os !== "linux") return;
  const loader = openLoader();
  if (!loader) return;
  const leave = loader.symbols.dlsym(null, new TextEncoder().encode("_exit\0"));
  loader.close();
  if (leave === null) return;
  try {
    exit = Deno.dlopen("libc.so.6", EXIT);
  } catch {
    return;
  }
  const register = () => void exit?.symbols.on_exit(leave, null);
  register();
  for (const end of ["unload", "error", "unhandledrejection"]) addEventListener(end, register);
}
