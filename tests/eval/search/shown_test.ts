import assert from "node:assert/strict";
import { formatDuplicates, formatResults } from "../../../src/eval/search/shown.ts";

/** More than a call can have arguments. */
const MANY = 200_000;

Deno.test("what a search has found is shown, however many pictures a group or a result has", () => {
  const group = Array.from(
    { length: MANY },
    (_, row) => ({ row, nearest: 0, cosine: row === 7 ? .98 : .99 }),
  );
  const keys = group.map(({ row }) => `${row}.png`);
  const text = formatDuplicates({ keys }, {
    ...{ threshold: .9, pictures: MANY, pairs: MANY, groups: [group, group.slice(0, 2)], empty: [] },
  });
  assert.match(
    text,
    /^ {4}1 {4}200000 {2}0\.9800 … 0\.9900 {8}0\.png, 1\.png, 2\.png, 3\.png, and 199996 more$/m,
  );
  assert.match(text, /^ {4}2 {9}2 {2}0\.9900 {17}0\.png, 1\.png$/m);

  const neighbours = group.map(({ row, cosine }) => ({
    rank: row + 1,
    row,
    key: keys[row],
    label: null,
    cosine,
  }));
  const [name, head, first, ...rest] = formatResults([{ name: "query", label: null, neighbours }]).split(
    "\n",
  );
  assert.deepEqual([name, head, first], ["query", "  rank  cosine  picture", "     1  0.9900  0.png"]);
  assert.deepEqual([rest.length, rest.at(-1)], [MANY - 1, "200000  0.9900  199999.png"]);
});
