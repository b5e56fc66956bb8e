import assert from "node:assert/strict";
import { inLine, oneLine, twoColumns, visible, wrap } from "../../src/text/layout.ts";

Deno.test("lines break at spaces; a word that is too long stands alone", () => {
  assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrap("a unbreakable b", 4), ["a", "unbreakable", "b"]);
  assert.deepEqual(wrap("", 4), [""]);
});

Deno.test("names and texts stand in two columns, or below each other where there is no room", () => {
  const rows = [["a", "some words here"], ["a name that is long", "text"]] as const;
  assert.deepEqual(twoColumns(rows, 42, 12), [
    "  a         some words here",
    "  a name that is long",
    "            text",
  ]);
  assert.deepEqual(twoColumns(rows, 20, 12), [
    "  a",
    "      some words",
    "      here",
    "  a name that is long",
    "      text",
  ]);
});

Deno.test("control characters are shown, line ends and letters of all scripts stay", () => {
  assert.equal(visible("a\tb\nü猫😀\x00\x1b\x9b\u202e"), "a\tb\nü猫😀\\x00\\x1b\\x9b\\u202e");
  assert.equal(inLine("a\tb\nü猫😀\r\x1b\u2028"), "a\\tb\\nü猫😀\\x0d\\x1b\\u2028");
  assert.equal(oneLine("  one\n   two\r\nthree\n"), "one | two | three");
});
