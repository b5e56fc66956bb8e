/** SIGHUP, which comes when the terminal is closed. */

const SIGHUP = 1, SIG_IGN = 1n;

/** The C library: a handler is the first field of `struct sigaction` on all systems that Deno runs on. */
const SYMBOLS = { sigaction: { parameters: ["i32", "pointer", "buffer"], result: "i32" } } as const;

/** What the system says; undefined where it may or can not be asked. */
function disposition(): bigint | undefined {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  try {
    const library = Deno.dlopen(
      Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6",
      SYMBOLS,
    );
    try {
      const action = new BigUint64Array(64);
      return library.symbols.sigaction(SIGHUP, null, action) === 0 ? action[0] : undefined;
    } finally {
      library.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * Whether this process was started to go on when its terminal is closed, as by `nohup`. To be asked before anything is waited
 * for: Deno then sets a handler of its own, which ends the process all the same.
 *
 * Where the system cannot be asked, a process none of whose streams is a terminal counts as such: that is how `nohup` leaves it.
 */
export function outlivesTerminal(): boolean {
  if (Deno.build.os === "windows") return false;
  const known = disposition();
  if (known !== undefined) return known === SIG_IGN;
  return ![Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}
