import assert from "node:assert/strict";
import { join } from "node:path";
import { openWasm } from "../../src/engine/wasm.ts";
import * as tf from "../../src/engine/tensors.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { resize } from "../../src/data/picture/resize.ts";
import { openEmbedding } from "../../src/eval/embedding/open.ts";
import { encoder } from "../../src/model/encoder.ts";
import { initModel } from "../../src/model/init.ts";
import { checkInput, personFeatures, personWay } from "../../src/reid/embed.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { initialState, readState } from "../../src/train/state.ts";
import { normalised } from "../../src/views/render.ts";
import { reidEvalTask } from "../../tasks/reid/eval.ts";
import { embedTask } from "../../tasks/embed.ts";
import { capture } from "../cli/capture.ts";
import { TOY, withFolder } from "../eval/toy.ts";
import { personPicture, writeMarket, writeSysu } from "./layouts.ts";

/** A run folder with one checkpoint of an untrained model. */
async function makeRun(folder: string, seed = 0): Promise<string> {
  await openWasm();
  const settings = resolveConfig({ ...TOY, data: "elsewhere", seed });
  const info = {
    config: settings,
    step: 7,
    cursor: { epoch: 0, position: 0 },
    pictures: 1,
    bad: 0,
    engine: "wasm",
    time: "",
  };
  await saveCheckpoint(folder, info, await readState(initialState(settings, seed)), { keep: 1 });
  return folder;
}

const run = (...args: string[]) => capture(reidEvalTask, [...args, "--engine", "wasm"]);
const SMALL = ["--size", "16,8", "--batch-size", "4"];

Deno.test("features of persons: upright input, the mirrored picture added in three ways", async () => {
  const engine = await openWasm(), { params, frozen } = initModel(TOY, 3), all = { ...params, ...frozen };
  const [a, b] = await Promise.all([1, 2].map(async (person) => {
    const { data } = resize(await decodePicture(personPicture(person, 1)), 8, 16, "bicubic");
    return [...data];
  }));
  const pictures = tf.tensor([...a, ...b], [2, 16, 8, 3]), turned = tf.reverse(pictures, 2);
  /** Tokens by the encoder itself, one picture at a time. */
  const tokens = (which: tf.Tensor, i: number) => {
    const { tokens } = encoder(TOY, all, tf.slice(normalised(which), [i, 0, 0, 0], [1, 16, 8, 3]));
    const [first, ...rest] = tokens.arraySync()[0];
    return {
      class: first,
      mean: first.map((_, k) => rest.reduce((sum, token) => sum + token[k], 0) / rest.length),
    };
  };
  const expected = {
    none: (x: number[], _: number[]) => x,
    sum: (x: number[], y: number[]) => x.map((value, k) => value + y[k]),
    shipped: (x: number[], y: number[]) => x.map((value, k) => value / Math.hypot(...x) + y[k]),
  };
  for (const mirror of ["none", "sum", "shipped"] as const) {
    const found = personFeatures(TOY, all, pictures, mirror);
    for (const token of ["class", "mean"] as const) {
      const rows = found[token].arraySync() as number[][];
      rows.forEach((row, i) => {
        const wanted = expected[mirror](tokens(pictures, i)[token], tokens(turned, i)[token]);
        row.forEach((value, k) =>
          assert.ok(Math.abs(value - wanted[k]) < 1e-5, `${mirror} ${token} ${i} ${k}`)
        );
      });
    }
  }
  const way = personWay(engine, TOY, { height: 16, width: 8, mirror: "sum" }, 4);
  const { class: rows } = await way.pictures(initModel(TOY, 3), Uint8Array.from([...a, ...b]));
  const plain = personFeatures(TOY, all, pictures, "sum").class.dataSync();
  assert.deepEqual([rows.rows, rows.width], [2, 16]);
  rows.data.forEach((value, i) => assert.ok(Math.abs(value - plain[i]) < 1e-5));
  assert.deepEqual([way.preprocessing.size, way.preprocessing.width, way.preprocessing.crop], [
    16,
    8,
    "none",
  ]);
  assert.throws(
    () => checkInput(TOY, { height: 16, width: 9, mirror: "sum" }),
    /width is 9 pixels, no multiple of the encoder's patches of 4; take 8/,
  );
});

Deno.test("task reid eval: Market-1501's layout, a sheet, and squeezed pictures", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")),
      // A name that exists is taken as it stands.
      data = `market:${await writeMarket(join(folder, "a,b #1"))}`;
    const sheet = join(folder, "sheet.png");
    const text = await run(model, "--data", data, ...SMALL, "--sheet", sheet);
    assert.equal(text.code, 0, text.err);
    assert.match(text.out, /^CMC@1 +\d+\.\d % {3}95 %: /);
    assert.match(
      text.out,
      /2 queries of market:.*a\\,b \\#1#split=query against 6 pictures of market:.*#1#split=gallery: 2 persons, 1 pictures of others, 1 that do not count/,
    );
    assert.match(
      text.out,
      /the whole picture resized to height 16, width 8, bicubic, features of the mirrored picture added \(sum\)/,
    );
    const { width, height } = await decodePicture(await Deno.readFile(sheet));
    // One of six is junk, and one of the first query's is by its own camera.
    assert.deepEqual([width, height], [3 * 4 + 6 * 76, 16 + 2 * 140]);
    // A sheet that cannot be written any more takes no figures with it.
    const lost = join(folder, "lost"), late = join(lost, "sheet.png");
    await Deno.mkdir(lost);
    const ended = await capture(
      reidEvalTask,
      [model, "--data", data, ...SMALL, "--engine", "wasm", "--sheet", late],
      { said: (text) => text.includes(", on ") && Deno.removeSync(lost) },
    );
    assert.equal(ended.code, 1, ended.err);
    assert.equal(ended.out, text.out);
    const json = await run(
      model,
      "--data",
      data,
      "--size",
      "16,16",
      "--mirror",
      "none",
      "--token",
      "mean",
      "--json",
    );
    assert.equal(json.code, 0, json.err);
    const report = JSON.parse(json.out);
    assert.deepEqual([report.counted, report.uncounted, report.token, report.preprocessing.width], [
      2,
      0,
      "mean",
      undefined,
    ]);
  }));

