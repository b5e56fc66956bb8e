import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "npm:fast-check@4.10.2";
import { shuffle } from "../src/data/iter.ts";
import { philoxWord, PURPOSE, type Purpose, randomStream } from "../src/random.ts";
import { drawDrop } from "../src/train/step_inputs.ts";
import { DEFAULT_VIEWS, sampleView } from "../src/views/sample.ts";

const purposes = Object.keys(PURPOSE) as Purpose[];
const digest = (value: unknown) =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

Deno.test("random: Philox 4×32-10 gives the words of its authors' known-answer tests", () => {
  const ones = 0xffffffff;
  assert.equal(philoxWord(0, 0, 0, 0, 0, 0), 0x6627e8d5);
  assert.equal(philoxWord(ones, ones, ones, ones, ones, ones), 0x408f276d);
  assert.equal(
    philoxWord(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344),
    0xd16cfe09,
  );
});

Deno.test("random: no two purposes share numbers at the same seed and place", () => {
  const words = purposes.map((purpose) => randomStream(7, purpose, 1, 2, 3).bits());
  assert.equal(new Set(words).size, purposes.length);
  assert.equal(new Set(Object.values(PURPOSE)).size, purposes.length);
});

Deno.test("random: what version 0.1 drew is drawn still", async () => {
  const stream = randomStream(1, "init", 2), order: number[] = [];
  for await (const item of shuffle(Array.from({ length: 60 }, (_, i) => i), 10, 4, 2)) order.push(item);
  const views = Array.from(
    { length: 50 },
    (_, i) => sampleView(DEFAULT_VIEWS, 5, i % 3, i, i % 2 === 0 ? 0 : 1),
  );
  const weights = new Float32Array(7);
  randomStream(3, "init", 1).normals(weights, 0.02);
  assert.deepEqual({
    normal: digest(Array.from({ length: 9 }, () => stream.normal())),
    order: digest(order),
    views: digest(views),
    weights: digest([...weights]),
    drop: digest([...drawDrop(3, 4, 2, 5)]),
  }, {
    normal: "a686f24871bf251f",
    order: "a507701b6c719f89",
    views: "032e95f9313dc8ae",
    weights: "2b7219397698e921",
    drop: "48965be5aabd3cea",
  });
});

Deno.test("random: shuffle keeps every item, and reaches every order of three alike", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
      const copy = [...items], shuffled = randomStream(seed, "test").shuffle(copy);
      assert.equal(shuffled, copy);
      assert.deepEqual(copy.toSorted(), items.toSorted());
    }),
  );
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = randomStream(0, "test", i).shuffle(["a", "b", "c"]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  // Six standard deviations of a fair count.
  for (const count of counts.values()) {
    assert.ok(Math.abs(count - 1000) < 6 * Math.sqrt(1000 * 5 / 6), `${count}`);
  }
});

Deno.test("random: draw takes each item once", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer()), fc.nat(), (items, seed) => {
      const stream = randomStream(seed, "test"), left = [...items];
      const drawn = items.map(() => stream.draw(left));
      assert.deepEqual(left, []);
      assert.deepEqual(drawn.toSorted(), items.toSorted());
    }),
  );
});

Deno.test("random: normals have their mean and deviation, and odd lengths are filled", () => {
  const many = new Float64Array(20_001);
  randomStream(0, "test").normals(many, 3);
  const mean = many.reduce((a, b) => a + b) / many.length;
  const deviation = Math.sqrt(many.reduce((sum, x) => sum + (x - mean) ** 2, 0) / many.length);
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(deviation - 3) < 0.1, `${mean} ± ${deviation}`);
  assert.ok(many.every((x) => x !== 0 && Number.isFinite(x)));
  const first = new Float64Array(1);
  randomStream(4, "test").normals(first);
  assert.equal(first[0], randomStream(4, "test").normal());
});
