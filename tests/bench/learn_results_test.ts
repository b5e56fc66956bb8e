import assert from "node:assert/strict";
import { join } from "node:path";
import { keepSettings, readChosen, readSubjects, report } from "../../bench/learn/folder.ts";
import {
  bestTrial,
  isEnough,
  readResult,
  type RunResult,
  summary,
  writeResult,
} from "../../bench/learn/results.ts";
import { curveTable, endTable, percent, pictureTable, trialTable } from "../../bench/learn/tables.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { withFolder } from "../with_folder.ts";

/** A run whose class token is at `knn`, and its mean token a little above on the selection part. */
function result(method: string, seed: number, knn: number, more: Partial<RunResult> = {}): RunResult {
  const tokens = (top: number) => ({
    class: { knn: top, linear: top + .1 },
    mean: { knn: top + .02, linear: top + .1 },
  });
  const judgement = { selection: tokens(knn), test: tokens(knn - .01) };
  const judged = [{ pictures: 500, judgement }, { pictures: 1000, judgement }];
  return { method, settings: {}, seed, pictures: 1000, trial: false, judged, ...more };
}

Deno.test("figures of several seeds are a mean with its spread", () => {
  assert.equal(summary([]), null);
  assert.equal(percent(summary([.5, .6])), "55.0 (50.0–60.0)");
  assert.equal(percent(summary([.5])), "50.0");
  assert.equal(percent(null), "–");
});

Deno.test("the table of the end joins seeds and marks the token that the selection part prefers", () => {
  const pixels = { method: "raw pixels", settings: {}, seed: 0, pictures: 0, trial: false };
  const judgement = { selection: { "8×8": { knn: .3 } }, test: { "8×8": { knn: .4 } } };
  const text = endTable([
    { ...pixels, judged: [{ pictures: 0, judgement }] },
    result("saae", 0, .5),
    result("saae", 1, .6),
    result("mae", 0, .2),
  ], "test");
  assert.equal(
    text,
    `| method | token | pictures seen | seeds | kNN, k 20 | linear probe |
| --- | --- | --- | --- | --- | --- |
| raw pixels | 8×8 | – | 1 | 40.0 | – |
| saae | class | 1,000 | 2 | 54.0 (49.0–59.0) | 64.0 (59.0–69.0) |
| saae | mean ← | 1,000 | 2 | 56.0 (51.0–61.0) | 64.0 (59.0–69.0) |
| mae | class | 1,000 | 1 | 19.0 | 29.0 |
| mae | mean ← | 1,000 | 1 | 21.0 | 29.0 |`,
  );
});

Deno.test("the table of equal pictures takes each run's mark there", () => {
  const text = pictureTable(
    [result("saae", 0, .5), result("raw pixels", 0, .1, { pictures: 0 })],
    "test",
    500,
  );
  assert.match(text, /^\| saae \| class \| 500 \| 1 \| 49\.0 \| 59\.0 \|$/m);
  assert.doesNotMatch(text, /raw pixels/);
});

Deno.test("a curve has a column for each look, and gaps where a run was not looked at", () => {
  const [first] = result("mae", 0, .2).judged, judged = [{ ...first, pictures: 250 }];
  assert.equal(
    curveTable([result("saae", 0, .5), result("saae", 1, .6), result("mae", 0, .2, { judged })], "test"),
    `| method | token | 250 | 500 | 1,000 |
| --- | --- | --- | --- | --- |
| saae | mean | – | 56.0 (51.0–61.0) | 56.0 (51.0–61.0) |
| mae | mean | 21.0 | – | – |`,
  );
});

Deno.test("the best trial is chosen on the selection part by its best token, over seeds", () => {
  const trial = (lr: number, seed: number, knn: number) =>
    result("mae", seed, knn, { settings: { lr }, trial: true });
  const all = [trial(1, 0, .5), trial(1, 1, .3), trial(2, 0, .45), trial(2, 1, .44)];
  const best = bestTrial(all)!;
  assert.deepEqual(best.settings, { lr: 2 });
  assert.ok(Math.abs(best.score - (.445 + .06)) < 1e-9, `${best.score}`);
  assert.equal(bestTrial([]), null);
  const rows = trialTable(all).split("\n").slice(2);
  assert.match(rows[0], /^\| mae \| `{"lr":2}` \| 1,000 \| mean \| 46\.5 \(46\.0–47\.0\) /);
  assert.equal(rows.length, 2);
});