Deno.test("task reid eval: SYSU-30k's layout; features are kept, found again, and refused where they are of something else", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), other = await makeRun(join(folder, "other"), 1);
    const data = `sysu:${await writeSysu(join(folder, "sysu"))}`, features = join(folder, "features");
    const args = ["--data", data, "--features", features, ...SMALL];
    const first = await run(model, ...args, "--json");
    assert.equal(first.code, 0, first.err);
    const report = JSON.parse(first.out);
    assert.deepEqual([report.counted, report.gallery.persons, report.gallery.distractors], [3, 3, 4]);
    const again = await run(model, ...args, "--json");
    assert.equal(again.out, first.out);
    assert.match(again.err, /gallery takes the features in .*gallery\.safetensors/);
    const files = [
      "--query",
      join(features, "query.safetensors"),
      "--gallery",
      join(features, "gallery.safetensors"),
    ];
    const alone = await run(...files, "--json");
    assert.equal(alone.out, first.out);
    assert.equal((await run(model, ...files, "--json")).out, first.out);
    assert.match((await run(other, ...files)).err, /query\.safetensors: was embedded by another encoder/);
    assert.match((await run(other, ...args)).err, /was embedded by another encoder, .*embed it again/);
    assert.match((await run(model, ...args, "--mirror", "none")).err, /its pictures were prepared otherwise/);
    const list = join(folder, "sysu/meta/gallery.txt"), lines = await Deno.readTextFile(list);
    await Deno.writeTextFile(list, lines.split("\n").slice(1).join("\n"));
    assert.match(
      (await run(model, ...args)).err,
      /holds features of 7 pictures, but .*gallery has 6; remove it/,
    );
    await Deno.writeTextFile(list, lines);
    // As many pictures, one of which is said to show somebody else now.
    const shown = join(folder, "sysu/sysu_test_set_all/gallery"), person = "000028311_c1_1.png";
    const renamed = join(shown, "000028319", "000028319_c1_1.png");
    await Deno.mkdir(join(shown, "000028319"));
    await Deno.rename(join(shown, "000028311", person), renamed);
    await Deno.writeTextFile(list, lines.replace(person, "000028319_c1_1.png"));
    assert.match(
      (await run(model, ...args)).err,
      /holds features of "000028311\/000028311_c1_1\.png", which .*gallery does not have in its place; remove it/,
    );
    await Deno.rename(renamed, join(shown, "000028311", person));
    await Deno.writeTextFile(list, lines);

    // Features of two models are mixed.
    const mixed = join(folder, "mixed.safetensors"), query = `sysu:${join(folder, "sysu")}#query`;
    await capture(embedTask, [other, query, "--out", mixed, "--engine", "wasm"]);
    const wrong = await run("--query", mixed, "--gallery", join(features, "gallery.safetensors"));
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /gallery\.safetensors: was embedded by another encoder/);
    const file = await openEmbedding(join(features, "gallery.safetensors"));
    const whole = await file.rows("class"), some = await file.part("class", 2, 3);
    assert.deepEqual(some.data, whole.data.slice(2 * 16, 5 * 16));
    file.close();
  }));

Deno.test("task reid eval: queries without a right picture, and names that say nothing", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), market = await writeMarket(join(folder, "market"));
    await Deno.writeFile(join(market, "query/0009_c1s1_000001_00.png"), personPicture(9, 1));
    const noted = await run(model, "--data", `market:${market}`, ...SMALL);
    assert.match(
      noted.out,
      /Note: 1 of 3 queries have no right picture in the gallery and do not count: 0009_c1s1_000001_00\.png\./,
    );
    const none = join(folder, "none");
    await Deno.mkdir(none);
    await Deno.writeFile(join(none, "0009_c1s1_000001_00.png"), personPicture(9, 1));
    const cases: [string[], RegExp, number][] = [
      [
        ["--query", none, "--gallery", join(market, "bounding_box_test")],
        /none of 1 queries has a right picture in the gallery/,
        1,
      ],
      [[], /name what is measured: --data sysu:PATH or market:PATH/, 2],
      [["--data", market], /--data takes sysu:PATH or market:PATH/, 2],
      [["--data", `market:${market}`, "--query", none], /leave out --query and --gallery/, 2],
      [["--data", `market:${market}`, "--size", "16,9"], /width is 9 pixels, no multiple/, 1],
    ];
    for (const [args, message, code] of cases) {
      const ended = await run(
        model,
        ...SMALL.slice(2),
        ...args,
        ...args.includes("--size") ? [] : SMALL.slice(0, 2),
      );
      assert.match(ended.err, message, args.join(" "));
      assert.deepEqual([ended.code, ended.out], [code, ""], args.join(" "));
    }
    await Deno.writeFile(join(none, "somebody.png"), personPicture(9, 1));
    const silent = await run(model, "--query", none, "--gallery", none, ...SMALL);
    assert.match(
      silent.err,
      /none: 1 of 2 names do not tell person and camera, such as somebody\.png; pictures must be named PERSON_cCAMERA…/,
    );
    assert.match(
      (await run("--query", none, "--gallery", none)).err,
      /name the model that embeds the pictures: reid eval MODEL/,
    );
  }));
