import assert from "node:assert/strict";
import type { Emoji } from "../../src/demo/pictures.ts";
import {
  ask,
  chances,
  drawExamples,
  DRAWS,
  findInOtherHand,
  LABELLED,
  shareOf,
  sortByExamples,
} from "../../src/demo/questions.ts";
import type { Hand } from "../../src/demo/select.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { joinRows, type Rows } from "../../src/eval/rows.ts";

const engine = await openWasm();

/** Rows, each the axis of this number. */
const axes = (...numbers: number[]): Rows => {
  const width = 4, data = new Float32Array(numbers.length * width);
  numbers.forEach((number, row) => data[row * width + number] = 1);
  return { rows: numbers.length, width, data };
};

/** Both hands' pictures of some emoji, Google's first. */
const bothHands = (names: string[]) => ({
  emoji: [...names, ...names],
  hands: [...names.map((): Hand => "google"), ...names.map((): Hand => "twitter")],
});

Deno.test("find: ranks by hand, in both directions, each emoji's queries together", async () => {
  const held = bothHands(["a", "b", "c"]);
  const demo = { emoji: ["t", ...held.emoji], hands: ["google" as Hand, ...held.hands], firstHeldout: 1 };
  // b and c are mixed up between the hands; the training picture would be nearest of all and does not answer.
  const pictures = axes(0, 0, 1, 2, 0, 2, 1);
  const once = axes(0, 1, 2, 0, 2, 1);
  const plain = await findInOtherHand(engine, demo, pictures, once);
  assert.deepEqual([...plain.values], [1, 0, 0]);
  assert.equal(plain.top5, 1);
  // The second time, Google's a looks like Twitter's c, and Google's b finds its own.
  const twice = joinRows([once, axes(1, 2, 2, 0, 2, 1)]);
  assert.deepEqual([...(await findInOtherHand(engine, demo, pictures, twice)).values], [3 / 4, 1 / 4, 0]);
});

Deno.test("sort: the nearest mean, by draw; large categories count no more than small ones", async () => {
  const pictures = axes(0, 0, 1, 2, 3), asked = axes(0, 0, 0, 1, 2);
  const truth = [0, 0, 0, 1, 1];
  const { values } = await sortByExamples(engine, pictures, asked, truth, [
    [[0, 1], [2, 3]], // All right.
    [[2, 3], [0, 1]], // All wrong.
    [[0, 0], [2, 2]], // Axis 2 is as far from both: the first category.
    [[4, 4], [2, 3]], // Category 1 alone is found; axis 0 is as far from both.
    [[3, 4], [2, 2]], // Of category 1, axis 2 goes to category 0.
  ]);
  assert.deepEqual([...values], [1, 0, 3 / 4, 1, 3 / 4]);
});

/** 7 training emoji of category 0, 3 of category 1, and two held-out ones. */
function demoOf(): Emoji {
  const training = bothHands(Array.from({ length: 10 }, (_, i) => `t${i}`)), held = bothHands(["x", "y"]);
  const categories = [...training.emoji, ...held.emoji].map((name) => /t[789]|y/.test(name) ? 1 : 0);
  return {
    emoji: [...training.emoji, ...held.emoji],
    hands: [...training.hands, ...held.hands],
    categories,
    categoryCount: 2,
    firstHeldout: 20,
  };
}

Deno.test("sort: labelled are training emoji, each once, in either hand, the same in every run", () => {
  const demo = demoOf(), draws = drawExamples(demo);
  assert.deepEqual(drawExamples(demo), draws);
  assert.equal(draws.length, DRAWS);
  const hands = new Set<Hand>(), seen = new Set<number>();
  for (const draw of draws) {
    assert.deepEqual(draw.map((own) => own.length), [LABELLED, 3]);
    draw.forEach((own, category) => {
      assert.equal(new Set(own.map((i) => demo.emoji[i])).size, own.length);
      for (const i of own) {
        assert.ok(i < demo.firstHeldout && demo.categories[i] === category);
        hands.add(demo.hands[i]);
        seen.add(i);
      }
    });
  }
  assert.equal(hands.size, 2);
  assert.equal(seen.size, 20);
  assert.deepEqual(draws.slice(0, 2), [[[4, 6, 0, 5, 3], [7, 9, 18]], [[10, 3, 1, 12, 6], [9, 8, 7]]]);
});

Deno.test("all questions: features that know everything, and chance", async () => {
  const demo = demoOf(), width = 14;
  // An axis for each emoji, a number for its category, and a little of the hand.
  const rowsOf = (pictures: number[]): Rows => {
    const data = new Float32Array(pictures.length * width);
    const names = [...new Set(demo.emoji)];
    pictures.forEach((i, row) => {
      data[row * width + names.indexOf(demo.emoji[i])] = .7;
      data[row * width + 12] = demo.categories[i] === 0 ? .7 : -.7;
      data[row * width + 13] = demo.hands[i] === "google" ? .1 : -.1;
    });
    return { rows: pictures.length, width, data };
  };
  const all = demo.emoji.map((_, i) => i), held = all.slice(demo.firstHeldout);
  const answers = await ask(engine, demo, drawExamples(demo), {
    pictures: rowsOf(all),
    changed: rowsOf([...held, ...held]),
    crops: rowsOf([...held, ...held]),
  });
  for (const [question, { values }] of Object.entries(answers)) {
    assert.deepEqual(new Set(values), new Set([1]), question);
  }
  assert.deepEqual(
    Object.entries(answers).map(([name, { values, top5 }]) => [name, values.length, top5]),
    [["find", 2, 1], ["sort", DRAWS, undefined], ["crop", 4, 1], ["aligned", 2, 1]],
  );
  assert.deepEqual(chances(demo), { find: 1 / 2, sort: 1 / 2, crop: 1 / 24, aligned: 1 / 2 });
});

Deno.test("intervals: of draws their middle, of emoji by bootstrap", () => {
  const values = Array.from({ length: 100 }, (_, i) => (i * 37 % 100) / 100);
  const draws = shareOf("sort", values), emoji = shareOf("find", values);
  assert.deepEqual([draws.low, draws.high], [.02, .97]);
  assert.equal(draws.value, emoji.value);
  assert.ok(
    emoji.low > .42 && emoji.low < .46 && emoji.high > .53 && emoji.high < .57,
    JSON.stringify(emoji),
  );
});
