import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../src/data/open/open_data.ts";
import { embedData } from "../../src/eval/embedding/embed_data.ts";
import { EMBEDDING_VERSION, type EmbeddingInfo, preprocessingOf } from "../../src/eval/embedding/info.ts";
import { safetensorsFormat } from "../../src/eval/embedding/safetensors_format.ts";
import { measure, type MeasureOptions } from "../../src/eval/measure.ts";
import { formatMeasures, TABLES } from "../../src/eval/protocols/table.ts";
import { pickShots } from "../../src/eval/protocols/fewshot.ts";
import { weightsDigest } from "../../src/eval/weights_digest.ts";
import { initModel } from "../../src/model/init.ts";
import { randomStream } from "../../src/random.ts";
import { testEngine } from "../model/fixtures.ts";
import { colourFolder, TOY, withFolder } from "./toy.ts";

const engine = await testEngine();
const state = initModel(TOY, 0);
const model = { name: "toy", config: TOY, state };

/** What a made-up embedding file holds. */
interface Made {
  count: number;
  classes?: string[];
  labels?: (i: number) => number;
  /** Which pictures these are, so that two files differ. */
  seed?: number;
  digest?: string;
  heads?: number;
  keys?: (i: number) => string;
  spoil?: (data: Float32Array) => void;
  tokens?: EmbeddingInfo["tokens"];
}

/** Writes an embedding file whose pictures of a class lie around a point of their own: width 6, two blocks. */
async function write(path: string, made: Made): Promise<string> {
  const {
    count,
    classes = ["a", "b", "c"],
    labels = (i) => i % classes.length,
    seed = 1,
    keys = (i) => `${i}.png`,
  } = made;
  const stream = randomStream(seed, "test"),
    tokens = made.tokens ?? { class: [6], mean: [6], blocks: [2, 6] };
  const rows = (width: number) => {
    const data = new Float32Array(count * width);
    for (let i = 0; i < data.length; i++) {
      data[i] = stream.normal() + (i % 6 === (labels(Math.floor(i / width)) + 1) ? 3 : 0);
    }
    made.spoil?.(data);
    return data;
  };
  const features = { class: rows(6), mean: rows(6), blocks: rows(12), all: rows(6) };
  const info: EmbeddingInfo = {
    format: "semantic-ae embedding",
    version: EMBEDDING_VERSION,
    model: "made up",
    digest: made.digest ?? "sha256:1",
    ...made.heads !== undefined && { heads: made.heads },
    teacher: false,
    tokens,
    pooling: {},
    norm: "",
    preprocessing: preprocessingOf(TOY),
    source: "nowhere",
    count,
    classes,
    unlabelled: 0,
    bad: 0,
  };
  await safetensorsFormat.write(path, {
    info,
    labels: Int32Array.from({ length: count }, (_, i) => labels(i)),
    parts: [{
      count,
      keys: () => Promise.resolve(Array.from({ length: count }, (_, i) => keys(i))),
      rows: (token) => Promise.resolve(features[token]),
    }],
  });
  return path;
}

const short = { engine, epochs: 3, seed: 1 } as const;

