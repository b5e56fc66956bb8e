import assert from "node:assert/strict";
import { binaryBytes, clock, parseBytes, percent, plural } from "../../src/text/amounts.ts";

Deno.test("amounts read as people write them", () => {
  assert.deepEqual([5, 65, 3725, Infinity].map(clock), ["0:05", "1:05", "1:02:05", "?"]);
  assert.deepEqual([plural(1, "picture"), plural(2, "picture"), plural(3, "class")], [
    "1 picture",
    "2 pictures",
    "3 classes",
  ]);
  assert.deepEqual([512, 2 ** 21, 1.5 * 2 ** 30].map(binaryBytes), ["0.5 KiB", "2.0 MiB", "1.5 GiB"]);
  assert.deepEqual([percent(0.5), percent(1, 3)], ["50.0 %", "33.3 %"]);
});

Deno.test("sizes are read with any unit, and nothing else is", () => {
  const sizes = ["7", "500MB", "512 MiB", "2GiB", "1.5k", "1TB", " 3gib "];
  assert.deepEqual(sizes.map(parseBytes), [7, 5e8, 2 ** 29, 2 ** 31, 1500, 1e12, 3 * 2 ** 30]);
  for (const text of ["", "MB", "-1", "1e3", "1,5GB", "3 parsecs", "0x10"]) {
    assert.equal(parseBytes(text), undefined, text);
  }
});
