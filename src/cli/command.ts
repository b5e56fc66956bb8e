/** What a command is, as plain data. */
import type { Kind, ValueOf } from "./kinds.ts";
import type { Shell } from "./shell.ts";

/** An option: `--batch-size 64`. */
export interface Option {
  kind: Kind;
  /** What it does, as one line without a full stop. */
  help: string;
  /** What stands for its value in the help, such as PATH. Default: a word for the kind. */
  value?: string;
  /** The value where none is given. A switch is off without one. */
  default?: unknown;
  /** What the help shows as the default, where the value itself says nothing. */
  usually?: string;
  /** One letter: `-h`. */
  short?: string;
  /** An environment variable that gives the value where the option is not given. */
  env?: string;
  /** Its heading in the help. Default: Options. */
  group?: string;
  /** True for a switch that can also be turned off: `--no-ema`. */
  negatable?: boolean;
}

/** An argument without a name of its own, such as a path. */
export interface Operand {
  /** What it is called in the help, such as SRC. */
  value: string;
  help: string;
  /** May be left out. */
  optional?: boolean;
  /** One or more of them; only the last operand. */
  many?: boolean;
}

/** Options by their keys; `batchSize` is `--batch-size`. */
export type Options = Readonly<Record<string, Option>>;
/** Operands by their keys, in the order in which they are given. */
export type Operands = Readonly<Record<string, Operand>>;

/** A command: what it takes and what the help says of it. */
export interface Command<A extends Operands = Operands, O extends Options = Options> {
  /** What is typed after `deno task`. */
  name: string;
  /** What it does, in a sentence. */
  summary: string;
  operands?: A;
  options?: O;
  /** What else a user has to know: paragraphs below the options. */
  notes?: readonly string[];
  /** Command lines without `deno task`, and what they do. */
  examples?: readonly (readonly [line: string, does: string])[];
  /** Further names and what they mean, under headings: values of an operand, environment variables. */
  tables?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The option that an argument without a name was probably meant for, where the command takes no operands. */
  stray?: keyof O & string;
  /** Defaults that the help shows, where they depend on what is given. */
  shown?: (given: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

type OperandValue<A extends Operand> = A extends { many: true } ? string[]
  : A extends { optional: true } ? string | undefined
  : string;
type OptionValue<O extends Option> = O["kind"] extends { kind: "switch" }
  ? O extends { negatable: true } ? boolean | undefined
  : boolean
  : O extends { default: unknown } ? ValueOf<O["kind"]>
  : ValueOf<O["kind"]> | undefined;

/** The values that a command gets. */
export type Given<A extends Operands, O extends Options> =
  & { readonly [K in keyof A]: OperandValue<A[K]> }
  & { readonly [K in keyof O]: OptionValue<O[K]> };

/** What a command does. Gives the exit code; nothing means 0. */
export type Main<G> = (given: G, shell: Shell) => Promise<number | void>;

/** A command with what it does. */
export interface Task {
  command: Command;
  main: Main<Readonly<Record<string, unknown>>>;
}

/** Several commands under one name, such as `bench step`; each is loaded when it is called. */
export interface TaskGroup {
  name: string;
  summary: string;
  tasks: Readonly<Record<string, { summary: string; load: () => Promise<Task> }>>;
  /** What is done without a further word. Default: the help is shown, with exit code 2. */
  alone?: Task;
  /** What else a user has to know. */
  notes?: readonly string[];
}

/**
 * Puts a command and what it does together; the types of the values follow from the command.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { task } from "./command.ts";
 * import { whole } from "./kinds.ts";
 * import { parse } from "./parse.ts";
 *
 * const greet = task({
 *   name: "greet",
 *   summary: "Greets someone.",
 *   operands: { name: { value: "NAME", help: "whom" } },
 *   options: { times: { kind: whole(1), help: "how often", default: 1 } },
 * }, async ({ name, times }, { print }) => {
 *   await Promise.resolve();
 *   print(`Hello ${name}. `.repeat(times));
 * });
 * assert.deepEqual(parse(greet.command, ["Ada", "--times=2"]).given, { name: "Ada", times: 2 });
 * ```
 */
export function task<const A extends Operands, const O extends Options>(
  command: Command<A, O>,
  main: Main<Given<A, O>>,
): Task {
  return { command: command as unknown as Command, main: main as Main<Readonly<Record<string, unknown>>> };
}

/** `batchSize` → `batch-size`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A command's operands as they are written in the help: `SRC`, `[FILE…]`. */
export function operandWords({ operands = {} }: Command): string[] {
  return Object.values(operands).map(({ value, optional, many }) => {
    const word = `${value}${many ? "…" : ""}`;
    return optional ? `[${word}]` : word;
  });
}
