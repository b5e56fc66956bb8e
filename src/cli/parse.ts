/** From a command line to typed values. */
import { parseArgs } from "node:util";
import { didYouMean } from "../text/nearest.ts";
import { type Command, flagName, operandWords, type Option } from "./command.ts";
import { describeKind, misfit, readValue } from "./kinds.ts";
import { UsageError } from "./usage_error.ts";

/** What a command line says. */
export interface Parsed {
  /** True when the help was asked for; then nothing need be complete. */
  help: boolean;
  /** By key, defaults included. */
  given: Record<string, unknown>;
}

/** The option that every command has. */
export const HELP: Option = { kind: { kind: "switch" }, help: "this text", short: "h" };

/** What `parseArgs` found. */
interface Token {
  kind: string;
  index: number;
  name?: string;
  rawName?: string;
  value?: string;
  inlineValue?: boolean;
}

/** A command's options by what is typed: `batch-size`, `no-ema`. */
function optionsByFlag(command: Command): Map<string, { key: string; option: Option; off?: boolean }> {
  const flags = new Map<string, { key: string; option: Option; off?: boolean }>();
  for (const [key, option] of Object.entries({ ...command.options, help: HELP })) {
    flags.set(flagName(key), { key, option });
    if (option.negatable) flags.set(`no-${flagName(key)}`, { key, option, off: true });
  }
  return flags;
}

function checked(name: string, { kind }: Option, text: string): unknown {
  const value = readValue(kind, text), wrong = misfit(name, kind, value, text);
  if (wrong) throw new UsageError(wrong);
  return value;
}

/** The value of one option as it was typed. */
function typed(args: readonly string[], token: Token, option: Option, off = false): unknown {
  const { rawName, value, inlineValue, index } = token, { kind } = option;
  if (kind.kind === "switch") {
    if (value === undefined) return !off;
    if (off) throw new UsageError(`${rawName} takes no value`);
    return checked(rawName!, option, value);
  }
  // Without a "=", a word that looks like an option is one, and the value is missing.
  if (value === undefined || (!inlineValue && /^-[^\d.]/.test(value))) {
    const next = value ?? args[index + 1];
    const equals = next === undefined ? "" : `; if "${next}" is meant, write ${rawName}=${next}`;
    throw new UsageError(`${rawName} needs a value: ${describeKind(kind)}${equals}`);
  }
  return checked(rawName!, option, value);
}

function operandsOf(command: Command, words: string[], complete: boolean): Record<string, unknown> {
  const given: Record<string, unknown> = {},
    left = [...words],
    operands = Object.entries(command.operands ?? {});
  for (const [key, { value, optional, many }] of operands) {
    if (left.length === 0 && !optional && complete) {
      const takes = operandWords(command).join(" ");
      throw new UsageError(`${command.name} takes ${takes}; ${value} is missing, see --help`);
    }
    given[key] = many ? left.splice(0) : left.shift();
  }
  if (left.length === 0 || !complete) return given;
  if (operands.length > 0) {
    throw new UsageError(`${command.name}: "${left[0]}" is one argument too many, see --help`);
  }
  const meant = command.stray ? `; did you mean --${flagName(command.stray)} ${left[0]}?` : ", see --help";
  throw new UsageError(`"${left[0]}" is no option; write --name value${meant}`);
}

/** Defaults, and over them what the environment says. */
function unsaid(command: Command, env: (name: string) => string | undefined): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(command.options ?? {})) {
    const text = option.env === undefined ? undefined : env(option.env);
    if (text !== undefined && text !== "") given[key] = checked(option.env!, option, text);
    else if (option.default !== undefined) given[key] = option.default;
    else if (option.kind.kind === "switch" && !option.negatable) given[key] = false;
  }
  return given;
}

/**
 * Reads a command line: `--batch-size 64`, `--batch-size=64`, `--ema`, `--no-ema`, `-h`, operands; after `--` operands
 * only. Of an option that is given twice the last one counts.
 *
 * @param command What there is.
 * @param args The words.
 * @param env Looks up environment variables.
 * @throws {UsageError} When an option does not exist, a value does not fit, or there are too few or too many operands.
 */
export function parse(
  command: Command,
  args: readonly string[],
  env: (name: string) => string | undefined = () => undefined,
): Parsed {
  const flags = optionsByFlag(command);
  const options = Object.fromEntries([...flags].map(([flag, { option, off }]) => [flag, {
    type: option.kind.kind === "switch" ? "boolean" as const : "string" as const,
    ...(option.short && !off ? { short: option.short } : {}),
  }]));
  const tokens: Token[] =
    parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true }).tokens;
  const words: string[] = [], given: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      words.push(token.value!);
      continue;
    }
    const word = args[token.index].replace(/=.*$/s, ""), found = flags.get(token.name!);
    // Of letters only one is taken at a time: "-data" stands for "--data", not for four of them.
    if (!found || /^-[^-]./.test(word)) {
      const meant = didYouMean(word.replace(/^-+/, ""), [...flags.keys()], (flag) => `--${flag}`);
      throw new UsageError(`unknown option ${word}${meant || "; see --help"}`);
    }
    given[found.key] = typed(args, token, found.option, found.off);
  }
  const { help = false, ...values } = given;
  if (help === true) {
    return {
      help,
      given: { ...unsaid(command, () => undefined), ...operandsOf(command, words, false), ...values },
    };
  }
  return { help: false, given: { ...unsaid(command, env), ...operandsOf(command, words, true), ...values } };
}