Deno.test("protocols: each tells made-up classes apart, with an interval, and says what chose", () =>
  withFolder(async (folder) => {
    const train = await write(join(folder, "train.safetensors"), { count: 90 });
    const test = await write(join(folder, "test.safetensors"), { count: 45, seed: 2 });
    const report = await measure({
      ...short,
      train,
      test,
      protocols: ["knn", "linear", "logreg", "fewshot"],
      recipes: ["saae", "dino", "mae", "grid"],
      k: [5, 20],
      lrs: [1, 30],
      batchSize: 16,
      shots: [2],
      tries: 3,
    });
    const rows = report.rows.map(({ protocol, n, pool, which, chosenOn }) =>
      [protocol, n, pool, which, chosenOn].join()
    );
    const both = (name: string, n: number) =>
      [1, 2].flatMap(
        () => [`linear ${name},${n},false,last,nothing`, `linear ${name},${n},false,best,the test pictures`],
      );
    assert.deepEqual(rows.filter((row) => !row.startsWith("linear grid")), [
      ...[
        "knn,1,false,only,nothing",
        "knn,1,false,only,nothing",
        "knn,0,true,only,nothing",
        "knn,0,true,only,nothing",
      ],
      ...both("saae", 2),
      ...both("dino", 2),
      ...both("mae", 1),
      "logreg,1,false,only,validation pictures",
      "fewshot,1,false,only,nothing",
    ]);
    const grid = report.rows.find(({ protocol }) => protocol === "linear grid")!;
    assert.deepEqual([grid.chosenOn, grid.settings.heads], ["validation pictures", 16]);
    for (const { protocol, settings, top1, top5 } of report.rows) {
      assert.ok(
        top1.value > (protocol === "linear mae" ? .3 : .7),
        `${protocol} ${JSON.stringify(settings)} ${top1.value}`,
      );
      assert.ok(top1.low <= top1.value && top1.value <= top1.high && top5.value >= top1.value);
    }
    for (const kind of TABLES) {
      const text = formatMeasures(report, kind);
      assert.match(text, /linear grid/);
      const chose = (100 * Number(grid.settings.validation)).toFixed(1);
      assert.match(text, new RegExp(`validation ${chose} \\\\?%`));
      assert.match(text, /chosen on/);
      assert.match(text, /45 pictures of .*test\.safetensors, learned from 90/);
    }
    assert.match(formatMeasures(report, "markdown"), /^\| protocol \|.*\n\| --- \|.*---: \|/);
    assert.match(
      formatMeasures(report, "latex"),
      /\\begin\{tabular\}\{l.*r.*\}\n\\hline\nprotocol & .*95 \\%/,
    );
    assert.doesNotMatch(formatMeasures(report, "latex").replaceAll(/^%.*$/gm, ""), /[^\\][%_#]/);
    // The same again gives the same figures.
    const again = await measure({ ...short, train, test, protocols: ["fewshot"], shots: [2], tries: 3 });
    assert.deepEqual(again.rows[0].top1, report.rows.at(-1)!.top1);
  }));

Deno.test("protocols: a validation part of one's own chooses; held-out pictures are tested; kNN leaves one out", () =>
  withFolder(async (folder) => {
    const train = await write(join(folder, "train.safetensors"), { count: 60 });
    const validation = await write(join(folder, "val.safetensors"), { count: 21, seed: 5 });
    const held = await measure({ ...short, train, validation, holdout: .25, protocols: ["logreg"] });
    assert.deepEqual([held.train.pictures, held.validation?.pictures], [45, 21]);
    assert.deepEqual(held.test, { uri: train, pictures: 15 });
    // What of it is left out is told.
    const odd = await write(join(folder, "odd.safetensors"), {
      count: 24,
      classes: ["a", "b", "c", "emu"],
      labels: (i) => i % 5 === 4 ? -1 : i % 4,
    });
    const { notes, validation: kept } = await measure({
      ...short,
      ...{
        train,
        validation: odd,
        holdout: .25,
        protocols: ["linear"] as const,
        recipes: ["grid"] as const,
        ...{ lrs: [1], blocks: [1], pool: [false] },
      },
    });
    assert.deepEqual(kept, { uri: odd, pictures: 15 });
    assert.deepEqual(notes, [
      "4 validation pictures have no class: left out",
      '5 validation pictures are left out: the gallery lacks the class "emu"',
    ]);
    const alone = await measure({ ...short, train, protocols: ["knn"], k: [3] });
    assert.equal(alone.test, "leave one out");
    const itself = await measure({ ...short, train, test: train, protocols: ["knn"], k: [1] });
    assert.deepEqual([itself.rows[0].top1.value, itself.notes.at(-1)], [
      1,
      "query pictures are those of the gallery, where each finds itself: such figures tell nothing",
    ]);
    assert.match(formatMeasures(alone, "text"), /each of 60 pictures of .* against all others/);
  }));

Deno.test("few shots: so many of each class, other ones for another seed", () => {
  const set = { labels: Array.from({ length: 40 }, (_, i) => i % 4) };
  const picked = pickShots(set, 3, 1);
  assert.deepEqual(picked.map((i) => i % 4), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  assert.equal(new Set(picked).size, 12);
  assert.deepEqual(pickShots(set, 3, 1), picked);
  assert.notDeepEqual(pickShots(set, 3, 2), picked);
});

Deno.test("subsets: pictures by name, with or without folder and ending; what is not there is counted", () =>
  withFolder(async (folder) => {
    const keys = (i: number) => `${"abc"[i % 3]}/${i}.JPEG`;
    const train = await write(join(folder, "train.safetensors"), { count: 60, keys });
    const names = ["a/0.JPEG", "1.JPEG", "2", "3.jpg", "b/4", "99.JPEG"];
    const part = { names, path: "list.txt" };
    const test = await write(join(folder, "test.safetensors"), { count: 30, seed: 3 });
    const report = await measure({ ...short, train, test, subset: part, protocols: ["knn"], k: [2] });
    assert.equal(report.train.pictures, 5);
    assert.deepEqual(report.notes, ["1 of 6 names in list.txt are no pictures with a class: left out"]);
    const wrong = (names: string[], options: Partial<MeasureOptions> = {}) =>
      measure({
        ...short,
        train,
        protocols: ["knn"],
        k: [1],
        ...options,
        subset: { names, path: "list.txt" },
      });
    await assert.rejects(
      wrong(["x.JPEG"]),
      /none of its 1 names, such as "x\.JPEG".*names such as "a\/0\.JPEG"/,
    );
    // A whole key is what it names, also where it is the end of another one.
    const ends = await write(join(folder, "ends.safetensors"), {
      count: 12,
      keys: (i) => i < 3 ? `${i}.png` : i < 6 ? `old/${i - 3}.png` : `x/${i}.v1`,
    });
    const picked = await measure({
      ...{ ...short, train: ends, protocols: ["knn"] as const, k: [1] },
      subset: { names: ["0.png", "1.png", "old/2.png", "x/7.v1.png"], path: "list.txt" },
    });
    assert.deepEqual([picked.train.pictures, picked.notes], [4, [
      "2 pictures are each the only one of their class: no other can be right, which counts as wrong",
    ]]);
    // Files of several sources have the source's name before it.
    const several = await write(join(folder, "several.safetensors"), {
      count: 12,
      keys: (i) => `${i < 6 ? "one" : "two"}/${"ab"[i % 2]}/${i}.png`,
    });
    const two = await measure({
      ...{ ...short, train: several, protocols: ["knn"] as const, k: [1] },
      subset: { names: ["a/0.png", "b/7", "two/a/8.png"], path: "list.txt" },
    });
    assert.equal(two.train.pictures, 3);
    const twice = await write(join(folder, "twice.safetensors"), {
      count: 6,
      keys: (i) => `${"ab"[i % 2]}/${i >> 1}.png`,
    });
    await assert.rejects(
      wrong(["0.png"], { train: twice }),
      /"0\.png" is several pictures .*a\/0\.png, b\/0\.png/,
    );
  }));

Deno.test("protocols: what cannot be measured is refused by name", () =>
  withFolder(async (folder) => {
    const file = (name: string, made: Made) => write(join(folder, `${name}.safetensors`), made);
    const train = await file("train", { count: 30 });
    const refused = (options: Partial<MeasureOptions>, message: RegExp) =>
      assert.rejects(measure({ ...short, train, protocols: ["knn"], k: [1], ...options }), message);
    await refused({ train: await file("none", { count: 9, labels: () => -1 }) }, /no picture .* has a class/);
    await refused({ train: await file("one", { count: 9, labels: () => 1 }) }, /are of one class, "b"/);
    await refused({ k: [40] }, /k = 40, but .* only 29 labelled pictures/);
    await refused({ train: await file("few", { count: 6 }), k: undefined }, /k = 10, but .* only 5/);
    await refused({ protocols: ["fewshot"] }, /fewshot: test pictures are needed apart/);
    const test = await file("test", { count: 12, seed: 3 });
    await refused(
      { test, protocols: ["fewshot"], shots: [11] },
      /a class has only 10 pictures, fewer than the 11/,
    );
    await refused(
      { test: await file("foreign", { count: 9, digest: "sha256:2" }) },
      /foreign.*another encoder/,
    );
    // The same weights with other heads are another encoder; a file of an earlier version does not say how many.
    const [three, two] = [
      await file("three", { count: 9, heads: 3 }),
      await file("two", { count: 9, heads: 2 }),
    ];
    await refused(
      { train: three, test: two },
      /two\.safetensors: was embedded with 2 attention heads, made up has 3, .*embed it again, with the same --heads/,
    );
    const both = await measure({ ...short, train: three, test, protocols: ["knn"], k: [1] });
    assert.equal(both.heads, 3);
    await refused({ model, test }, /train\.safetensors: was embedded by another encoder, made up .*than toy/);
    const spoil = (data: Float32Array) => data[6 * 4 + 1] = NaN;
    await refused(
      { test: await file("nan", { count: 9, spoil }) },
      /nan\.safetensors: 4\.png: .* not finite/,
    );
    await refused(
      { test: await file("others", { count: 9, classes: ["x", "y", "z"] }) },
      /has none of the classes/,
    );
    const twice = await file("twice", { count: 12, classes: ["a", "b", "a", "d"] });
    await refused({ test: twice }, /"a" stands more than once in .*twice/);
    const lean = await file("lean", { count: 30, tokens: { class: [6] } });
    await refused(
      { train: lean, test, protocols: ["linear"], blocks: [1], pool: [true] },
      /does not hold the mean patch token; embed again with --tokens class,mean,blocks/,
    );
    // No kind of tokens on both sides: an error, and no table without rows.
    const [means, blocks] = [
      await file("means", { count: 30, tokens: { mean: [6] } }),
      await file("blocks", { count: 12, tokens: { blocks: [2, 6] }, seed: 3 }),
    ];
    for (
      const [known, asked, words] of [
        [
          lean,
          means,
          /lean\.safetensors holds class, .*means\.safetensors holds mean: knn needs class or mean, the/,
        ],
        [
          means,
          blocks,
          /means\.safetensors holds mean, .*blocks\.safetensors holds class, blocks: knn needs/,
        ],
      ] as const
    ) await refused({ train: known, test: asked }, words);
    for (const recipes of [["saae"], ["grid"]] as const) {
      await refused(
        { train: means, test, protocols: ["linear"], recipes },
        /means\.safetensors holds mean: a linear probe needs class or blocks; embed again/,
      );
    }
    await refused(
      { test: means, protocols: ["fewshot"], shots: [1] },
      /means\.safetensors holds mean: few-shot/,
    );
    await refused(
      { train: await file("all", { count: 9, tokens: { all: [1, 6] } }) },
      /eval needs class, mean or blocks/,
    );
    const source = {
      uri: "photos",
      length: 3,
      labels: ["a", "b"],
      get: () => Promise.reject(),
      key: () => Promise.reject(),
    };
    await refused({ train: { ...source, close: () => Promise.resolve() } }, /photos: pictures need a model/);
    // What the gallery lacks is counted.
    const more = await file("more", { count: 12, classes: ["a", "b", "c", "emu"] });
    const { notes, test: tested } = await measure({
      ...short,
      train,
      test: more,
      protocols: ["knn"],
      k: [1],
    });
    assert.match(notes[0], /3 query pictures are left out: the gallery lacks the class "emu"/);
    assert.deepEqual(tested, { uri: more, pictures: 9 });
  }));

Deno.test("protocols: a gallery that stays in its file has the class token of its blocks, as one in memory", () =>
  withFolder(async (folder) => {
    const tokens = { mean: [6], blocks: [2, 6] };
    const train = await write(join(folder, "train.safetensors"), { count: 30, tokens });
    const test = await write(join(folder, "test.safetensors"), { count: 12, tokens, seed: 3 });
    const how = { ...short, train, test, k: [3], shots: [1], tries: 1 };
    const { rows } = await measure({ ...how, protocols: ["knn"] });
    assert.deepEqual(rows.map(({ tokens }) => tokens), ["class token", "mean patch token"]);
    const whole = await measure({ ...how, protocols: ["knn", "fewshot"] });
    assert.deepEqual(rows, whole.rows.filter(({ protocol }) => protocol === "knn"));
  }));

Deno.test("protocols: pictures and an embedding file of the same encoder go together", () =>
  withFolder(async (folder) => {
    const train = await openSource(await colourFolder(join(folder, "train"), 4));
    const test = await openSource(await colourFolder(join(folder, "test"), 3, ["green", "red"]));
    const out = join(folder, "train.parquet");
    await embedData({ engine, config: TOY, state, model: "toy", data: train, out, tokens: ["class"] });
    const done: number[] = [];
    const report = await measure({
      engine,
      model,
      train: out,
      test,
      protocols: ["knn"],
      k: [4],
      embedded: (n) => done.push(n),
    });
    assert.deepEqual(done, [6]);
    assert.equal(report.digest, await weightsDigest(state));
    assert.equal(report.rows.length, 1, "the file has no mean patch token");
    assert.ok(report.rows[0].top1.value > .9);
    for (const source of [train, test]) await source.close();
  }));
