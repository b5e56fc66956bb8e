/** Doc comments: every exported name has one, and functions say what they throw, all in one form. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Declared, declaredIn, findDeclared, reexportsIn, thrownIn, toldIn } from "./exports.ts";
import { modulesIn } from "./imports.ts";
import { ROOT } from "./user.ts";

const modules = ["mod.ts", ...modulesIn("src")];
const read = (file: string) => Deno.readTextFileSync(join(ROOT, file));
const declared = modules.flatMap((file) => declaredIn(file, read(file)));
const place = ({ file, line, name }: Declared) => `${file}:${line} ${name}`;

/** What an error class extends, by name. */
const parents = new Map(
  modules.flatMap((file) =>
    Array.from(
      read(file).matchAll(/\bclass (\w+) extends (?:\w+\.)*(\w+)/g),
      ([, name, parent]) => [name, parent] as const,
    )
  ),
);

/** An error's class and those that it extends; everything thrown is an Error. */
function* ancestors(type: string): Generator<string> {
  for (let at: string | undefined = type; at !== undefined; at = parents.get(at)) yield at;
  yield "Error";
}

Deno.test("declarations, their comments and what is thrown are read as they stand", () => {
  const text = [
    "/** About `a`.",
    " *",
    " * @throws {RangeError} When it is too large. */",
    "export async function a(",
    "  x: number,",
    "): Promise<void> {",
    '  if (x > 1) throw new RangeError("no");',
    "  // throw new Hidden()",
    "  throw new Deno.errors.NotFound();",
    "}",
    "",
    "const doc = 1;",
    "/* no doc */",
    "export const b = 2;",
    "",
    "/** Two. */",
    "export interface C<T> {",
    "}",
    "export {",
    "  type D,",
    "  e as f,",
    '} from "./g.ts";',
    "",
  ].join("\n");
  const found = declaredIn("x.ts", text);
  assert.deepEqual(found.map(({ name, kind, line }) => [name, kind, line]), [
    ["a", "function", 4],
    ["b", "const", 14],
    ["C", "interface", 17],
  ]);
  assert.deepEqual(found.map(({ doc }) => doc.split("\n")[0]), ["About `a`.", "", "Two."]);
  assert.deepEqual([...thrownIn(found[0].body)], ["RangeError", "NotFound"]);
  assert.deepEqual([...toldIn(found[0].doc)], ["RangeError"]);
  const inner = [
    "/** Three. */",
    "export function b({ c }: {",
    "  c: number;",
    "}): Promise<{ d: number }> {",
    "  const e = (f: number) => {",
    "    throw new Inner();",
    "  };",
    "  try {",
    "    throw new Caught();",
    "  } catch (error) {",
    "    throw new Again(error);",
    "  }",
    "  for (const g of [1]) {",
    "    if (c) {",
    "      throw new Outer(`${c}}`);",
    "    }",
    "  }",
    "  return { h: (): void => {}, i() { throw new Inner(); } };",
    "}",
  ];
  assert.deepEqual([...thrownIn(declaredIn("y.ts", inner.join("\n"))[0].body)], ["Again", "Outer"]);
  assert.deepEqual(reexportsIn(text), [
    { name: "D", as: "D", from: "./g.ts" },
    { name: "e", as: "f", from: "./g.ts" },
  ]);
});

Deno.test("every name that mod.ts and the backend of XLA export is found and has a doc comment", () => {
  for (const entry of ["mod.ts", "src/engine/xla/mod.ts"]) {
    const text = read(entry),
      names = [...reexportsIn(text).map(({ as }) => as), ...declaredIn(entry, text).map(({ name }) => name)];
    assert.ok(names.length > 20 && !names.includes("*"), `${entry} exports ${names.length} names`);
    for (const name of names) {
      const found = findDeclared(entry, name);
      assert.ok(found, `${entry} exports ${name}, which is declared nowhere`);
      assert.ok(found.doc !== "", `${place(found)} has no doc comment`);
    }
    assert.match(text, /^\/\*\*[^]*?@module[^]*?\*\//m, `${entry} has no @module comment`);
  }
});

Deno.test("every exported name of src has a doc comment", () => {
  assert.deepEqual(declared.filter(({ doc }) => doc === "").map(place), []);
});

Deno.test("a function that throws says so, with the type of the error or of one that it extends", () => {
  const silent = declared.flatMap((one) => {
    const told = toldIn(one.doc);
    const missing = [...thrownIn(one.body)].filter((type) =>
      ![...ancestors(type)].some((name) => told.has(name))
    );
    return missing.map((type) => `${place(one)} throws ${type}`);
  });
  assert.deepEqual(silent, []);
});

Deno.test("what is thrown is told in one form: @throws {Type} and a sentence", () => {
  const other = modules.flatMap((file) =>
    read(file).split("\n").flatMap((line, i) =>
      /@throws/.test(line) && !/^\s*(?:\/\*)?\* @throws \{[\w.]+\} [A-Z`"“].*/.test(line)
        ? [`${file}:${i + 1} ${line.trim()}`]
        : []
    )
  );
  assert.deepEqual(other, []);
});
