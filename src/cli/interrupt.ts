/** Ctrl-C, `kill` and a terminal that is closed: a command may end in good order. */

/** Listening for signals that end a process. */
export interface Interruption {
  /** Aborted by the first one. */
  signal: AbortSignal;
  /** The exit code for it: 129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM; 0 where none has come. */
  code(): number;
  /** Signals end the process again. */
  close(): void;
}

/** The command was ended from outside. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
}

/** Exit codes as shells give them for a process that a signal has ended. */
const CODES = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const;

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process, but for a SIGHUP: a terminal that is closed sends
 * it more than once, by the system and by the shell.
 *
 * @param say Takes a line for people.
 * @param notice What happens now.
 * @param hangups Whether SIGHUP is listened to. Not where it is to do nothing, as after nohup.
 */
export function listenForSignals(
  say: (text: string) => void,
  notice: string,
  hangups: boolean,
): Interruption {
  const controller = new AbortController();
  let code = 0;
  const known = CODES.filter(([name]) =>
    (Deno.build.os !== "windows" || name === "SIGINT") && (hangups || name !== "SIGHUP")
  );
  const listeners = known.map(([name, exit]) => {
    const listener = () => {
      if (controller.signal.aborted) return name === "SIGHUP" ? undefined : Deno.exit(exit);
      code = exit;
      say(`${name}: ${notice} (once more: stop at once)`);
      controller.abort(new InterruptedError(`stopped by ${name}`));
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    code: () => code,
    close: () => {
      for (const { name, listener } of listeners.splice(0)) Deno.removeSignalListener(name, listener);
    },
  };
}
