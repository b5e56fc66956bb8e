/** What a command is given to talk with: its output, its progress, signals. */
import { visible } from "../text/layout.ts";
import { redact } from "../files/redact.ts";
import { type Lines, openLines } from "./lines.ts";
import { outlivesTerminal } from "./hangup.ts";
import { type Interruption, listenForSignals } from "./interrupt.ts";

/** Around a command. */
export interface Shell {
  /** The words after the command's name. */
  args: readonly string[];
  /** Looks up an environment variable. */
  env(name: string): string | undefined;
  /** Writes a result to the standard output, with a line end. Nothing else is ever written there. */
  print(text: string): void;
  /** Whether nobody reads the standard output any more, as after `head`: work that only fills it can end. */
  gone(): boolean;
  /** Lines for people, on the error output. */
  progress: Lines;
  /** Characters in a line of the output. */
  columns: number;
  /**
   * From now on the first SIGINT or SIGTERM, or the SIGHUP of a terminal that is closed, aborts a signal instead of ending the
   * process; a second SIGINT or SIGTERM ends it.
   *
   * @param notice What happens now, such as `writing a checkpoint`.
   */
  interruptible(notice: string): Interruption;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** Writes all of a text. A reader that has gone, as `head` does, is no failure of the command: it wants no more. */
function writeTo(stream: { writeSync(bytes: Uint8Array): number }) {
  const encoder = new TextEncoder();
  let gone = false;
  const write = (text: string) => {
    // Whatever a command says, no password and no signature in an address is shown.
    const bytes = encoder.encode(redact(text));
    for (let at = 0; at < bytes.length && !gone;) {
      try {
        at += stream.writeSync(bytes.subarray(at));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) gone = true;
        // A pipe that a parent has set not to block is full.
        else if (error instanceof Deno.errors.WouldBlock) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        } else throw error;
      }
    }
  };
  return { write, gone: () => gone };
}

/** Characters in a line of the terminal; elsewhere what `COLUMNS` says, or 100. */
function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 100;
  } catch {
    return Number(Deno.env.get("COLUMNS")) || 100;
  }
}

/**
 * This process's own. From now on a SIGHUP does nothing where the process is to outlive its terminal, nor does a SIGXFSZ.
 */
export function systemShell(): Shell {
  const { stdout, stderr } = Deno, env = (name: string) => Deno.env.get(name);
  const terminal = stderr.isTerminal() && env("TERM") !== "dumb";
  const out = writeTo(stdout), err = writeTo(stderr).write;
  // What cannot be said any more, on a disk that is full, must not end what runs.
  const quiet = (text: string) => {
    try {
      err(text);
    } catch { /* nobody hears */ }
  };
  const outlives = outlivesTerminal();
  if (Deno.build.os !== "windows") {
    if (outlives) Deno.addSignalListener("SIGHUP", () => {});
    // A file that grows too large (ulimit -f) is an error of whoever writes it, and not the process's end.
    Deno.addSignalListener("SIGXFSZ", () => {});
  }
  const progress = openLines({ write: quiet, terminal, columns: terminalColumns });
  return {
    args: Deno.args,
    env,
    print: (text) => {
      progress.close();
      try {
        out.write(`${stdout.isTerminal() ? visible(text) : text}\n`);
      } catch (cause) {
        throw new Error(`the result cannot be written to the standard output: ${(cause as Error).message}`, {
          cause,
        });
      }
    },
    gone: out.gone,
    progress,
    columns: terminalColumns(),
    interruptible: (notice) => listenForSignals((text) => progress.line(text), notice, !outlives),
    exit: (code) => Deno.exit(code),
  };
}
