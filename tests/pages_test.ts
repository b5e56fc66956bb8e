/** What the pages of the documentation and the commands' own help say of commands, options, files and names is there. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { COMMANDS, flagsOf, TASKS, wrongInLine, wrongInShort } from "./command_lines.ts";
import { declaredIn, reexportsIn } from "./exports.ts";
import { anchorsOf, type Page, readPage, readPages, shellWords, spansOf, tasksIn } from "./pages.ts";
import { ROOT } from "./user.ts";

const pages = readPages();
const everyFlag = new Set([...COMMANDS.values()].flatMap(flagsOf));

/** Options of other programs that pages name: Deno's, SLURM's, the reference's. */
const OTHERS = /^--(?:allow-\w+|v8-flags|gpus-per-task|evaluate)$/;

const exists = (path: string) => {
  try {
    return Deno.statSync(join(ROOT, path)) !== undefined;
  } catch {
    return false;
  }
};

/** What is wrong in any page, with its place. */
const faults = (look: (page: Page) => Iterable<[line: number, wrong: string]>) =>
  pages.flatMap((page) => Array.from(look(page), ([line, wrong]) => `${page.path}:${line} ${wrong}`));

Deno.test("pages and command lines are read as they stand", () => {
  const text = [
    ..."# A `b`: c, d\n\ntext `--x 1` and ``a `b` ``\n\n```sh\ndeno task a\n```".split("\n"),
    ...["## 1 é_x", "# A b c d", "", "| a | b |", "| --- | --- |", "| 1 | `2` |"],
  ].join("\n");
  const page = readPage("x.md", text);
  assert.deepEqual(page.blocks, [{ language: "sh", line: 6, text: "deno task a" }]);
  assert.deepEqual([...anchorsOf(page)], ["a-b-c-d", "a-b-c-d-1", "1-é_x"]);
  assert.deepEqual(spansOf(page).map(({ text }) => text), ["b", "--x 1", "a `b`", "2"]);
  assert.deepEqual(shellWords("a 'b c' d\\ e \"f\"g --h='i j'"), ["a", "b c", "d e", "fg", "--h=i j"]);
  const block =
    'R=; [ -f x ] && R=--resume\nfor s in 1 2; do\n  c="--seed $s"\n  npx -y deno@2.9.6 task a $c \\\n    --b # no\ndone';
  assert.deepEqual(tasksIn(block), ["a --seed 1 --b"]);

  for (
    const line of [
      "train",
      "train --ema --data ./a",
      "reid eval a --data b",
      "eval a --holdout=0.2",
      "test a",
    ]
  ) {
    assert.equal(wrongInLine(line), undefined, line);
  }
  for (
    const line of ["train --emu", "eval", "reid find", "trane", "train --epochs many", "embed a b c --out d"]
  ) {
    assert.notEqual(wrongInLine(line), undefined, line);
  }
  for (const line of ["eval --test", "train --config FILE", "embed MODEL URI --out", "reid NAME", "…"]) {
    assert.equal(wrongInShort(line), undefined, line);
  }
  for (const line of ["eval --tests", "train --confug FILE", "train --optimizer sgd", "reid find"]) {
    assert.notEqual(wrongInShort(line), undefined, line);
  }
});

Deno.test("links of pages lead to files and titles", () => {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const wrong = faults(function* (page) {
    for (const { line, text } of page.prose) {
      for (const [, to] of text.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(to)) continue;
        const [name, anchor] = to.split("#");
        const path = name === "" ? page.path : join(dirname(page.path), name);
        if (!exists(path)) yield [line, `leads to ${path}, which is not there`];
        else if (anchor !== undefined && !anchorsOf(byPath.get(path)!).has(anchor)) {
          yield [line, `leads to #${anchor}, which ${path} does not have`];
        }
      }
    }
  });
  assert.deepEqual(wrong, []);
});

Deno.test("command lines of pages are taken by their commands", () => {
  let count = 0;
  const wrong = faults(function* ({ blocks }) {
    for (const { language, line, text } of blocks) {
      for (const one of ["sh", "yaml"].includes(language) ? tasksIn(text) : []) {
        count++;
        const fault = wrongInLine(one);
        if (fault) yield [line, `${one}: ${fault}`];
      }
    }
  });
  assert.deepEqual(wrong, []);
  assert.ok(count > 80, `${count} command lines`);
});

