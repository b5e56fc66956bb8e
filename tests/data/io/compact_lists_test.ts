import assert from "node:assert/strict";
import { textList } from "../../../src/data/io/compact_lists.ts";

Deno.test("a list of texts gives each as it was put in, also one that begins with a mark of byte order", () => {
  const texts = ["\uFEFFa.jpg", "", "b/\uFEFF.jpg", "é🙂", "\uFEFF"], list = textList();
  for (const text of texts) list.push(text);
  assert.deepEqual(texts.map((_, i) => list.get(i)), texts);
});
