import assert from "node:assert/strict";
import { epochBooks } from "../../../src/data/epoch/books.ts";
import type { BadRecord } from "../../../src/data/epoch/epoch.ts";

Deno.test("books: what a stream tells all processes of is counted by one, named by each, and limited for all", () => {
  const parts = [{ uri: "a", length: 1000 }, { uri: "b", length: null }], count = 3, from = { part: 0 };
  const record = (key: string, more: Partial<BadRecord> = {}): BadRecord => ({
    ...{ source: "a", key, reason: "no JPEG" },
    ...more,
  });
  const pages = [0, 1, 2].map((index) => {
    const named: string[] = [];
    const books = epochBooks({ parts }, {
      process: { index, count },
      onBadRecord: ({ key }) => void named.push(key),
    });
    books.begin(0);
    for (const key of ["x", "y", "z", "w"]) books.enter({ bad: record(key), from, places: 0 });
    for (const key of ["n", "m"]) {
      books.enter({ bad: record(key, { withoutPicture: true }), from, places: 0 });
    }
    // What it has decoded itself is its own.
    books.enter({ bad: record(`own ${index}`), from, places: 1 });
    assert.deepEqual(named, ["x", "y", "z", "w", `own ${index}`]);
    return books.page();
  });
  const counted = (fate: string) =>
    pages.flatMap(({ came }) => came).filter((one) => one.fate === fate).map(({ key }) => key).sort();
  assert.deepEqual(counted("bad"), ["own 0", "own 1", "own 2", "w", "x", "y", "z"]);
  assert.deepEqual(counted("withoutPicture"), ["m", "n"]);
  assert.equal(pages.reduce((sum, { bad }) => sum + bad, 0), 7);

  const books = epochBooks({ parts }, { process: { index: 2, count } });
  books.begin(0);
  const all = () => {
    for (let i = 0; i < 11; i++) books.enter({ bad: record(`${i}`), from, places: 0 });
  };
  assert.throws(all, /11 of the first 11 pictures of epoch 0 are bad, more than 1 % of 1000/);
});
