import assert from "node:assert/strict";
import { ablationTable, formatAblation } from "../../src/ablate/table.ts";
import type { AblationPlan, AblationResult } from "../../src/ablate/types.ts";

const measured = { k: 20, probeEpochs: 100, gallery: 80, queries: 20, classes: 4 };

function result(variant: string, seed: number, knn: number, linear: number, steps = 10): AblationResult {
  const scores = [
    { features: "class token", knn, linear },
    { features: "mean patch token", knn: knn / 2, linear: linear / 2 },
  ];
  return { variant, seed, pictures: steps * 4, steps, scores, measured };
}

const PLAN: AblationPlan = {
  version: 1,
  given: {},
  variants: [{ name: "full", does: "all of it", settings: {} }, {
    name: "no-aligner",
    does: "none",
    settings: { aligner: false },
  }],
  baselines: ["random", "pixels"],
  seeds: [0, 1, 2],
  budget: { by: "minutes", total: 3, picturesPerSecond: 12.34 },
  pictures: 40,
  words: {},
  data: { train: "a", gallery: "a", queries: "b" },
};

Deno.test("the table pairs figures by seed: spreads of figures, intervals of differences", () => {
  // The seeds differ much, the variants by the same each time: the pairs tell what the means do not.
  const results = [0, 1, 2].flatMap((seed) => [
    result("full", seed, 0.5 + 0.1 * seed, 0.6),
    result("no-aligner", seed, 0.45 + 0.1 * seed + 0.01 * (seed - 1), 0.7),
  ]);
  const { rows } = ablationTable(PLAN, results);
  assert.deepEqual(rows.map(({ variant, features }) => [variant, features]), [
    ["full", "class token"],
    ["full", "mean patch token"],
    ["no-aligner", "class token"],
    ["no-aligner", "mean patch token"],
  ]);
  const [full, , without, mean] = rows;
  assert.equal(full.knn.difference, undefined, "nothing is compared with itself");
  assert.ok(Math.abs(full.knn.value.mean - 0.6) < 1e-12 && Math.abs(full.knn.value.deviation! - 0.1) < 1e-12);
  const { mean: by, interval } = without.knn.difference!;
  assert.ok(Math.abs(by + 0.05) < 1e-12);
  const half = 4.303 * 0.01 / Math.sqrt(3);
  assert.ok(Math.abs(interval![0] - (by - half)) < 1e-9 && Math.abs(interval![1] - (by + half)) < 1e-9);
  assert.ok(Math.abs(mean.linear.difference!.mean - 0.05) < 1e-12);
  const text = formatAblation(ablationTable(PLAN, results));
  assert.match(text, /full +class token +3 +60\.0 ± 10\.0 % +60\.0 ± 0\.0 %\n/);
  assert.match(
    text,
    /no-aligner +class token +3 +55\.0 ± 11\.0 % +−5\.0 \(−7\.5 … −2\.5\) +70\.0 ± 0\.0 % +\+10\.0 \(/,
  );
  assert.match(
    text,
    /3 minutes for all runs that were planned at first, at 12\.3 pictures a second as measured once/,
  );
  assert.match(text, /3 seeds: ± is/);
});

Deno.test("one seed has neither spread nor interval; seeds without a partner do not count in pairs", () => {
  const one = ablationTable({ ...PLAN, seeds: [5] }, [
    result("full", 5, 0.5, 0.5),
    result("no-aligner", 5, 0.4, 0.6),
  ]);
  assert.deepEqual(one.rows[2].knn, {
    value: { count: 1, mean: 0.4 },
    difference: { count: 1, mean: 0.4 - 0.5 },
  });
  const text = formatAblation(one);
  assert.match(text, /One seed: there are no spreads and no intervals/);
  assert.match(text, /no-aligner +class token +1 +40\.0 % +−10\.0 +60\.0 % +\+10\.0\n/);

  const some = [
    result("full", 0, 0.5, 0.5),
    result("no-aligner", 0, 0.4, 0.5),
    result("no-aligner", 1, 0.9, 0.5),
  ];
  const { rows } = ablationTable(PLAN, some);
  assert.deepEqual([rows[2].knn.value.count, rows[2].knn.difference!.count], [2, 1]);
  assert.match(formatAblation({ ...ablationTable(PLAN, some) }), /3 seeds, 2 of them done/);
});

Deno.test("baselines stand below the variants, variants without results nowhere; Markdown has the same cells", () => {
  const pixels = {
    ...result("pixels", 0, 0.3, 0.4, 0),
    scores: [{ features: "8×8", knn: 0.3, linear: 0.4 }],
  };
  const table = ablationTable(PLAN, [result("random", 0, 0.2, 0.3, 0), pixels, result("full", 0, 0.5, 0.6)]);
  assert.deepEqual(table.rows.map(({ variant, features }) => `${variant} ${features}`), [
    "full class token",
    "full mean patch token",
    "random class token",
    "random mean patch token",
    "pixels 8×8",
  ]);
  const lines = formatAblation(table, "markdown").split("\n");
  assert.equal(lines[1], "| --- | --- | ---: | ---: | ---: | ---: | ---: |");
  assert.equal(lines[4], "| random | class token | 1 | 20.0 % | −30.0 | 30.0 % | −30.0 |");
  // Pixels have no features of the same name to be compared with.
  assert.equal(lines[6], "| pixels | 8×8 | 1 | 30.0 % |  | 40.0 % |  |");
});

Deno.test("the caption says how many pictures runs saw, in whole batches, not how many the budget had", () => {
  const plan: AblationPlan = { ...PLAN, pictures: 1047, budget: { by: "pictures", total: 2094 } };
  const caption = (...results: AblationResult[]) => ablationTable(plan, results).caption.join("\n");
  const budget = "\\(2,094 pictures for all runs that were planned at first\\)";
  const full = result("full", 0, 0.5, 0.6, 260);
  assert.match(caption(full), new RegExp(`^Each run saw 1,040 pictures ${budget}`, "m"));
  // Baselines saw none; a variant with batches of its own saw others.
  const other = { ...result("no-aligner", 0, 0.5, 0.6, 32), pictures: 1024 };
  const seen = caption(full, other, result("random", 0, 0.1, 0.1, 0));
  assert.match(seen, new RegExp(`^Each run saw 1,024 to 1,040 pictures ${budget}`, "m"));
  assert.match(caption(), new RegExp(`^Each run saw 1,047 pictures ${budget}`, "m"));
});