Deno.test("what was judged without probes or without a part is not enough for a call that wants them", () => {
  const judgement = { selection: { class: { knn: .5 } } };
  assert.equal(isEnough(judgement, ["selection"], false), true);
  assert.equal(isEnough(judgement, ["selection"], true), false);
  assert.equal(isEnough(judgement, ["selection", "test"], false), false);
  assert.equal(isEnough(undefined, ["selection"], false), false);
});

Deno.test("a folder keeps its settings, all results, and what trials chose", () =>
  withFolder(async (folder) => {
    const config = resolveConfig({ preset: "demo", imageSize: 32, patchSize: 4 });
    const model = { config, threads: 2, device: "cpu", firstMark: 12_800 } as const;
    await keepSettings(folder, model);
    await keepSettings(folder, model);
    await assert.rejects(keepSettings(folder, { ...model, firstMark: 10_000 }), /another first mark/);
    await assert.rejects(
      keepSettings(folder, { ...model, config: { ...config, batchSize: 32 } }),
      /another batchSize.*name another --out/,
    );
    await assert.rejects(keepSettings(folder, { ...model, threads: 3 }), /another threads/);
    // A folder of a program that did not have one of today's settings yet.
    const path = join(folder, "bench.json"), kept = JSON.parse(await Deno.readTextFile(path));
    const { codeWidth: _, ...older } = kept.config;
    await Deno.writeTextFile(path, JSON.stringify({ ...kept, config: older }));
    await keepSettings(folder, model);
    await assert.rejects(keepSettings(folder, { ...model, threads: 3 }), /another threads/);
    await assert.rejects(keepSettings(folder, { ...model, device: "cuda" }), /another device/);
    const damaged = (path: string) => (error: Error) =>
      error.message.startsWith(`${path}: damaged, it holds no JSON object; `);
    await Deno.writeTextFile(path, "");
    await assert.rejects(keepSettings(folder, model), damaged(path));
    const judged = join(folder, "judged.json");
    await Deno.writeTextFile(judged, '{"judged": [');
    await assert.rejects(readResult(folder), damaged(judged));
    const silent = () => {},
      trials = [1, 2].map((lr) => result("mae", 0, lr / 10, { settings: { lr }, trial: true }));
    for (const [i, one] of [...trials, result("saae", 0, .5)].entries()) {
      await Deno.mkdir(join(folder, "runs", `${i}`), { recursive: true });
      await writeResult(join(folder, "runs", `${i}`), one);
    }
    await Deno.mkdir(join(folder, "runs", "not judged yet"));
    await Deno.writeTextFile(join(folder, "chosen.json"), '{"dino": {"lr": 7}}');
    const given = { equal: undefined, curve: true, budget: { pictures: 1000 }, say: silent };
    await report(folder, trials, { ...given, tuning: true });
    assert.deepEqual(await readChosen(folder, silent), { dino: { lr: 7 }, mae: { lr: 2 } });
    assert.equal((await Deno.readTextFile(join(folder, "results.jsonl"))).trim().split("\n").length, 3);
    assert.doesNotMatch(await Deno.readTextFile(join(folder, "trials.md")), /saae/);
    const text = await report(folder, [result("saae", 0, .5)], { ...given, equal: 500, tuning: false });
    assert.match(
      text,
      /1000 pictures a run[^]*At 500 pictures seen by each[^]*kNN along the runs[^]*On the selection part/,
    );
    const chosen = await readChosen(folder, silent);
    assert.deepEqual(await readSubjects({ methods: ["mae", "simclr"], chosen }), [
      { method: "mae", settings: { lr: 2 } },
      { method: "simclr", settings: {} },
    ]);
    await assert.rejects(
      readSubjects({ methods: ["mae"], chosen, settings: join(folder, "no") }),
      /no such file/,
    );
  }));
