import assert from "node:assert/strict";
import { join } from "node:path";
import { openOutlook } from "../../../src/train/outlook.ts";
import { resolveConfig } from "../../../src/train/config/config.ts";
import {
  adviceFor,
  compareUsual,
  describeUsual,
  usualAt,
  usualFor,
} from "../../../src/train/show/expectations.ts";
import { USUAL, type Usual } from "../../../src/train/show/usual.ts";
import { withFolder } from "../../with_folder.ts";

const DEMO: Usual = {
  preset: "demo",
  data: "demo",
  of: "the demo's pictures",
  points: [{ pictures: 10_000, loss: [20, 24] }, { pictures: 60_000, loss: [4.9, 5.3] }],
};
const OWN: Usual = {
  preset: "demo",
  data: { least: 2000, most: 5000 },
  of: "2,000 to 5,000 photographs",
  points: [{ pictures: 50_000, loss: [6, 7], knn: [0.3, 0.4] }],
};
const TABLE = [DEMO, OWN];
const of = (pictures: number, planned = 60_000) => ({ pictures, planned });

Deno.test("what is usual is said of the preset's own settings on such data, and of nothing else", () => {
  const demo = resolveConfig({ preset: "demo", data: "" });
  assert.equal(usualFor(demo, of(3068), TABLE), DEMO);
  assert.equal(
    usualFor({ ...demo, seed: 7, batchSize: demo.batchSize, workers: 3, keep: 9 }, of(3068), TABLE),
    DEMO,
  );
  const own = { ...demo, data: "./photos" };
  assert.equal(usualFor(own, of(3068), TABLE), OWN);
  assert.equal(usualFor(own, of(30_680), TABLE), undefined);
  for (
    const change of [{ lr: 1 }, { epochs: 3 }, { width: 64 }, { cropScale: [0.2, 1] as const }, {
      preset: "tiny" as const,
    }]
  ) {
    assert.equal(usualFor({ ...demo, ...change }, of(3068), TABLE), undefined, JSON.stringify(change));
  }
});

Deno.test("a row of some length holds for runs nearly as long, with its points where they lie in those", () => {
  const half: Usual = { ...OWN, length: { least: 40_000, most: 80_000 } }, table = [half];
  const own = resolveConfig({ preset: "demo", data: "./photos" });
  const shorter = { ...own, epochs: 2, warmupEpochs: 0.2 };
  assert.equal(usualFor(shorter, of(3068, 50_000), [OWN]), undefined);
  assert.deepEqual(usualFor(shorter, of(3068, 50_000), table), half);
  const far = usualFor({ ...shorter, precision: "bfloat16" }, of(3068, 75_000), table)!;
  assert.deepEqual(far.points, [{ ...OWN.points[0], pictures: 75_000 }]);
  assert.equal(usualFor(shorter, of(3068, 81_000), table), undefined);
  assert.equal(usualFor(shorter, of(3068, 39_000), table), undefined);
  assert.equal(usualFor({ ...shorter, lr: 1 }, of(3068, 50_000), table), undefined);
});

Deno.test("settings that do better are advised where they were measured, and have rows of their own", () => {
  const length = { least: 40_000, most: 80_000 }, plain: Usual = { ...OWN, length };
  const better: Usual = { ...plain, better: { lr: 0.012, temperature: 0.2 }, of: "the same" };
  const table = [plain, better], own = resolveConfig({ preset: "demo", data: "./photos", epochs: 20 });
  const advice = "a run of 50,000 pictures learns more with --lr 0.012 --temperature 0.2 (docs/learning.md)";
  assert.equal(adviceFor(own, of(3068, 50_000), table), advice);
  assert.equal(usualFor(own, of(3068, 50_000), table)!.of, plain.of);
  const taken = { ...own, ...better.better };
  assert.equal(adviceFor(taken, of(3068, 50_000), table), undefined);
  assert.equal(usualFor(taken, of(3068, 50_000), table)!.of, "the same");
  // A row without points advises, and says of no loss that it is usual.
  const bare = [{ ...better, points: [] }];
  assert.equal(adviceFor(own, of(3068, 50_000), bare), advice);
  assert.equal(usualFor(taken, of(3068, 50_000), bare), undefined);
  // Of other data, lengths and settings nothing is known.
  for (
    const [config, extent] of [
      [own, of(30_680, 50_000)],
      [own, of(3068, 90_000)],
      [{ ...own, width: 64 }, of(3068, 50_000)],
      [{ ...own, temperature: 0.3 }, of(3068, 50_000)],
    ] as const
  ) {
    assert.equal(adviceFor(config, extent, table), undefined);
    assert.equal(usualFor({ ...config, lr: 0.5 }, extent, table), undefined);
  }
  assert.equal(adviceFor(own, of(3068, 50_000), [plain]), undefined);
});

