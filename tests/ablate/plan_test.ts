import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { lockAblation } from "../../src/ablate/ablate.ts";
import { checkWish, newPlan, planBatch, planLength, resumePlan } from "../../src/ablate/begin.ts";
import type { AblationData } from "../../src/ablate/data.ts";
import { PLAN_FILE, readPlan, readResult, resultFile, runConfig, writePlan } from "../../src/ablate/plan.ts";
import type { Source } from "../../src/data/types.ts";
import { presetConfig } from "../../src/train/config/presets.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import type { AblationPlan } from "../../src/ablate/types.ts";
import { openXlaEngine } from "../../src/engine/xla_engine.ts";
import { PLUGIN, QUICK } from "../engine/xla/plugin.ts";
import { MINUSCULE } from "../train/fixture.ts";
import { withFolder } from "../with_folder.ts";

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
    const { given } = await newPlan({ ...budget, resume: false }, { file: {}, flags: { warmupEpochs } });
    assert.deepEqual(given, { warmupEpochs });
  }
  // Nobody gave a warm-up: the preset's, a tenth of the run at most.
  assert.equal(runOf({}, 640).warmupEpochs, 0.1);
});

Deno.test("what a run leaves is as the settings say, a variant's own before those of all", () => {
  const left = ({ figures, keep, logEvery }: RunConfig) => [figures, keep, logEvery];
  assert.deepEqual(left(runOf({}, 640_000)), [false, 1, 20]);
  assert.deepEqual(left(runOf({ keep: 2, logEvery: 3 }, 640_000)), [false, 2, 3]);
  const own = { ...FULL, name: "own", settings: { figures: true, logEvery: 7 } };
  assert.deepEqual(left(runOf({ keep: 2, logEvery: 3 }, 640_000, own)), [true, 2, 7]);
});

Deno.test("what a killed ablation had half done goes when its folder is taken", () =>
  withFolder(async (out) => {
    await Deno.mkdir(join(out, ".partial-rate", "checkpoints"), { recursive: true });
    await Deno.mkdir(join(out, "full-seed-0"));
    await using _lock = await lockAblation(out);
    assert.deepEqual(Array.from(Deno.readDirSync(out), ({ name }) => name).sort(), [".lock", "full-seed-0"]);
  }));

Deno.test("a result that is damaged is named, and what to do; one that is not there is none", () =>
  withFolder(async (folder) => {
    const path = resultFile(folder, "full", 0);
    assert.equal(await readResult(folder, "full", 0), null);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, "");
    await assert.rejects(readResult(folder, "full", 0), {
      message: `${path}: damaged, it holds no JSON object; remove it, and the run is measured once more`,
    });
  }));

Deno.test("a warm-up that is longer than its run is refused", async () => {
  const planned = (flags: Partial<RunConfig>) => newPlan({ resume: false }, { file: {}, flags });
  await assert.rejects(
    planned({ epochs: 3, warmupEpochs: 4 }),
    /warmupEpochs is 4, but epochs is only 3/,
  );
  await assert.rejects(planned({ warmupEpochs: 400 }), /warmupEpochs is 400, but epochs is only/);
  assert.throws(
    () => runOf({ warmupEpochs: 4 }, 2000),
    /warmupEpochs is 4, but each run's 2000 pictures are only 3\.1 epochs \(full\); take a shorter warm-up, such as 0\.31, or/,
  );
  const slow = { ...FULL, name: "slow", settings: { warmupEpochs: 5 } };
  assert.throws(() => runOf({ warmupEpochs: 1 }, 2000, slow), /warmupEpochs is 5, .* 3\.1 epochs \(slow\)/);
});

/** A plan as ablate.json holds it, of 1000 pictures for each run. */
const storedPlan = (given: Partial<RunConfig>, budget: AblationPlan["budget"]): AblationPlan => ({
  version: 1,
  given,
  variants: [FULL],
  baselines: [],
  seeds: [0],
  budget,
  pictures: 1000,
  data: { train: "a", gallery: "a", queries: "b" },
  words: {},
});

Deno.test("a budget wins over a file's epochs and the warm-up that they have, not over flags", async () => {
  const file = { epochs: 200, warmupEpochs: 40, width: 128 }, budget = { pictures: 1000, resume: false };
  checkWish(budget, { file, flags: {} });
  assert.throws(
    () => checkWish(budget, { file, flags: { epochs: 3 } }),
    /--pictures and --epochs exclude each other/,
  );
  const given = async (wish: object, flags: Partial<RunConfig>, settings: Partial<RunConfig> = file) =>
    (await newPlan({ resume: false, ...wish }, { file: settings, flags })).given;
  assert.deepEqual(await given(budget, {}), { width: 128 });
  assert.deepEqual(await given({ minutes: 9 }, { warmupEpochs: 2 }), { width: 128, warmupEpochs: 2 });
  // A file without epochs has its warm-up for any length. Without a budget the file's length holds.
  assert.deepEqual(await given(budget, {}, { warmupEpochs: 0 }), { warmupEpochs: 0 });
  assert.deepEqual(await given({}, { width: 64 }), { ...file, width: 64 });
});

Deno.test("a part is held out of pictures that are named, by a flag or in a file", () => {
  const wish = { holdout: 0.5, resume: false };
  checkWish(wish, { file: {}, flags: { data: "a" } });
  checkWish(wish, { file: { data: "a" }, flags: {} });
  for (const flags of [{}, { data: "" }]) {
    assert.throws(
      () => checkWish(wish, { file: {}, flags }),
      /the demo's pictures have queries of their own/,
    );
  }
});

