import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "npm:fast-check@4.10.2";
import { openSource } from "../../src/data/open/open_data.ts";
import { encodePpm } from "../../src/data/picture/ppm.ts";
import { select } from "../../src/data/sources/select.ts";
import type { Source } from "../../src/data/types.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { probe } from "../../src/eval/probe.ts";
import { splitSource } from "../../src/eval/split.ts";
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
    assert.match(text, /leave one out: each of 12 pictures is a query, all others its gallery/);
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
    assert.match(formatProbe(report), /6 query pictures, a gallery of 12/);
    assert.match(formatProbe(report), /Linear probe on the class tokens of the last 2 blocks: top-1/);
    // A class that the gallery lacks is counted and told, not asked for.
    const other = await probe({ ...model, train: test, test: train, k: [4] });
    assert.deepEqual([other.test, other.unknown], [8, { classes: ["blue"], pictures: 4 }]);
    for (const { top1 } of other.knn) assert.ok(top1 > .9, `${top1}`);
    assert.match(
      formatProbe(other),
      /Note: 4 query pictures are left out: the gallery lacks the class "blue"\./,
    );
    await train.close();
    await test.close();
  }));

Deno.test("probe: the seed determines the linear probe", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(join(folder, "train"), 4));
    const test = await openSource(await colourFolder(join(folder, "test"), 3));
    const best = async (seed?: number) => {
      const { linear } = await probe({ ...model, train, test, k: [4], linear: true, seed });
      return JSON.stringify(linear);
    };
    assert.equal(await best(), await best(0));
    assert.notEqual(await best(1), await best(2));
    await train.close();
    await test.close();
  }));

/** Pictures of one colour each; a class is the colour's number, whatever its name. */
function colours(uri: string, labels: string[], count: number, numbers = labels.map((_, i) => i)): Source {
  const order = Array.from({ length: count * numbers.length }, (_, i) => numbers[i % numbers.length]);
  return {
    ...empty(order.length),
    uri,
    labels,
    get(index) {
      const label = order[index];
      const data = Uint8Array.from(
        { length: 20 * 20 * 3 },
        (_, i) => i % 3 === label ? 200 : (i + index) % 40,
      );
      return Promise.resolve({ key: `${index}`, bytes: encodePpm({ width: 20, height: 20, data }), label });
    },
  };
}

Deno.test("probe: classes of one name stay apart where both sources have one list; elsewhere they are refused", async () => {
  const birds = ["crane", "finch", "crane"];
  const of = async (train: Source, test: Source) => {
    const { knn, ...report } = await probe({ ...model, train, test, k: [2] });
    return { ...report, top1: Math.min(...knn.map(({ top1 }) => top1)) };
  };
  assert.equal((await of(colours("a", birds, 4), colours("b", birds, 2))).top1, 1);
  const other = colours("b", ["finch", "crane", "emu"], 2);
  await assert.rejects(
    of(colours("a", birds, 4), other),
    /"crane" stands more than once in a \(numbers 0, 2\)/,
  );
  await assert.rejects(
    of(other, colours("a", birds, 4)),
    /"crane" stands more than once in a \(numbers 0, 2\)/,
  );
  // Numbers alone, of which the queries have fewer, and composed letters against decomposed ones.
  assert.equal((await of(colours("a", [], 4, [0, 1, 2]), colours("b", [], 2, [0, 1]))).top1, 1);
  // Names that only the pictures know, in another order.
  const told = colours("a", ["x", "y"], 2, [1, 0]);
  const namedByPictures: Source = {
    ...told,
    labels: [],
    get: async (index) => {
      const { label, ...record } = await told.get(index);
      return { ...record, className: told.labels[label!] };
    },
  };
  assert.equal((await of(colours("b", ["x", "y"], 4), namedByPictures)).top1, 1);
  assert.equal((await of(namedByPictures, colours("b", ["x", "y"], 4))).top1, 1);
  assert.equal((await of(colours("a", ["é", "x"], 4), colours("b", ["e\u0301", "x"], 2))).top1, 1);
  await assert.rejects(
    of(colours("a", ["cat", "dog"], 4), colours("b", [], 2, [0, 1])),
    /b: has none of the classes of a, which are "cat", "dog", but "0", "1"; .* say by --labels FILE/,
  );
  const near = await of(colours("a", ["Grey wolf", "cat"], 4), colours("b", ["grey_wolf", "cat"], 2));
  assert.match(
    near.notes[0],
    /2 query pictures .* lacks the class "grey_wolf" \(the gallery has "Grey wolf"\)/,
  );
  // The list names three classes, the gallery has pictures of two.
  const listed = await of(colours("a", birds, 4, [0, 1]), colours("b", birds, 2));
  assert.match(
    listed.notes[0],
    /^2 query pictures are of a class without gallery pictures, which counts as wrong/,
  );
  assert.ok(listed.top1 < .7 && listed.classes === 2);
  await assert.rejects(
    of(colours("a", birds, 4, [1]), colours("b", birds, 2)),
    /all pictures .* are of one class, "finch"/,
  );
});

Deno.test("probe: a picture without a class, and a bad one, are left out", () =>
  withFolder(async (folder) => {
    await colourFolder(folder, 2);
    await Deno.copyFile(join(folder, "red", "0.png"), join(folder, "loose.png"));
    await Deno.writeTextFile(join(folder, "red", "bad.png"), "no picture");
    const train = await openSource(folder), bad: string[] = [];
    const report = await probe({ ...model, train, k: [1], onBad: ({ key }) => bad.push(key) });
    assert.deepEqual(bad, ["red/bad.png"]);
    assert.deepEqual([report.train, report.unlabelled.train], [6, 1]);
    assert.match(formatProbe(report), /Note: 1 picture has no class: left out\./);
    await assert.rejects(probe({ ...model, train, k: [1] }), /red\/bad\.png/);
    // Six can vote for each other, seven with the loose one: it has no class.
    await assert.rejects(
      probe({ ...model, train, k: [6], onBad: () => {} }),
      /a gallery of only 5 labelled pictures/,
    );
    await train.close();
    // Of a class of one picture there is no other to be found.
    await Deno.remove(join(folder, "red", "bad.png"));
    await Deno.remove(join(folder, "red", "1.png"));
    const lone = await openSource(folder), of = await probe({ ...model, train: lone, k: [1] });
    assert.deepEqual([of.test, of.notes.length, of.knn[0].top1 <= 4 / 5], [5, 2, true]);
    assert.match(of.notes[1], /^1 picture is the only one of its class: no other can be right/);
    await lone.close();
  }));

Deno.test("probe: what cannot be measured is refused by name", () =>
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
      /k = 10, but a query has a gallery of only 3 labelled pictures/,
    );
    await assert.rejects(probe({ ...model, train, k: [1, 4] }), /k = 4, but .* only 3/);
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