Deno.test("between measured points lies what is between them; beyond them nothing is said", () => {
  assert.deepEqual(usualAt(DEMO, 35_000), { pictures: 35_000, loss: [12.45, 14.65] });
  assert.deepEqual(usualAt(DEMO, 10_000), DEMO.points[0]);
  assert.deepEqual(usualAt(DEMO, 63_000)!.loss, [4.9, 5.3]);
  assert.deepEqual([usualAt(DEMO, 9_999), usualAt(DEMO, 70_000), usualAt({ points: [] }, 1)], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("the lines of start and end", () => {
  assert.equal(
    describeUsual(DEMO),
    "for demo on the demo's pictures: loss 4.9–5.3 after 60,000 pictures (docs/learning.md)",
  );
  assert.match(describeUsual(OWN), /loss 6–7, knn top1 0\.3–0\.4 after 50,000 pictures/);
  const at = (loss: number, knn?: number, usual = DEMO) =>
    compareUsual(usual, usual === DEMO ? 60_000 : 50_000, { loss, knn });
  assert.equal(
    at(5.123),
    "after 60,000 pictures: loss 5.12, usually 4.9–5.3 for demo on the demo's pictures",
  );
  assert.match(at(7)!, /loss 7, usually 4\.9–5\.3: higher than usual, see docs\/learning\.md/);
  assert.match(at(4)!, /loss 4, usually 4\.9–5\.3: lower than usual for demo/);
  assert.match(
    at(6.5, 0.2, OWN)!,
    /loss 6\.5, usually 6–7; knn top1 0\.2, usually 0\.3–0\.4: lower than usual, see/,
  );
  assert.match(at(6.5, 0.5, OWN)!, /knn top1 0\.5, usually 0\.3–0\.4: higher than usual for/);
  assert.doesNotMatch(at(6.5, undefined, OWN)!, /knn/);
  assert.equal(compareUsual(DEMO, 1000, { loss: 1 }), undefined);
});

Deno.test("a run says what is usual when it begins and compares when it ends, resumed or not; others say nothing", () =>
  withFolder(async (out) => {
    const config = { ...resolveConfig({ preset: "demo", data: "" }), out }, said: string[] = [];
    const plan = { pictures: 3068, perEpoch: 47, total: 940 };
    const say = (label: string, text: string) => void said.push(`${label}: ${text}`);
    const begin = (resumed: boolean, table = TABLE) => openOutlook(config, { plan, resumed, table, say });
    const first = await begin(false);
    for (let step = 1; step <= 100; step++) first.step(step, { loss: step <= 50 ? 90 : 5 });
    first.end(940, {});
    const start =
      "usual: for demo on the demo's pictures: loss 4.9–5.3 after 60,000 pictures (docs/learning.md)";
    const end = "usual: after 60,160 pictures: loss 5, usually 4.9–5.3 for demo on the demo's pictures";
    assert.deepEqual(said.splice(0), [start, end]);
    // Steps of before it was stopped count, as far as they are among the last.
    const lines = Array.from(
      { length: 60 },
      (_, i) => JSON.stringify({ step: i + 1, loss: i < 30 ? 90 : 5 }),
    );
    await Deno.writeTextFile(join(out, "metrics.jsonl"), lines.join("\n") + "\n");
    const second = await begin(true);
    for (let step = 61; step <= 80; step++) second.step(step, { loss: 5.2 });
    second.end(940, { "knn top1": 0.5 });
    assert.match(said.splice(0)[1], /: loss 5\.08, usually/);
    // With a line every ten steps (--log-every), the last 50 steps are five lines.
    const tenth = Array.from(
      { length: 60 },
      (_, i) => JSON.stringify({ step: 10 * (i + 1), loss: i < 55 ? 90 : 5 }),
    );
    await Deno.writeTextFile(join(out, "metrics.jsonl"), tenth.join("\n") + "\n");
    (await begin(true)).end(940, {});
    assert.match(said.splice(0)[1], /: loss 5, usually/);
    const advised = await begin(false, [{ ...DEMO, better: { temperature: 0.2 } }]);
    assert.deepEqual(said.splice(0), [
      "advice: a run of 60,160 pictures learns more with --temperature 0.2 (docs/learning.md)",
    ]);
    advised.end(940, {});
    const other = await begin(false, []);
    other.step(1, { loss: 5 });
    other.end(940, {});
    assert.deepEqual(said, []);
  }));

Deno.test("the table itself: points rise, ranges are ranges, and each row speaks of its preset's own length", () => {
  for (const { preset, of, points, data, better } of USUAL) {
    assert.ok(points.length > 0 || better, of);
    points.forEach(({ pictures, loss, knn }, i) => {
      assert.ok(i === 0 || pictures > points[i - 1].pictures, `${preset} on ${of}: ${pictures}`);
      for (const range of [loss, ...knn ? [knn] : []]) assert.ok(range[0] < range[1], `${range}`);
      if (knn) assert.ok(knn[0] >= 0 && knn[1] <= 1);
    });
    if (data !== "demo") assert.ok(data.least <= data.most);
  }
});
