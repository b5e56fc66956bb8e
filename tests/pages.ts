/** The pages of the documentation as a reader finds them: titles, links, code, command lines. */
import { join } from "node:path";
import { ROOT } from "./user.ts";

/** A block of code in a page. */
export interface Block {
  language: string;
  /** The line of its first line, from 1. */
  line: number;
  text: string;
}

/** A page of the documentation. */
export interface Page {
  /** Its path in the repository. */
  path: string;
  text: string;
  blocks: Block[];
  /** Lines outside of blocks, with their numbers from 1. */
  prose: { line: number; text: string }[];
}

/** A page's blocks and what lies between them. */
export function readPage(path: string, text: string): Page {
  const blocks: Block[] = [], prose: Page["prose"] = [];
  let open: Block | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (fence && open) {
      blocks.push({ ...open, text: open.text.slice(0, -1) });
      open = undefined;
    } else if (fence) open = { language: fence[1].trim(), line: i + 2, text: "" };
    else if (open) open.text += `${line}\n`;
    else prose.push({ line: i + 1, text: line });
  }
  return { path, text, blocks, prose };
}

/** All pages: docs/ and the README. */
export function readPages(): Page[] {
  const names = Array.from(Deno.readDirSync(join(ROOT, "docs")), ({ name }) => `docs/${name}`)
    .filter((name) => name.endsWith(".md")).sort();
  return ["README.md", ...names].map((path) => readPage(path, Deno.readTextFileSync(join(ROOT, path))));
}

/** The names by which links find a page's titles, as GitHub makes them. */
export function anchorsOf({ prose }: Page): Set<string> {
  const found = new Map<string, number>();
  for (const { text } of prose) {
    const title = /^#+ (.*)$/.exec(text)?.[1];
    if (title === undefined) continue;
    const name = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "").trim().replaceAll(" ", "-");
    found.set(name, (found.get(name) ?? -1) + 1);
  }
  return new Set(
    [...found].flatMap(([name, more]) =>
      Array.from({ length: more + 1 }, (_, i) => i === 0 ? name : `${name}-${i}`)
    ),
  );
}

/** What stands between backticks in a page's prose. */
export function spansOf({ prose }: Page): { line: number; text: string }[] {
  return prose.flatMap(({ line, text }) =>
    Array.from(text.matchAll(/(`+)(.+?)\1(?!`)/g), ([, , inner]) => ({ line, text: inner.trim() }))
  );
}

/** Words as a shell divides them; quotes and backslashes are taken off. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:\\.|'[^']*'|"[^"]*"|[^\s'"\\])+/g)) {
    words.push(word.replaceAll(/\\(.)|'([^']*)'|"([^"]*)"/g, (_, a, b, c) => a ?? b ?? c));
  }
  return words;
}

/** The command lines `deno task …` of a block for a shell, its variables set to their first values. */
export function tasksIn(block: string): string[] {
  const set = new Map<string, string>();
  const filled = (text: string) => text.replaceAll(/\$(\w+)/g, (whole, name) => set.get(name) ?? whole);
  return block.replaceAll(/\\\n\s*/g, " ").split("\n").flatMap((line) => {
    const plain = line.replace(/(^|\s)#.*$/, "");
    for (const [, name, loose] of plain.matchAll(/\bfor (\w+) in (\S+)/g)) set.set(name, loose);
    for (const [, name, quoted, loose] of plain.matchAll(/(?:^|;)\s*(\w+)=(?:"([^"]*)"|([^\s;]*))/g)) {
      set.set(name, filled(quoted ?? loose));
    }
    return Array.from(
      plain.matchAll(/\bdeno(?:@\S+)? task ([^;|&<>]*)/g),
      ([, words]) => filled(words).replaceAll(/\s+/g, " ").trim(),
    );
  });
}

/**
 * The rows of the table whose first line has these cells, by what the first cell of each says; marks of code are taken off.
 * All cells of the first line must be there, further ones may.
 */
export function tableOf({ path, prose }: Page, ...heads: string[]): Map<string, string[]> {
  const cells = (text: string) =>
    text.trim().replace(/^\|(.*)\|$/, "$1").split(/(?<!\\)\|/).map((cell) => cell.replaceAll("`", "").trim());
  const lines = prose.map(({ text }) => text);
  const at = lines.findIndex((text) =>
    text.startsWith("|") && heads.every((head, i) => cells(text)[i] === head)
  );
  if (at === -1) throw new Error(`${path} has no table of ${heads.join(", ")}`);
  const end = lines.findIndex((text, i) => i > at && !text.startsWith("|"));
  const rows = lines.slice(at + 2, end === -1 ? undefined : end).map(cells);
  return new Map(rows.map(([name, ...rest]) => [name, rest]));
}
