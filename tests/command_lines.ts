/** All commands of the program by what is typed, and whether a command line is one that they take. */
import { join } from "node:path";
import { bench } from "../bench/main.ts";
import { type Command, flagName, type Task, type TaskGroup } from "../src/cli/command.ts";
import { parse } from "../src/cli/parse.ts";
import { UsageError } from "../src/cli/usage_error.ts";
import { shellWords } from "./pages.ts";
import { ROOT } from "./user.ts";

/** The tasks of deno.json. */
export const TASKS: Readonly<Record<string, { command: string }>> =
  JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))).tasks;

/** Tasks and groups of them, in the files that the tasks name. */
async function* modules(): AsyncGenerator<Task | TaskGroup> {
  yield bench;
  for (const { command } of Object.values(TASKS)) {
    const file = /\b(tasks\/[\w-]+\.ts)(?: |$)/.exec(command.split(" deno run ").at(-1)!)?.[1];
    if (file !== undefined) yield* Object.values(await import(`../${file}`)) as (Task | TaskGroup)[];
  }
}

async function readCommands(): Promise<ReadonlyMap<string, Command>> {
  const found = new Map<string, Command>();
  for await (const one of modules()) {
    if ("command" in one) found.set(one.command.name, one.command);
    if (!("tasks" in one)) continue;
    if (one.alone) found.set(one.name, one.alone.command);
    for (const [name, { load }] of Object.entries(one.tasks)) {
      found.set(`${one.name} ${name}`, (await load()).command);
    }
  }
  return found;
}

/** Commands by what is typed, such as `reid eval`. */
export const COMMANDS = await readCommands();

/** A command's options as they are typed. */
export function flagsOf({ options = {} }: Command): string[] {
  return ["--help"].concat(
    ...Object.entries(options).map(([key, { negatable }]) =>
      [`--${flagName(key)}`].concat(negatable ? `--no-${flagName(key)}` : [])
    ),
  );
}

/** What stands for any value: a word in capitals, or several that one is chosen of. */
const stands = (word: string | undefined) => word !== undefined && /^[A-Z…]|\|/.test(word);

/** Words of a name without a command of its own: a group, or a task of deno.json that is no command. */
function wrongName([name, ...rest]: readonly string[]): string | undefined {
  const group = [...COMMANDS.keys()].some((one) => one.startsWith(`${name} `));
  const [next] = rest.filter((word) => word !== "--help");
  if (stands(name) || (name in TASKS && (next === undefined || stands(next) || !group))) return;
  return "there is no such command";
}

/** What is wrong with the words behind `deno task`; undefined where they are taken. */
export function wrongInLine(line: string): string | undefined {
  return wrongIn(shellWords(line), (words) => words);
}

/**
 * The same of a line that a text shows in short, such as `train --config FILE`: arguments may be missing, the last option's
 * value too, and what stands for a value is no word of the line.
 */
export function wrongInShort(line: string): string | undefined {
  return wrongIn(shellWords(line), (words, flags) => {
    const kept = words.filter((word, i) => {
      const valueOf = word.startsWith("--")
        ? words[i + 1]
        : words[i - 1]?.startsWith("--")
        ? word
        : undefined;
      // An option that there is not stays, to be refused.
      return !stands(valueOf) || (word.startsWith("--") && !flags.includes(word));
    });
    const last = kept.at(-1) ?? "";
    return [...flags.includes(last) ? kept.slice(0, -1) : kept, "--help"];
  });
}

/** The command's words as they are to be read; then those that are parsed. */
function wrongIn(
  words: string[],
  read: (words: string[], flags: readonly string[]) => string[],
): string | undefined {
  const count = [2, 1].find((count) => COMMANDS.has(words.slice(0, count).join(" ")));
  if (count === undefined) return wrongName(words);
  const command = COMMANDS.get(words.slice(0, count).join(" "))!;
  try {
    parse(command, read(words.slice(count), flagsOf(command)));
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
