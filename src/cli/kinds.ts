/** The kinds of values that options and settings take: how they are read from text, checked and described. */
import { parseBytes } from "../text/amounts.ts";
import { didYouMean } from "../text/nearest.ts";

/** Where numbers end: `min` and `max` are allowed themselves, `above` and `below` are not. */
export interface Bounds {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
}

/** A whole or any number. */
export interface NumberKind extends Bounds {
  kind: "whole" | "number";
  /** True where `auto` stands for a number that is found; as a value it is 0. */
  auto?: boolean;
}

/** One of some words. */
export interface ChoiceKind<T extends string = string> {
  kind: "choice";
  of: readonly T[];
}

/** Text; only with `empty` may there be none. */
export interface TextKind {
  kind: "text";
  empty?: boolean;
  /** What stands for it in the help, such as PATH. */
  word?: string;
}

/** Two numbers, written `0.3,1`. */
export interface PairKind extends Bounds {
  kind: "pair";
  ordered?: boolean;
}

/** At least one value, written `10,20`; in a list of texts `\,` is a comma of one of them. */
export interface ListKind<K extends NumberKind | ChoiceKind | TextKind = NumberKind | ChoiceKind | TextKind> {
  kind: "list";
  of: K;
}

/** What values an option or a setting takes. */
export type Kind =
  | NumberKind
  | PairKind
  | ChoiceKind
  | TextKind
  | ListKind
  | { kind: "switch" }
  | { kind: "bytes" };

/** The type of a kind's values. */
export type ValueOf<K extends Kind> = K extends ListKind<infer Of> ? ValueOf<Of>[]
  : K extends ChoiceKind<infer T> ? T
  : K extends { kind: "whole" | "number" | "bytes" } ? number
  : K extends { kind: "pair" } ? readonly [number, number]
  : K extends { kind: "switch" } ? boolean
  : string;

/** A whole number within bounds. */
export const whole = (min = 0, max?: number): NumberKind => ({ kind: "whole", min, max });
/** A whole number within bounds, or `auto`, which is 0. */
export const wholeOrAuto = (min = 1, max?: number): NumberKind => ({ kind: "whole", min, max, auto: true });
/** A number within bounds. */
export const number = (min = 0, max?: number): NumberKind => ({ kind: "number", min, max });
/** A part of a whole: above 0 and at most 1. */
export const share: NumberKind = { kind: "number", above: 0, max: 1 };
/** Any of some words. */
export const choice = <const T extends string>(...of: readonly T[]): ChoiceKind<T> => ({
  kind: "choice",
  of,
});
/** Values of one kind. */
export const list = <K extends NumberKind | ChoiceKind | TextKind>(of: K): ListKind<K> => ({
  kind: "list",
  of,
});
/** Text that is not empty: a name, a path, a URI. */
export const text: TextKind = { kind: "text" };
/** On or off. */
export const onOff: { kind: "switch" } = { kind: "switch" };
/** A size, such as `500MB` or `2GiB`. */
export const bytes: { kind: "bytes" } = { kind: "bytes" };

function bounds({ min, max, above, below }: Bounds): string {
  const low = above !== undefined ? `above ${above}` : min !== undefined ? `from ${min}` : "";
  if (low === "") return "";
  if (below !== undefined) return ` ${low} and below ${below}`;
  if (max !== undefined) return above !== undefined ? ` ${low} and at most ${max}` : ` ${low} to ${max}`;
  return above !== undefined ? ` ${low}` : ` ${low} up`;
}

/** What a kind of value is called in errors. */
export function describeKind(kind: Kind): string {
  switch (kind.kind) {
    case "choice":
      return `one of ${kind.of.join(", ")}`;
    case "text":
      return kind.empty ? "text" : "text that is not empty";
    case "switch":
      return "true or false";
    case "bytes":
      return "a size, such as 500MB, 512MiB, 2GiB, or a number of bytes";
    case "list":
      return `a list, with commas between: each ${describeKind(kind.of)}${
        kind.of.kind === "text" ? "; \\, is a comma of one" : ""
      }`;
    case "pair":
      return `two numbers${bounds(kind)}${kind.ordered ? ", the smaller first" : ""}`;
    case "whole":
      return `a whole number${bounds(kind)}${kind.auto ? ", or auto (in a file: 0)" : ""}`;
    case "number":
      return `a number${bounds(kind)}`;
    default:
      return kind satisfies never;
  }
}

/** What stands for a value in the help, where an option has no better word. */
export function placeholder(kind: Kind): string {
  const words = {
    whole: "N",
    number: "X",
    pair: "X,X",
    choice: "NAME",
    text: "TEXT",
    list: "LIST",
    bytes: "SIZE",
  };
  if (kind.kind === "switch") return "";
  if (kind.kind === "whole" && kind.auto) return "N|auto";
  return kind.kind === "text" && kind.word ? kind.word : words[kind.kind];
}

function within(
  x: unknown,
  { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity }: Bounds,
) {
  return typeof x === "number" && Number.isFinite(x) && x >= min && x <= max && x > above && x < below;
}

/** True when a value is of the kind. */
export function fits(kind: Kind, value: unknown): boolean {
  switch (kind.kind) {
    case "choice":
      return typeof value === "string" && kind.of.includes(value);
    case "text":
      return typeof value === "string" && (kind.empty === true || value.trim() !== "");
    case "switch":
      return typeof value === "boolean";
    case "bytes":
      return Number.isSafeInteger(value) && within(value, { min: 1 });
    case "whole":
      return Number.isSafeInteger(value) && (within(value, kind) || kind.auto === true && value === 0);
    case "number":
      return within(value, kind);
    case "list":
      return Array.isArray(value) && value.length > 0 && value.every((item) => fits(kind.of, item));
    case "pair":
      return Array.isArray(value) && value.length === 2 && value.every((x) => within(x, kind)) &&
        (!kind.ordered || value[0] <= value[1]);
    default:
      return kind satisfies never;
  }
}

/** Reads text as a value of the kind. Text that is no such value stays text, so that the check can name it. */
export function readValue(kind: Kind, text: string): unknown {
  const asNumber = (part: string) => part.trim() === "" || isNaN(Number(part)) ? part : Number(part);
  switch (kind.kind) {
    case "whole":
    case "number":
      return kind.auto ? text === "auto" ? 0 : text === "0" ? text : asNumber(text) : asNumber(text);
    case "pair":
      return text.split(",").map(asNumber);
    case "list":
      return kind.of.kind === "text"
        ? text.split(/(?<!\\),/).map((part) => part.trim().replaceAll("\\,", ","))
        : text.split(",").map((part) => readValue(kind.of, part.trim()));
    case "switch":
      return text === "true" ? true : text === "false" ? false : text;
    case "bytes":
      return parseBytes(text) ?? text;
    case "choice":
    case "text":
      return text;
    default:
      return kind satisfies never;
  }
}

/**
 * Says what is wrong with a value.
 *
 * @param name What the value is of: an option, a setting, a variable.
 * @param kind What it should be.
 * @param value What it is.
 * @param given The text that it was read from, if it was text.
 * @returns One line, or undefined where the value fits.
 */
export function misfit(name: string, kind: Kind, value: unknown, given?: string): string | undefined {
  if (fits(kind, value)) return undefined;
  const word = kind.kind === "choice" && typeof value === "string"
    ? didYouMean(value, kind.of, (near) => near)
    : "";
  const own = typeof value === "number" ? String(value) : JSON.stringify(value);
  const shown = given === undefined ? own : `"${given}"`;
  return `${name} is ${shown}, but it must be ${describeKind(kind)}${word}`;
}
