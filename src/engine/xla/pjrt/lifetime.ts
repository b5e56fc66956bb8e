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
  return undefined;
}

/**
 * Takes a handle of a library of its own and never gives it back. Deno closes its handles when the process or a worker
 * ends, which would leave running threads without code.
 *
 * @returns Whether that worked; then Deno's own handle may be closed at once.
 */
export function keepLoaded(path: string): boolean {
  const RTLD_NOW = 2;
  const loader = openLoader();
  if (!loader) return false;
  const handle = loader.symbols.dlopen(new TextEncoder().encode(path + "\0"), RTLD_NOW);
  loader.close();
  return handle !== null;
}

let ending = false;

/**
 * Makes the process end without running C++ destructors, which crash when threads still use what they destroy.
 *
 * glibc runs exit handlers last-registered first and hands on_exit's the exit status, so `on_exit(_exit)` ends the
 * process at once and with the right status. Libraries register destructors as they go, so ours is registered
 * again when the end is near. Elsewhere than on glibc nothing is done: close the client before the end.
 */
export function endWithoutDestructors(): void {
  if (ending || Deno.build.os !== "linux") return;
  const loader = openLoader();
  if (!loader) return;
  const leave = loader.symbols.dlsym(null, new TextEncoder().encode("_exit\0"));
  loader.close();
  if (leave === null) return;
  // The C library is never unloaded, so its handle need not be kept.
  const register = () => {
    const exit = Deno.dlopen("libc.so.6", EXIT);
    exit.symbols.on_exit(leave, null);
    exit.close();
  };
  try {
    register();
  } catch {
    return;
  }
  ending = true;
  for (const end of ["unload", "error", "unhandledrejection"]) addEventListener(end, register);
}
