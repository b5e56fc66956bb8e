import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/path.ts";
import { select } from "../../src/data/sources/select.ts";
import type { Source } from "../../src/data/types.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { probe, splitSource } from "../../src/eval/probe.ts";
import { formatProbe } from "../../src/eval/table_text.ts";
import { initModel } from "../../src/model/init.ts";
import { colourFolder, TOY, withFolder } from "./toy.ts";

const engine = await openWasm();
const model = { engine, config: TOY, state: initModel(TOY, 0) };

/** A source of which only the length matters. */
const empty = (length: number): Source => ({
  uri: "numbers",
  length,
  labels: [],
  get: () => Promise.reject(new Error("not here")),
  key: (index) => Promise.resolve(`${index}`),
  close: () => Promise.resolve(),
});

Deno.test("probe: colours are told apart, leaving one out", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(folder, 4));
    const done: number[] = [];
    const report = await probe({ ...model, train, k: [3, 1], batchSize: 5, progress: (n) => done.push(n) });
    assert.deepEqual(report.knn.map(({ features, k }) => [features, k]), [
      ["class token", 3],
      ["class token", 1],
      ["mean patch token", 3],
      ["mean patch token", 1],
    ]);
    // Even a random encoder sees colour, and no picture votes for itself: chance would be a third.
    for (const { top1 } of report.knn) assert.ok(top1 > .9, `${top1}`);
    assert.deepEqual([report.train, report.test, report.classes], [12, 12, 3]);
    assert.deepEqual(done, [5, 10, 12]);
    const text = formatProbe(report);
    assert.match(text, /class token +3 +\d+\.\d %/);
    assert.match(text, /leave one out: each of 12 pictures asked, all others voted/);
    await train.close();
  }));

Deno.test("probe: a picture that is alone in its class cannot be found when it is left out", () =>
  withFolder(async (folder) => {
    await colourFolder(folder, 1);
    const train = await openSource(folder);
    const { knn } = await probe({ ...model, train, k: [1] });
    for (const { top1 } of knn) assert.equal(top1, 0);
    await train.close();
  }));

Deno.test("probe: two sources, matched by the names of their classes, and a linear probe", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(join(folder, "train"), 4));
    // Its labels are numbered otherwise: green is 0 here and 1 there.
    const test = await openSource(await colourFolder(join(folder, "test"), 3, ["green", "red"]));
    const report = await probe({ ...model, train, test, k: [4], linear: true });
    for (const { top1 } of report.knn) assert.ok(top1 > .9, `${top1}`);
    assert.ok(report.linear!.last.top1 > .9, JSON.stringify(report.linear));
    assert.equal(report.linear!.blocks, 2);
    assert.match(formatProbe(report), /6 pictures asked, 12 others voted/);
    assert.match(formatProbe(report), /Linear probe on the class tokens of the last 2 blocks: top-1/);
    await assert.rejects(probe({ ...model, train: test, test: train }), /classes that .* lacks: "blue"/);
    await train.close();
    await test.close();
  }));

Deno.test("probe: a picture without a class, and a bad one, are left out", () =>
  withFolder(async (folder) => {
    await colourFolder(folder, 2);
    await Deno.copyFile(join(folder, "red", "0.png"), join(folder, "loose.png"));
    await Deno.writeTextFile(join(folder, "red", "bad.png"), "no picture");
    const train = await openSource(folder), bad: string[] = [];
    const report = await probe({ ...model, train, k: [1], onBad: ({ key }) => bad.push(key) });
    assert.deepEqual(bad, ["red/bad.png"]);
    assert.equal(report.train, 6);
    await assert.rejects(probe({ ...model, train, k: [1] }), /red\/bad\.png/);
    // Six can vote for each other, seven with the loose one: it has no class.
    await assert.rejects(probe({ ...model, train, k: [6], onBad: () => {} }), /only 5 pictures can vote/);
    await train.close();
  }));

Deno.test("probe: what cannot be asked is refused by name", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(join(folder, "two"), 2, ["red", "green"]));
    const one = await openSource(await colourFolder(join(folder, "one"), 2, ["red"]));
    const none = await openSource(join(folder, "one", "red"));
    await assert.rejects(
      probe({ ...model, train: none, k: [1] }),
      /has no labels; pictures are needed in at least two/,
    );
    await assert.rejects(probe({ ...model, train: one, k: [1] }), /has one class only, "red"/);
    await assert.rejects(
      probe({ ...model, train }),
      /k = 10 neighbours were asked for, but only 3 pictures can vote/,
    );
    await assert.rejects(probe({ ...model, train, k: [1, 4] }), /k = 4 neighbours .* only 3/);
    await assert.rejects(probe({ ...model, train, k: [1], linear: true }), /needs test pictures/);
    for (const source of [train, one, none]) await source.close();
  }));

Deno.test("split: two parts that are the whole, the same for the same seed", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 60 }),
      fc.double({ min: .2, max: .8, noNaN: true }),
      (length, share) => {
        fc.pre(Math.round(share * length) > 0 && Math.round(share * length) < length);
        const source = empty(length), { train, test } = splitSource(source, share, 1);
        assert.equal(test.length, Math.round(share * length));
        assert.equal(train.length + test.length, length);
      },
    ),
  );
});

Deno.test("split: no picture is on both sides", async () => {
  const keys = async (source: Source) =>
    await Promise.all(Array.from({ length: source.length }, (_, i) => source.key(i)));
  const parts = async (seed: number) => {
    const { train, test } = splitSource(select(empty(50), [...Array(50).keys()]), .3, seed);
    return [await keys(train), await keys(test)];
  };
  const [train, test] = await parts(0);
  assert.equal(new Set([...train, ...test]).size, 50);
  assert.deepEqual(await parts(0), [train, test]);
  assert.notDeepEqual((await parts(1))[1], test);
  assert.throws(() => splitSource(empty(3), .01, 0), /3 pictures cannot be split/);
});
