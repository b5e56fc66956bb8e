import assert from "node:assert/strict";
import { newPlan } from "../../src/ablate/begin.ts";
import { runConfig } from "../../src/ablate/plan.ts";
import type { Source } from "../../src/data/types.ts";
import { presetConfig } from "../../src/train/config/presets.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";

/** As much of a source as a plan looks at. */
const source = (length: number) =>
  ({ uri: "pictures", length, labels: [], get: undefined }) as unknown as Source;

const FULL = { name: "full", does: "", settings: {} };

/** The run of the whole method that sees so many of 640 pictures, 10 steps an epoch. */
const runOf = (given: Partial<RunConfig>, pictures: number, variant = FULL) =>
  runConfig({ given, pictures, variants: [variant], seeds: [0] }, variant, 0, source(640), "out");

Deno.test("a warm-up is judged by the epochs that a run has, not by those of its preset", async () => {
  const { epochs: preset, batchSize } = presetConfig("demo"), warmupEpochs = preset + 2;
  assert.equal(batchSize, 64);
  const long = { epochs: 2 * preset, warmupEpochs };
  const run = runOf(long, 2 * preset * 640);
  assert.deepEqual([run.epochs, run.warmupEpochs], [2 * preset, warmupEpochs]);
  // A budget makes the run as long.
  assert.equal(runOf({ warmupEpochs }, 2 * preset * 640).warmupEpochs, warmupEpochs);
  for (const budget of [{ pictures: 1e6 }, { minutes: 90 }]) {
    const { given } = await newPlan({ ...budget, resume: false }, { warmupEpochs });
    assert.deepEqual(given, { warmupEpochs });
  }
  // Nobody gave a warm-up: the preset's, a tenth of the run at most.
  assert.equal(runOf({}, 640).warmupEpochs, 0.1);
});

Deno.test("a warm-up that is longer than its run is refused", async () => {
  const asked = { resume: false };
  await assert.rejects(
    newPlan(asked, { epochs: 3, warmupEpochs: 4 }),
    /warmupEpochs is 4, but epochs is only 3/,
  );
  await assert.rejects(newPlan(asked, { warmupEpochs: 400 }), /warmupEpochs is 400, but epochs is only/);
  assert.throws(
    () => runOf({ warmupEpochs: 4 }, 2000),
    /warmupEpochs is 4, but each run's 2000 pictures are only 3\.1 epochs \(full\); take a shorter warm-up, such as 0\.31, or/,
  );
  const slow = { ...FULL, name: "slow", settings: { warmupEpochs: 5 } };
  assert.throws(() => runOf({ warmupEpochs: 1 }, 2000, slow), /warmupEpochs is 5, .* 3\.1 epochs \(slow\)/);
});
