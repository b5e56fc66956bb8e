import assert from "node:assert/strict";
import { randomStream } from "../../src/random.ts";
import { type Circumstances, deal, drawLife, weighted } from "../../src/soak/plan.ts";

const ABOUT: Circumstances = {
  fresh: true,
  http: true,
  compiles: true,
  disks: true,
  startup: 2000,
  mean: 20_000,
};
const lives = (about: Circumstances, count = 1000) => {
  const cards = deal(7);
  return Array.from(
    { length: count },
    (_, life) => drawLife(cards.next().value, randomStream(7, "soak", 5, life), about),
  );
};

Deno.test("a seed draws the same lives again, and every death and every moment comes", () => {
  const drawn = lives(ABOUT);
  assert.deepEqual(lives(ABOUT), drawn);
  const names = (key: "death" | "moment") => [...new Set(drawn.map((life) => life[key]))].sort();
  assert.deepEqual(names("death"), ["SIGINT", "SIGKILL", "SIGTERM", "full disk", "small files"]);
  assert.deepEqual(names("moment"), [
    "any",
    "appending",
    "compiling",
    "downloading",
    "first files",
    "renamed",
    "starting",
    "writing",
  ]);
  const kills = drawn.filter(({ death }) => death === "SIGKILL").length / drawn.length;
  assert.ok(kills > 0.78 && kills < 0.86, `${kills}`);
});

Deno.test("the first six lives of any seed meet a write, a torn line, a second owner, a stop and a full disk", () => {
  for (let seed = 0; seed < 50; seed++) {
    const cards = deal(seed), first = Array.from({ length: 6 }, () => cards.next().value);
    for (const death of ["SIGKILL", "SIGTERM", "small files"]) {
      assert.ok(first.some((card) => card.death === death));
    }
    for (const key of ["second", "tear", "plant"] as const) assert.ok(first.some((card) => card[key]), key);
    assert.ok(first.some(({ moment }) => moment === "writing"));
  }
});

Deno.test("moments that cannot come are not drawn, and other circumstances leave the rest of a life as it was", () => {
  const plain = lives({ ...ABOUT, fresh: false, http: false, compiles: false, disks: false });
  const impossible = ["first files", "compiling", "downloading"];
  assert.ok(plain.every(({ moment, death }) => !impossible.includes(moment) && death !== "full disk"));
  const full = lives(ABOUT);
  plain.forEach(({ share, tear, plant, twice }, i) => {
    const other = full[i];
    assert.deepEqual([share, tear, plant, twice], [other.share, other.tear, other.plant, other.twice]);
  });
});

Deno.test("weights are shares", () => {
  const random = randomStream(1, "soak", 9), counts = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 4000; i++) counts[weighted(random, { a: 1, b: 3, c: 0 })]++;
  assert.equal(counts.c, 0);
  assert.ok(Math.abs(counts.b / 4000 - 0.75) < 0.03, JSON.stringify(counts));
});
