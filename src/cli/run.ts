/** Runs a command from its words to its exit code. */
import { forgetAllocator } from "../engine/install/allocator.ts";
import { didYouMean } from "../text/nearest.ts";
import type { Task, TaskGroup } from "./command.ts";
import { DONE, FAILED, USAGE } from "./exit_codes.ts";
import { groupHelp, helpText } from "./help.ts";
import { InterruptedError, type Interruption } from "./interrupt.ts";
import { parse } from "./parse.ts";
import { errorText } from "./error_text.ts";
import { type Shell, systemShell } from "./shell.ts";
import { UsageError } from "./usage_error.ts";

/** Says what went wrong, in one line on the error output. */
export function report(error: unknown, { progress }: Pick<Shell, "progress">): void {
  const { text, trace } = errorText(error);
  progress.line(`error: ${text}`);
  if (trace) progress.line(trace);
}

/** The exit code for an error. */
export function exitCode(error: unknown): number {
  return error instanceof UsageError ? USAGE : FAILED;
}

/** The command that a group's first word names. */
async function chosen(
  group: TaskGroup,
  args: readonly string[],
): Promise<{ task: Task; args: readonly string[] } | string> {
  const [word, ...rest] = args, { name, tasks, alone } = group;
  if (word !== undefined && Object.hasOwn(tasks, word)) return { task: await tasks[word].load(), args: rest };
  if (word === "--help" || word === "-h" || word === "help") return "";
  if (alone && (word === undefined || word.startsWith("-"))) return { task: alone, args };
  const names = Object.keys(tasks), meant = word === undefined ? "" : didYouMean(word, names, (near) => near);
  return `${name} takes one of ${names.join(", ")}${word === undefined ? "" : `, not "${word}"`}${
    meant || "; see --help"
  }`;
}

/**
 * Runs a command, or one of a group, from its words to its exit code. Errors become one line on the error output.
 *
 * @param task What to run.
 * @param shell Where its words come from and its results go.
 * @returns The exit code: see {@linkcode EXIT_CODES}.
 */
export async function runTask(task: Task | TaskGroup, shell: Shell): Promise<number> {
  const listening: Interruption[] = [];
  const interruptible = (notice: string) => {
    const interruption = shell.interruptible(notice);
    listening.push(interruption);
    return interruption;
  };
  const stopped = () => listening.find((interruption) => interruption.code() !== 0)?.code();
  try {
    if ("tasks" in task) {
      const found = await chosen(task, shell.args);
      if (found === "") {
        shell.print(groupHelp(task, shell.columns));
        return DONE;
      }
      if (typeof found === "string") throw new UsageError(found);
      return await runTask(found.task, { ...shell, args: found.args });
    }
    const { help, given } = parse(task.command, shell.args, shell.env);
    if (help) {
      shell.print(helpText(task.command, shell.columns, given));
      return DONE;
    }
    const code = await task.main(given, { ...shell, interruptible });
    return code || stopped() || DONE;
  } catch (error) {
    shell.progress.close();
    if (!(error instanceof InterruptedError)) report(error, shell);
    return stopped() ?? exitCode(error);
  } finally {
    for (const interruption of listening) interruption.close();
    shell.progress.close();
  }
}

/** Runs a command as this process. */
export async function start(task: Task | TaskGroup): Promise<void> {
  forgetAllocator();
  // What libraries have to say is no result.
  for (const name of ["log", "info", "debug"] as const) console[name] = (...words) => console.error(...words);
  Deno.exitCode = await runTask(task, systemShell());
}
