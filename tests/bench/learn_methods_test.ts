import assert from "node:assert/strict";
import { parseSettings, parseTrials, rateKey, settingsText, shortName } from "../../bench/learn/methods.ts";
import { equalPictures, planRuns } from "../../bench/learn/plan.ts";
import { ratesFrom, referenceOf } from "../../bench/learn/rates.ts";
import { splitParts } from "../../bench/learn/data.ts";
import { ourConfig } from "../../bench/learn/runs.ts";
import { resolveConfig } from "../../src/train/config/config.ts";

const config = resolveConfig({ preset: "demo", imageSize: 32, patchSize: 4, batchSize: 64 });
const figures = (...steady: number[]) => steady.map((rate) => ({ steady: rate, whole: 1, first: 4 }));

Deno.test("settings have one text and one name, in whatever order; those that cost no time share a rate", async () => {
  assert.equal(settingsText({ b: 1, a: [2, 3] }), '{"a":[2,3],"b":1}');
  assert.equal(await shortName("mae", { a: 1, b: 2 }), await shortName("mae", { b: 2, a: 1 }));
  assert.notEqual(await shortName("mae", { a: 1 }), await shortName("mae", { a: 2 }));
  assert.equal(await shortName("mae", {}), "mae");
  assert.equal(rateKey("dino", { lr: 1 }), rateKey("dino", { lr: 2, momentum: 0.9 }));
  assert.notEqual(rateKey("dino", { smallViews: 4 }), rateKey("dino", {}));
  assert.deepEqual(referenceOf(rateKey("dino", { smallViews: 4, lr: 1 })), {
    method: "dino",
    settings: { smallViews: 4 },
  });
});

Deno.test("files of settings and of trials are checked before work starts", () => {
  assert.deepEqual(parseSettings('{"mae": {"lr": 1}}', "f"), { mae: { lr: 1 } });
  assert.throws(() => parseSettings("{", "f.json"), /f\.json: is no JSON/);
  assert.throws(() => parseSettings('{"moco": {}}', "f"), /unknown method "moco"; there are saae, dino/);
  assert.throws(() => parseSettings('{"saae": {"lrr": 1}}', "f"), /f: saae: unknown setting "lrr"/);
  assert.throws(() => parseSettings('{"mae": {"seed": 1}}', "f"), /mae: seed is decided by the benchmark/);
  assert.throws(() => parseSettings('{"mae": 3}', "f"), /mae: must be an object/);
  const all = '{"saae": [{}, {"lr": 1}], "mae": [{}, {"lr": 1}], "dino": [{}]}';
  assert.equal(parseTrials(all, "f", ["saae", "mae"]).mae?.length, 2);
  assert.throws(
    () => parseTrials(all, "f", ["saae", "dino"]),
    /saae has 2 trials and dino 1; a fair comparison/,
  );
  assert.throws(() => parseTrials(all, "f", ["simclr"]), /no trials for simclr/);
  assert.throws(() => parseTrials('{"mae": [{}, {}]}', "f", ["mae"]), /the trial {} stands there twice/);
});

Deno.test("the trials that come along can be used", async () => {
  const path = new URL("../../bench/learn/trials.json", import.meta.url);
  const trials = parseTrials(await Deno.readTextFile(path), "trials.json", [
    "saae",
    "dino",
    "mae",
    "simclr",
    "supervised",
  ]);
  assert.ok(trials.saae!.length >= 4);
});

Deno.test("rates of a later measurement are as the reference was at first", () => {
  assert.deepEqual(
    ratesFrom(undefined, [figures(100, 120, 110), figures(50, 60, 55)]).map(({ steady }) => steady),
    [110, 55],
  );
  // Now the machine is half as fast: the ratio counts.
  const kept = { steady: 100, first: 4, rounds: 3 };
  const [reference, other] = ratesFrom(kept, [figures(50, 40, 50), figures(100, 80, 100)]);
  assert.deepEqual([reference.steady, other.steady, other.first], [100, 200, 4]);
});

Deno.test("runs are planned by seed and in turn, of whole steps", () => {
  const subjects = [{ method: "saae", settings: {} }, {
    method: "mae",
    settings: { batchSize: 32 },
  }] as const;
  const rates = {
    [rateKey("saae", {})]: { steady: 64, first: 1, rounds: 1 },
    [rateKey("mae", { batchSize: 32 })]: { steady: 640, first: 1, rounds: 1 },
  };
  const runs = planRuns(subjects, [3, 4], config, { seconds: 11 }, rates, 128);
  assert.deepEqual(runs.map(({ method, seed, steps, batch }) => [method, seed, steps, batch]), [
    ["saae", 3, 11, 64],
    ["mae", 3, 201, 32],
    ["saae", 4, 11, 64],
    ["mae", 4, 201, 32],
  ]);
  assert.equal(equalPictures(runs), 512);
  assert.deepEqual(planRuns(subjects, [0], config, { pictures: 640 }, {}, 128).map(({ steps }) => steps), [
    10,
    20,
  ]);
});

Deno.test("ours trains for exactly the planned steps, with its settings", () => {
  const [run] = planRuns([{ method: "saae", settings: {} }], [5], config, { pictures: 64 * 77 }, {}, 640);
  const settings = { lr: 1 };
  const parts = { train: { count: 1000 } } as Parameters<typeof ourConfig>[2]["parts"];
  const given = ourConfig({ ...run, settings }, { config, threads: 2, device: "cpu" }, {
    shards: "s",
    parts,
  });
  // 15 steps of 64 are an epoch of 1,000 pictures.
  assert.equal(Math.round(given.epochs! * 15), 77);
  assert.deepEqual([given.seed, given.lr, given.data, given.checkpointSteps, given.imageSize], [
    5,
    1,
    "s",
    10,
    32,
  ]);
});

Deno.test("parts are disjoint, complete, and the same every time", () => {
  for (const own of [false, true]) {
    const { train, selection, test } = splitParts(100, 0, own, "p");
    assert.deepEqual([selection.length, test.length], [10, own ? 10 : 0]);
    const all = [...train, ...selection, ...test].sort((a, b) => a - b);
    assert.deepEqual(all, Array.from({ length: 100 }, (_, i) => i));
    assert.deepEqual(splitParts(100, 0, own, "p"), { train, selection, test });
  }
  assert.equal(splitParts(50_000, 0, false, "p").selection.length, 5000);
  assert.throws(() => splitParts(9, 0, false, "p"), /p: 9 pictures are too few/);
  assert.throws(() => splitParts(100, 60, false, "p"), /smaller --selection/);
});
