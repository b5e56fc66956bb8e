import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { didYouMean, nearest } from "../../src/text/nearest.ts";

const NAMES = ["batch-size", "memory-limit", "memory-fraction", "data", "k", "epochs"];

Deno.test("the nearest name: typing errors, swapped letters, capitals and hyphens, a beginning", () => {
  const cases: [string, string | undefined][] = [
    ["batchsize", "batch-size"],
    ["BATCH_SIZE", "batch-size"],
    ["bathc-size", "batch-size"],
    ["dta", "data"],
    ["daat", "data"],
    ["epoch", "epochs"],
    ["batch", "batch-size"],
    ["memory", undefined],
    ["sheet", undefined],
    ["x", undefined],
    ["", undefined],
    ["-", undefined],
  ];
  for (const [word, name] of cases) assert.equal(nearest(word, NAMES), name, word);
  assert.equal(nearest("anything", []), undefined);
});

Deno.test("a name is its own nearest, and the nearest is always a candidate", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abcd-_"), maxLength: 12 });
  fc.assert(fc.property(word, fc.uniqueArray(word, { maxLength: 6 }), (given, names) => {
    const found = nearest(given, names);
    assert.ok(found === undefined || names.includes(found));
    const letters = (name: string) => name.replace(/[-_]/g, "");
    if (letters(given) === "") assert.equal(found, undefined);
    else if (names.includes(given)) assert.equal(letters(found!), letters(given));
  }));
});

Deno.test("the end of an error", () => {
  assert.equal(didYouMean("batchsize", NAMES, (name) => `--${name}`), "; did you mean --batch-size?");
  assert.equal(didYouMean("batchsize", NAMES), '; did you mean "batch-size"?');
  assert.equal(didYouMean("zzzz", NAMES), "");
});