Deno.test("options that pages name are there", () => {
  const wrong = faults(function* (page) {
    for (const { line, text } of spansOf(page)) {
      const bare = text.replace(/^deno task /, ""), words = shellWords(bare), [first, ...rest] = words;
      if (first?.startsWith("--")) {
        // An ellipsis stands for the rest of several names.
        const flags = words.flatMap((word) => /^--[a-z][\w-]*(?!.*…)/.exec(word)?.[0] ?? []);
        for (const flag of flags.filter((flag) => !everyFlag.has(flag) && !OTHERS.test(flag))) {
          yield [line, `names ${flag}, an option of no command`];
        }
      } else if (bare !== text || (first in TASKS && rest.some((word) => word.startsWith("--")))) {
        const fault = wrongInShort(bare);
        if (fault) yield [line, `${text}: ${fault}`];
      }
    }
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the help's examples are taken, and it names options that there are", () => {
  const wrong = [...COMMANDS].flatMap(([name, { examples = [], summary, notes = [], options = {} }]) => {
    const lines = examples.flatMap(([line]) => wrongInLine(line) ?? []);
    const texts = [summary, ...notes, ...Object.values(options).map(({ help }) => help)].join("\n");
    const named = Array.from(texts.matchAll(/(?<![\w-])--[a-z][\w-]*/g), ([flag]) => flag);
    return [...lines, ...named.filter((flag) => !everyFlag.has(flag))].map((fault) => `${name}: ${fault}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("files that pages name are there", () => {
  const wrong = faults(function* (page) {
    for (const { line, text } of spansOf(page)) {
      // Those of the program; a user's own begin with runs, a dot or his folder, and NAME stands for any.
      const ours =
        /^(?:\.ci|bench|docs|src|tasks|tests|tests_slow|[a-z]+)\/(?:[\w.-]+\/)*[\w-]+\.(?:ts|sh|py|css)$/;
      if (ours.test(text) && !/\bNAME\b/.test(text) && !exists(text) && !exists(`src/${text}`)) {
        yield [line, `names ${text}, which is not there`];
      }
    }
  });
  assert.deepEqual(wrong, []);
});

/** What a program can import. */
const exported = new Map(["mod.ts", "src/engine/xla/mod.ts"].map((path) => {
  const text = Deno.readTextFileSync(join(ROOT, path));
  const own = declaredIn(path, text).map(({ name }) => name);
  return [path, new Set([...reexportsIn(text).map(({ as }) => as), ...own])];
}));
const inMod = exported.get("mod.ts")!;

Deno.test("examples of pages import what is exported", () => {
  const wrong = faults(function* ({ blocks }) {
    for (const { language, line, text } of blocks) {
      if (language !== "ts") continue;
      const all = /import \* as (\w+) from "[^"]*\/mod\.ts"/.exec(text)?.[1];
      for (const [, name] of all ? text.matchAll(new RegExp(`\\b${all}\\.(\\w+)`, "g")) : []) {
        if (!inMod.has(name)) yield [line, `uses ${name}, which mod.ts does not export`];
      }
      for (const [, list, from] of text.matchAll(/import (?:type )?\{([^}]*)\} from "([^"]*\bmod\.ts)"/g)) {
        const there = from.endsWith("xla/mod.ts") ? exported.get("src/engine/xla/mod.ts")! : inMod;
        for (const name of list.split(",").map((item) => item.trim().replace(/^type /, "")).filter(Boolean)) {
          if (!there.has(name)) yield [line, `imports ${name}, which ${from} does not export`];
        }
      }
    }
  });
  assert.deepEqual(wrong, []);
});

Deno.test("functions that pages name for programs are exported", () => {
  let count = 0;
  const wrong = faults(function* (page) {
    let section = false;
    for (const { line, text } of page.prose) {
      if (text.startsWith("#")) section = /program|TypeScript|functions/i.test(text);
      if (!section && !/\b[Ii]n (?:TypeScript|programs?|a program)[,:]/.test(text)) continue;
      // A name of two words that begins small is a function; sentences before "In programs" may name settings.
      const told = section ? text : text.slice(text.search(/\b[Ii]n (?:TypeScript|programs?|a program)[,:]/));
      for (const [, name] of told.matchAll(/`([a-z]+[A-Z]\w*)(?:\([^`]*)?`/g)) {
        count++;
        if (!inMod.has(name)) yield [line, `names ${name}, which mod.ts does not export`];
      }
    }
  });
  assert.deepEqual(wrong, []);
  assert.ok(count > 60, `${count} names`);
});
