/** A command's help, made from what it is. */
import { twoColumns, wrap } from "../text/layout.ts";
import { type Command, flagName, operandWords, type Option, type TaskGroup } from "./command.ts";
import { placeholder } from "./kinds.ts";
import { EXIT_CODES } from "./exit_codes.ts";
import { HELP } from "./parse.ts";

const MOST = 120, LEAST = 40;

/** A default as a user would write it. */
function shownValue(value: unknown): string {
  if (Array.isArray(value)) return value.map((x) => typeof x === "number" ? +x.toPrecision(4) : x).join(",");
  return value === "" ? "empty" : String(value);
}

function optionRow(
  [key, option]: [string, Option],
  shown: Readonly<Record<string, unknown>>,
): [string, string] {
  const { kind, short, negatable, usually, env } = option;
  const flag = `${short ? `-${short}, ` : ""}--${negatable ? "[no-]" : ""}${flagName(key)}`;
  const value = kind.kind === "switch" ? "" : ` ${option.value ?? placeholder(kind)}`;
  const one = kind.kind === "list" ? kind.of : kind;
  const words = one.kind === "choice" ? ` (${one.of.join(", ")})` : "";
  const variable = env ? `; or by ${env}` : "";
  const usual = usually ?? (key in shown ? shownValue(shown[key]) : undefined);
  const common = usual ?? (option.default !== undefined ? shownValue(option.default) : undefined);
  return [flag + value, option.help + words + variable + (common === undefined ? "" : ` [${common}]`)];
}

/** Options under their headings, in the order of their first. */
function groups(command: Command): Map<string, [string, Option][]> {
  const found = new Map<string, [string, Option][]>();
  for (const row of Object.entries({ ...command.options, help: HELP })) {
    const group = row[1].group ?? "Options";
    found.set(group, [...found.get(group) ?? [], row]);
  }
  return found;
}

/** The command line in short: `deno task pack SRC DEST [options]`. */
const usage = (command: Command) =>
  `deno task ${[command.name, ...operandWords(command), "[options]"].join(" ")}`;

/**
 * The help of a command.
 *
 * @param command What it is.
 * @param columns Characters of a line.
 * @param given What stands beside `--help`; some defaults depend on it.
 */
export function helpText(
  command: Command,
  columns = 100,
  given: Readonly<Record<string, unknown>> = {},
): string {
  const width = Math.min(MOST, Math.max(LEAST, columns));
  const { summary, operands = {}, notes = [], examples = [], tables = {} } = command;
  const shown = command.shown?.(given) ?? {};
  const lines = [...wrap(summary, width), "", ...wrap(usage(command), width - 2).map((line) => `  ${line}`)];
  const section = (title: string, body: string[]) => {
    if (body.length > 0) lines.push("", ...title === "" ? [] : [title], ...body);
  };
  section("", twoColumns(Object.values(operands).map(({ value, help }) => [value, help]), width));
  for (const [title, rows] of groups(command)) {
    section(title, twoColumns(rows.map((row) => optionRow(row, shown)), width));
  }
  for (const note of notes) section("", wrap(note, width));
  section(
    "Examples",
    examples.flatMap(([line, does]) => [
      `  deno task ${line}`,
      ...wrap(does, width - 6).map((text) => `      ${text}`),
    ]),
  );
  for (const [title, rows] of Object.entries(tables)) section(title, twoColumns(Object.entries(rows), width));
  section("", wrap(EXIT_CODES, width));
  return lines.join("\n");
}

/** The help of several commands under one name. */
export function groupHelp({ name, summary, tasks, alone, notes = [] }: TaskGroup, columns = 100): string {
  const width = Math.min(MOST, Math.max(LEAST, columns));
  const rows: [string, string][] = Object.entries(tasks).map((
    [task, about],
  ) => [`${name} ${task}`, about.summary]);
  if (alone) rows.unshift([name, alone.command.summary]);
  return [
    ...wrap(summary, width),
    "",
    ...twoColumns(rows, width),
    "",
    ...wrap(`deno task ${name} NAME --help says what each takes.`, width),
    ...notes.flatMap((note) => ["", ...wrap(note, width)]),
    "",
    ...wrap(EXIT_CODES, width),
  ].join("\n");
}