Deno.test("an ablation goes on with the file that it was begun with", () =>
  withFolder(async (out) => {
    const file = { epochs: 200, warmupEpochs: 40, width: 128 }, wish = { resume: true };
    await writePlan(out, storedPlan({ width: 128 }, { by: "pictures", total: 1000 }));
    assert.deepEqual((await resumePlan(wish, { file, flags: {} }, out)).given, { width: 128 });
    const flags = { epochs: 3 };
    await assert.rejects(resumePlan(wish, { file, flags }, out), /--epochs: each run's length stays/);
    await writePlan(out, storedPlan(file, { by: "epochs" }));
    assert.deepEqual((await resumePlan(wish, { file, flags: {} }, out)).given, file);
  }));

Deno.test("an ablation goes on where its length and its queries are said again, and refuses others", () =>
  withFolder(async (out) => {
    const wanted = { file: {}, flags: {} };
    const resumed = async (wish: object) => {
      checkWish({ resume: true, ...wish }, wanted);
      return (await resumePlan({ resume: true, ...wish }, wanted, out)).pictures;
    };
    await writePlan(out, { ...storedPlan({}, { by: "pictures", total: 4000 }), holdout: 0.2 });
    assert.equal(await resumed({ pictures: 4000, holdout: 0.2 }), 1000);
    await assert.rejects(
      resumed({ pictures: 1000 }),
      /otherwise than with --pictures 1000, which was 4000; .* leave --pictures out$/,
    );
    await assert.rejects(resumed({ minutes: 4000 }), /otherwise than with --minutes 4000; /);
    await assert.rejects(
      resumed({ holdout: 0.3 }),
      /--holdout 0\.3, which was 0\.2; .* leave --holdout out$/,
    );
    await writePlan(out, storedPlan({}, { by: "minutes", total: 2.5, picturesPerSecond: 7 }));
    assert.equal(await resumed({ minutes: 2.5 }), 1000);
    await assert.rejects(resumed({ holdout: 0.2 }), /otherwise than with --holdout 0\.2; /);
  }));

Deno.test("a batch of auto is found once, for all runs, and an ablation that goes on keeps it", () =>
  withFolder(async (folder) => {
    const engine = await openXlaEngine({ plugin: PLUGIN, flags: QUICK, cache: join(folder, "programs") });
    const { batchSize: _, ...small } = MINUSCULE, out = join(folder, "out"), said: string[] = [];
    const data = { train: source(8) } as AblationData;
    try {
      const found = {
        engine: () => Promise.resolve(engine),
        data,
        say: (line: string) => void said.push(line),
      };
      const wanted = { file: { batchSize: 0 }, flags: { ...small, depth: 1, epochs: 2 } };
      const wish = { variants: ["full", "same-view"], seeds: 1, resume: false };
      const plan = await planBatch(await newPlan(wish, wanted), found);
      // Eight pictures fit into this machine.
      assert.equal(plan.given.batchSize, 8);
      assert.match(said.at(-1)!, /--batch-size 8 is taken/);
      const length = await planLength(plan, {}, { ...found, out, signal: new AbortController().signal });
      assert.deepEqual(length, { pictures: 16, budget: { by: "epochs" } });
      const whole = { ...plan, ...length, data: { train: "a", gallery: "a", queries: "b" } } as AblationPlan;
      const { batchSize, epochs } = runConfig(whole, whole.variants[1], 5, data.train, out);
      assert.deepEqual([batchSize, epochs], [8, 2]);
      await Deno.mkdir(out);
      await writePlan(out, whole);
      const again = await resumePlan({ resume: true }, wanted, out);
      assert.equal(again.given.batchSize, 8);
      const other = { ...wanted, flags: { batchSize: 5 } };
      await assert.rejects(resumePlan({ resume: true }, other, out), /batchSize is 5, in the checkpoint 8/);
    } finally {
      await engine.close();
    }
  }));

Deno.test("a batch of auto that nobody has found is refused, and a plan that came of one", () =>
  withFolder(async (out) => {
    assert.throws(() => runOf({ batchSize: 0 }, 640), /batchSize is 0, that is auto \(full\); .*: give it/);
    const own = { ...FULL, name: "own", settings: { batchSize: 0 } };
    assert.throws(() => runOf({}, 640, own), /batchSize is 0, that is auto \(own\)/);
    // As an earlier version wrote it.
    const old = { ...storedPlan({ batchSize: 0 }, { by: "epochs" }), pictures: NaN };
    await Deno.writeTextFile(join(out, PLAN_FILE), JSON.stringify(old));
    await assert.rejects(
      readPlan(out),
      /ablate\.json: .*pictures is null; begin a new ablation in another folder/,
    );
  }));

Deno.test("seeds end where the numbers of smaller ones would come again", async () => {
  const planned = (seed: number, seeds: number) =>
    newPlan({ seeds, resume: false }, { file: {}, flags: { seed } });
  assert.deepEqual((await planned(2 ** 32 - 2, 2)).seeds, [2 ** 32 - 2, 2 ** 32 - 1]);
  await assert.rejects(
    planned(2 ** 32 - 2, 3),
    /--seed 4294967294 and 2 after it: the largest seed is 4294967295; begin with a smaller one/,
  );
});
