/** The largest batch that fits, with few compilations. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { guessPerPicture, searchBatch } from "../../src/plan/batch.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";

/** A search over a made-up step that needs `fixed + each · batch` bytes, and how often it compiled. */
async function search(
  step: {
    fixed: number;
    each: number;
    limit: number;
    multiple: number;
    most?: number;
    wrong?: number;
    refuses?: boolean;
  },
) {
  const { fixed, each, limit, multiple, most = 1e9, wrong = 1, refuses } = step, tried: number[] = [];
  const largest = await searchBatch({
    limit,
    fixed: fixed * 0.8,
    perPicture: each * wrong,
    multiple,
    most,
    need: (batch) => {
      tried.push(batch);
      const bytes = fixed + each * batch;
      return Promise.resolve(refuses && bytes > limit ? undefined : bytes);
    },
  });
  return { largest, tried };
}

Deno.test("two compilations mostly do, whatever the first guess was", async () => {
  const step = { fixed: 2e9, each: 226e6, limit: 64e9, multiple: 8 };
  for (const wrong of [0.5, 0.8, 1, 1.3, 2]) {
    const { largest, tried } = await search({ ...step, wrong });
    assert.equal(largest, 272, `wrong by ${wrong}: ${tried}`);
    assert.ok(tried.length <= 3, String(tried));
  }
});

Deno.test("what is found fits, was compiled, and hardly more would fit", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        fixed: fc.integer({ min: 1, max: 50 }),
        each: fc.integer({ min: 1, max: 40 }),
        limit: fc.integer({ min: 60, max: 20_000 }),
        multiple: fc.constantFrom(1, 8, 64),
        wrong: fc.double({ min: 0.2, max: 5, noNaN: true }),
        refuses: fc.boolean(),
      }),
      async (step) => {
        const { largest, tried } = await search(step), { fixed, each, limit, multiple } = step;
        if (largest === undefined) return assert.ok(fixed + each * multiple > limit);
        assert.ok(tried.includes(largest) && largest % multiple === 0 && fixed + each * largest <= limit);
        const most = Math.floor((limit - fixed) / each / multiple) * multiple;
        assert.ok(tried.length >= 6 || largest >= 0.95 * most - multiple, `${largest} of ${most}: ${tried}`);
      },
    ),
    { numRuns: 300 },
  ));

Deno.test("no batch is larger than the data, and none may fit", async () => {
  const step = { fixed: 1, each: 1, limit: 1e6, multiple: 8 };
  assert.deepEqual((await search({ ...step, most: 100 })).largest, 96);
  assert.equal((await search({ ...step, fixed: 2e6 })).largest, undefined);
  assert.equal((await search({ ...step, most: 7 })).largest, undefined);
});

Deno.test("the first guess knows sizes, precision and rematerialisation", () => {
  const guess = (settings: Partial<RunConfig>) => guessPerPicture(resolveConfig(settings));
  const base = guess({ preset: "base", precision: "bfloat16" });
  // 226 MB as compiled.
  assert.ok(base > 150e6 && base < 320e6, String(base));
  assert.ok(guess({ preset: "base" }) > 1.5 * base);
  assert.ok(guess({ preset: "base", precision: "bfloat16", rematerialise: true }) < base / 3);
  assert.ok(guess({ preset: "tiny", precision: "bfloat16" }) < base / 2);
});

Deno.test("a rough figure that is too high does not end the search", async () => {
  for (const fixed of [96, 200]) {
    const given = { limit: 100, fixed, perPicture: 1, multiple: 1, most: 1000 };
    const found = await searchBatch({ ...given, need: (batch) => Promise.resolve(60 + batch) });
    assert.ok(found! >= 38 && found! <= 40, `${fixed}: ${found}`);
  }
});
