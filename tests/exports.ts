/** What modules export and what they say of it, read from the text. */
import { join } from "node:path";
import { ROOT } from "./user.ts";

/** A name that a module declares and exports. */
export interface Declared {
  file: string;
  line: number;
  name: string;
  kind: string;
  /** Its doc comment, without stars; empty when it has none. */
  doc: string;
  /** Of a function, what it does; else empty. */
  body: string;
}

const DECLARATION =
  /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(function\*?|class|interface|type|const|let|enum|namespace)\s+(\w+)/gm;

/** The comment that ends right before a place. */
function docBefore(text: string, at: number): string {
  const before = text.slice(0, at).trimEnd();
  if (!before.endsWith("*/")) return "";
  const from = before.lastIndexOf("/*");
  if (!before.startsWith("/**", from)) return "";
  return before.slice(from + 3, -2).split("\n").map((line) => line.replace(/^\s*\* ?/, "")).join("\n").trim();
}

/** What lies between the brackets of a function's body. Relies on deno fmt: the body's last bracket has a line for itself. */
function bodyOf(text: string): string {
  const whole = text.slice(0, /^\}$/m.exec(text)?.index ?? text.length);
  // Brackets that end a line which begins in the first column: those of parameters first, then the body's.
  const begin = [...whole.matchAll(/^\S.*\{$/gm)].at(-1);
  return begin ? whole.slice(begin.index + begin[0].length) : "";
}

/** What a module declares itself. */
export function declaredIn(file: string, text: string): Declared[] {
  return Array.from(text.matchAll(DECLARATION), (match) => {
    const [, kind, name] = match, rest = text.slice(match.index);
    const body = kind.startsWith("function") ? bodyOf(rest) : "";
    const line = text.slice(0, match.index).split("\n").length;
    return { file, line, name, kind, doc: docBefore(text, match.index), body };
  });
}

/** A name that a module exports from another one. */
export interface Reexport {
  /** What it is called there. */
  name: string;
  as: string;
  from: string;
}

/** What a module exports from others, `export { a as b } from "./c.ts"`; `*` for all of it. */
export function reexportsIn(text: string): Reexport[] {
  const lists = Array.from(
    text.matchAll(/^export (?:type )?\{([^}]*)\}\s*from\s*"(\.[^"]+)"/gm),
    ([, list, from]) =>
      list.replaceAll(/\/\/.*$/gm, "").split(",").map((item) => item.trim().replace(/^type /, "")).filter((
        item,
      ) => item !== "").map((item) => {
        const [name, as = name] = item.split(/\s+as\s+/);
        return { name, as, from };
      }),
  );
  const all = Array.from(text.matchAll(/^export \*(?: as \w+)? from\s*"(\.[^"]+)"/gm), ([, from]) => ({
    name: "*",
    as: "*",
    from,
  }));
  return [...lists.flat(), ...all];
}

/** The file that declares a name which a module exports, however often it was handed on. */
export function findDeclared(file: string, name: string): Declared | undefined {
  const text = Deno.readTextFileSync(join(ROOT, file));
  const own = declaredIn(file, text).find((declared) => declared.name === name);
  if (own) return own;
  const handed = reexportsIn(text).find(({ as }) => as === name);
  return handed && findDeclared(join(file, "..", handed.from), handed.name);
}

const BLOCKS = ["if", "for", "while", "switch", "catch"];

/** Whether the bracket `{` at a place begins the body of a function, or of a `try`. */
function isApart(code: string, at: number): boolean {
  const before = code.slice(0, at).trimEnd();
  if (/=>$|\btry$/.test(before)) return true;
  // A type of the result may stand between: `(…): Promise<void> {`.
  const close = /\)(?::[^(){};]*)?$/.exec(before);
  if (!close) return false;
  let open = close.index;
  for (let depth = 1; depth > 0 && open > 0;) {
    open--;
    if (code[open] === ")") depth++;
    else if (code[open] === "(") depth--;
  }
  const word = /(\w+)\s*$/.exec(code.slice(0, open))?.[1] ?? "";
  return !BLOCKS.includes(word);
}

/**
 * Types that a function itself throws: `throw new X(`. What functions inside of it throw is for their callers; what stands in
 * a `try` is taken as caught.
 */
export function thrownIn(body: string): Set<string> {
  const code = body.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "").replaceAll(
    /"(?:[^"\\\n]|\\.)*"|`[^`]*`/g,
    '""',
  );
  const types = new Set<string>();
  /** For each open bracket, whether what it holds is no part of the function itself. */
  const open: boolean[] = [];
  for (const { 0: sign, 1: type, index } of code.matchAll(/[{}]|\bthrow new (?:\w+\.)*(\w+)\(/g)) {
    if (sign === "{") open.push(isApart(code, index));
    else if (sign === "}") open.pop();
    else if (!open.includes(true)) types.add(type);
  }
  return types;
}

/** Types that a doc comment says are thrown: `@throws {X} When …`. */
export function toldIn(doc: string): Set<string> {
  return new Set(Array.from(doc.matchAll(/^@throws \{(?:\w+\.)*(\w+)\}/gm), ([, type]) => type));
}
