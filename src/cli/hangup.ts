/** SIGHUP, which comes when the terminal is closed. */

/** This process's streams. */
const STREAMS: readonly { isTerminal(): boolean }[] = [Deno.stdin, Deno.stdout, Deno.stderr];

/**
 * Whether this process was started to go on when its terminal is closed: none of its streams is one. That is how `nohup` leaves a
 * process. It also has the system ignore SIGHUP, but Deno takes that back, and between `nohup` and a command stands `deno task`.
 */
export function outlivesTerminal(streams = STREAMS): boolean {
  return !streams.some((stream) => stream.isTerminal());
}
