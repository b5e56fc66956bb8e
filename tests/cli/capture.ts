/** Runs a command in this process, as its command line would, and keeps what it says. */
import type { Task, TaskGroup } from "../../src/cli/command.ts";
import { openLines } from "../../src/cli/lines.ts";
import { runTask } from "../../src/cli/run.ts";
import type { Ended } from "../user.ts";

/** What is different from a user's shell. */
export interface CaptureOptions {
  env?: Readonly<Record<string, string>>;
  columns?: number;
  /** Aborted, it stands for a SIGINT. */
  interrupt?: AbortSignal;
  /** Called with what goes to the error output, when it does. */
  said?: (text: string) => void;
}

/**
 * Runs a command.
 *
 * @param task The command.
 * @param args Its words.
 * @returns As from a process of its own: there is no terminal.
 */
export async function capture(
  task: Task | TaskGroup,
  args: readonly string[],
  { env = {}, columns = 100, interrupt, said }: CaptureOptions = {},
): Promise<Ended> {
  let out = "", err = "";
  const code = await runTask(task, {
    args,
    env: (name) => env[name],
    print: (text) => out += `${text}\n`,
    gone: () => false,
    progress: openLines({
      write(text) {
        err += text;
        said?.(text);
      },
      terminal: false,
    }),
    columns,
    interruptible: () => ({
      signal: interrupt ?? new AbortController().signal,
      code: () => interrupt?.aborted ? 130 : 0,
      close: () => {},
    }),
    exit: (code) => {
      throw new Error(`the command ended the process with code ${code}`);
    },
  });
  return { code, out, err };
}
