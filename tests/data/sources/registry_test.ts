import assert from "node:assert/strict";
import { SETTINGS } from "../../../src/train/config/settings.ts";
import { SOURCES_HELP } from "../../../src/cli/data_options.ts";
import { openData } from "../../../src/data/open/open_data.ts";
import { parseDataUri } from "../../../src/data/open/parse_data_uri.ts";
import type { SourceFormat } from "../../../src/data/sources/format.ts";
import { dataRows, dataSummary } from "../../../src/data/sources/help.ts";
import { formatByEnding, formatNamed, FORMATS } from "../../../src/data/sources/registry.ts";
import type { Source } from "../../../src/data/types.ts";
import { withFolder } from "../pictures.ts";

/** A kind of source as a user of the registry would add it: one descriptor. */
const shelf: SourceFormat = {
  name: "shelf",
  aliases: ["book-shelf"],
  title: "shelves",
  endings: [".shelf"],
  remote: true,
  options: [{ name: "board", value: "NUMBER", help: "which board" }],
  shortOption: "board",
  examples: [["./a.shelf", "a shelf of pictures"]],
  recognise: ({ start, entries }) => start[0] === 0x53 || (entries?.includes("boards") ?? false),
  open({ text, names, options }): Promise<Source> {
    const key = `${names.join("+")} board ${options.board ?? "any"}`;
    return Promise.resolve({
      uri: text,
      length: 1,
      labels: [],
      get: () => Promise.resolve({ key, bytes: new Uint8Array() }),
      key: () => Promise.resolve(key),
      close: () => Promise.resolve(),
    });
  },
};
const formats = [...FORMATS, shelf];

async function keyOf(uri: string): Promise<string> {
  const data = await openData(uri, { formats });
  assert.ok(data.access === "random");
  return await data.source.key(0);
}

Deno.test("a kind of source is added by its descriptor alone: words, look, options, help and errors know it", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/told.by.bytes`, "S");
    await Deno.mkdir(`${folder}/library/boards`, { recursive: true });
    assert.equal(await keyOf("x-{0..1}.shelf#3"), "x-0.shelf+x-1.shelf board 3");
    assert.equal(await keyOf("book-shelf:y#board=4"), "y board 4");
    assert.equal(await keyOf("https://h/z.shelf?s=a,b"), "https://h/z.shelf?s=a,b board any");
    assert.equal(await keyOf(`${folder}/told.by.bytes`), `${folder}/told.by.bytes board any`);
    assert.equal(await keyOf(`${folder}/library#board=2`), `${folder}/library board 2`);
    await assert.rejects(
      openData(`${folder}/library#column=2`, { formats }),
      /is shelves, which takes no option "column"; there are board/,
    );
  });
  assert.match(dataSummary(formats), /, shelves; http\(s\) URLs of tar, parquet or shelf;/);
  const rows = Object.fromEntries(dataRows(formats));
  assert.equal(rows["./a.shelf"], "a shelf of pictures");
  assert.match(rows["…#board=NUMBER"], /^which board; for shelf: \(also as #NUMBER alone\)$/);
  assert.throws(
    () => parseDataUri("shlef:x", { formats }),
    /"shlef"; did you mean shelf:\? There are .*shelf, book-shelf/,
  );
  assert.throws(
    () => parseDataUri("https://h/x", { formats }),
    /named .*\.parquet, \.shelf, or have its kind before it \(tar:, parquet:, shelf:\)/,
  );
  assert.throws(
    () => parseDataUri("shelf:x#bord=1", { formats }),
    /takes no option "bord"; did you mean "board"\?/,
  );
});

Deno.test("every kind of source is complete, and nothing is called twice", () => {
  const names = FORMATS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  const endings = FORMATS.flatMap(({ endings }) => endings);
  assert.equal(new Set(endings).size, endings.length);
  for (const format of FORMATS) {
    const { name, title, endings, examples, options, shortOption } = format;
    assert.match(name, /^[a-z][a-z0-9-]+$/);
    assert.ok(title !== "" && examples.length > 0, name);
    assert.equal(formatNamed(name), format);
    for (const ending of endings) {
      assert.match(ending, /^\.[a-z.]+$/);
      assert.equal(formatByEnding(`X${ending.toUpperCase()}`), format);
    }
    for (const option of options) {
      assert.ok(/^[a-z]+$/.test(option.name) && option.help !== "", `${name}: ${option.name}`);
    }
    assert.ok(shortOption === undefined || options.some((option) => option.name === shortOption), name);
  }
});

Deno.test("every kind of source stands in every help and in the error for unknown ones, and its examples are understood", () => {
  const rows = dataRows(), words = rows.map(([words]) => words);
  for (const { name, title, examples, options } of FORMATS) {
    for (const help of [SOURCES_HELP, SETTINGS.data.help]) {
      assert.ok(help.includes(title), `${help}: ${name}`);
    }
    assert.throws(() => parseDataUri("nothing://x"), new RegExp(`There are .*\\b${name}\\b`));
    for (const [example] of examples) {
      assert.ok(words.includes(example), example);
      for (const source of parseDataUri(example)) assert.ok([null, name].includes(source.format), example);
    }
    for (const option of options) assert.ok(words.includes(`…#${option.name}=${option.value}`), option.name);
  }
  assert.equal(new Set(words).size, words.length);
});

Deno.test("the page on data names every kind of source", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/data.md", import.meta.url));
  for (const { title } of FORMATS) assert.ok(page.includes(title), title);
});
