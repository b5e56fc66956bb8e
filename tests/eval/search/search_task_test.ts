import assert from "node:assert/strict";
import { join } from "node:path";
import { embedTask } from "../../../tasks/embed.ts";
import { searchTask } from "../../../tasks/search.ts";
import { capture } from "../../cli/capture.ts";
import { withVariables } from "../../with_variables.ts";
import { colourFolder, withFolder } from "../toy.ts";
import { makeRun, writeSet } from "./made_up.ts";

const run = (...args: string[]) => capture(searchTask, [...args, "--engine", "wasm"]);

const isPng = (path: string) => Deno.readFileSync(path).subarray(1, 4).join() === "80,78,71";
const none = (path: string) => Deno.stat(path).then(() => false, () => true);

Deno.test("task search: a model on a folder, its embedding file, names and files as queries", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 4);
    const file = join(folder, "features.safetensors"), sheet = join(folder, "sheet.png");
    const photo = join(data, "red", "1.png");
    // Embedded for once; nothing is left but the sheet.
    const once = await run(model, photo, "--data", data, "--k", "3", "--sheet", sheet);
    assert.equal(once.code, 0, once.err);
    assert.match(once.out, /^rank +cosine +class +picture\n +1 +1\.0000 +red +red\/1\.png\n/m);
    assert.match(once.out, /\n\nsheet: .*sheet\.png\n$/);
    assert.ok(isPng(sheet));
    // Embedded and kept; the second time the file is used.
    const json = ["--json", "--no-sheet"], kept = ["--features", file, "--data", data, ...json];
    const first = await run(model, photo, ...kept), second = await run(model, photo, ...kept);
    assert.deepEqual([first.code, second.code], [0, 0], first.err + second.err);
    assert.match(first.err, /embedded 12 of 12 pictures/);
    assert.doesNotMatch(second.err, /embedded/);
    assert.equal(first.out, second.out);
    const { queries: [{ query, inSet, neighbours }], ...about } = JSON.parse(second.out);
    assert.deepEqual([query, inSet, neighbours.length, about.pictures, about.sheet], [
      photo,
      false,
      10,
      12,
      null,
    ]);
    assert.deepEqual(Object.keys(neighbours[0]), ["rank", "key", "label", "cosine"]);
    // The file alone: its model embeds the query; a name is a picture of the set and not its own neighbour.
    const alone = JSON.parse((await run(file, photo, ...json)).out);
    assert.deepEqual(alone.queries[0].neighbours, neighbours);
    const named = JSON.parse((await run(file, "red/1.png", "green/0.png", ...json, "--k", "2")).out);
    assert.deepEqual(named.queries[0].neighbours.map(({ key }: { key: string }) => key), [
      neighbours[1].key,
      neighbours[2].key,
    ]);
    assert.deepEqual([named.queries[1].inSet, named.queries[1].label], [true, "green"]);
    const green = await run(
      file,
      "red/1.png",
      "--class",
      "green",
      "--folder",
      "green",
      "--k",
      "4",
      "--sheet",
      sheet,
    );
    assert.equal(green.out.match(/green\/\d\.png/g)?.length, 4, green.err);
    // Pictures that have gone are told, and the result comes without them.
    await Deno.rename(data, `${data}-moved`);
    const moved = await run(file, "red/1.png", "--sheet", sheet);
    assert.match(moved.err, /no contact sheet: .*name where the pictures are by --data URI/);
    assert.equal(moved.code, 0);
    const found = await run(file, "red/1.png", "--data", `${data}-moved`, "--sheet", sheet);
    assert.match(found.out, /sheet: /);
    // So is a model that has gone, if a query needs it.
    const elsewhere = join(folder, "elsewhere");
    await Deno.rename(model, elsewhere);
    const query2 = join(`${data}-moved`, "red", "1.png");
    assert.match(
      (await run(file, query2, ...json)).err,
      /its model, .*cannot be read .*search MODEL QUERY --features/,
    );
    assert.equal((await run(elsewhere, query2, "--features", file, ...json)).code, 0);
    const other = await makeRun(join(folder, "other"), 3);
    for (const asked of [query2, "red/1.png"]) {
      const refused = await run(other, asked, "--features", file, ...json);
      assert.match(refused.err, /features\.safetensors: was embedded by another encoder/);
      assert.deepEqual([refused.code, refused.out], [1, ""]);
    }
  }));

Deno.test("task search: pictures are found again by the kind and the split that were embedded", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = join(folder, "data");
    await colourFolder(join(data, "train"), 3);
    await colourFolder(join(data, "test"), 2, ["green", "red"]);
    const file = join(folder, "features.safetensors"), sheet = join(folder, "sheet.png");
    const words = `folder:${data}#split=test`;
    const embedded = await capture(embedTask, [model, words, "--out", file, "--engine", "wasm"]);
    assert.equal(embedded.code, 0, embedded.err);
    const found = await run(file, "red/1.png", "--k", "2", "--sheet", sheet);
    assert.match(found.out, /\nsheet: .*sheet\.png\n$/, found.err);
    assert.equal(found.code, 0);
    const { source } = JSON.parse((await run(file, "red/1.png", "--json", "--no-sheet", "--k", "2")).out);
    assert.equal(source, words);
    // Files of earlier versions have the name alone, and open what it opens.
    const old = await writeSet(join(folder, "old.npy"), {
      pictures: [["blue/0.png", [1, 0]], ["blue/1.png", [1, 1]]],
      source: join(data, "train"),
    });
    const shown = await run(old, "blue/0.png", "--k", "1", "--sheet", sheet);
    assert.match(shown.out, /\nsheet: .*sheet\.png\n$/, shown.err);
  }));

Deno.test("task search: duplicates as groups, text, JSON and sheet", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 2);
    await Deno.copyFile(join(data, "red", "0.png"), join(data, "blue", "copy.png"));
    const file = join(folder, "features.parquet"), sheet = join(folder, "sheet.png");
    const embedded = await capture(embedTask, [model, data, "--out", file, "--engine", "wasm"]);
    assert.equal(embedded.code, 0, embedded.err);
    const text = await run(file, "--duplicates", "1", "--sheet", sheet);
    assert.equal(text.code, 0, text.err);
    assert.match(
      text.out,
      /^1 group with 2 of 7 pictures, 1 besides the first of each; 1 pair with a cosine of 1 or more\n/,
    );
    assert.match(text.out, /\n +1 +2 +1\.0000 +blue\/copy\.png, red\/0\.png\n/);
    assert.ok(isPng(sheet));
    const json = JSON.parse((await run(file, "--duplicates", "1", "--json", "--no-sheet")).out);
    assert.deepEqual([json.pairs, json.inGroups, json.threshold], [1, 2, 1]);
    assert.deepEqual(json.groups, [[
      { key: "blue/copy.png", label: "blue", nearest: "red/0.png", cosine: json.groups[0][0].cosine },
      { key: "red/0.png", label: "red", nearest: "blue/copy.png", cosine: json.groups[0][0].cosine },
    ]]);
    const part = await run(file, "--duplicates", "1", "--folder", "red", "--sheet", join(folder, "none.png"));
    assert.match(part.out, /^no two of 2 pictures have a cosine of 1 or more\n$/);
    assert.ok(await none(join(folder, "none.png")));
    // Nothing is deleted.
    assert.equal([...Deno.readDirSync(join(data, "blue"))].length, 3);
  }));

Deno.test("task search: what is wrong is said in one line, before any work", () =>
  withFolder(async (folder) => {
    const pictures = [["a.png", [1, 0]], ["b.png", [0, 0]], ["c.png", [0, 1]]] as const;
    const file = await writeSet(join(folder, "set.safetensors"), { pictures }),
      text = join(folder, "text.jpg");
    await Deno.writeTextFile(text, "no picture");
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 1);
    const cases: [string[], RegExp, number][] = [
      [[file], /name pictures to search for, or --duplicates THRESHOLD/, 2],
      [[file, "a.png", "--duplicates", "0.5"], /leave out QUERY and --k/, 2],
      [[file, "--duplicates", "0.5", "--k", "3"], /leave out QUERY and --k/, 2],
      [[file, "--duplicates", "1.5"], /must be a number above -1 and at most 1/, 2],
      [[file, "--duplicates", "-1"], /must be a number above -1 and at most 1/, 2],
      [[file, "a.png", "--k", "0"], /--k is "0", but it must be a whole number from 1 up/, 2],
      [[file, "a.png", "--features", file], /is an embedding file itself/, 2],
      [[model, "a.png"], /name the pictures that are searched: --data URI, or --features FILE/, 2],
      [[model, "a.png", "--data", data, "--features", "x.csv"], /ends with one of \.safetensors/, 1],
      [[model, "a.png", "--features", join(folder, "x.npy")], /x\.npy: there is no such embedding file/, 1],
      [
        [model, "a.png", "--data", data, "--features", join(folder, "none", "x.npy")],
        /^error: .*x\.npy: no such file or folder/,
        1,
      ],
      [
        [model, "a.png", "--data", data],
        /a\.png: no such file, and no picture of .*names look like "blue\/0\.png"/,
        1,
      ],
      [[file, "d.png"], /d\.png: no such file, and no picture of .*names look like "a\.png"/, 1],
      [[file, text], /text\.jpg: a query must be a picture, but this is none that can be read/, 1],
      [[file, data], /data: is a folder; name the pictures in it/, 1],
      [[file, "b.png"], /b\.png: its features are all 0, so it is like nothing/, 1],
      [[file, "a.png", "--k", "3"], /k is 3, but .* has only 2 pictures beside the query/, 1],
      [[file, "a.png", "--class", "x"], /its pictures have no labels/, 1],
      [[file, "a.png", "--token", "mean"], /holds class, but "mean" is needed/, 1],
      [[join(folder, "nothing"), "a.png", "--data", data], /there is no such file or folder/, 1],
    ];
    for (const [args, message, code] of cases) {
      const ended = await run(...args, "--no-sheet");
      assert.match(ended.err.trim().split("\n").at(-1)!, message, args.join(" "));
      assert.deepEqual([ended.code, ended.out], [code, ""], args.join(" "));
    }
    const sheet = await run(file, "a.png", "--sheet", join(folder, "no", "x.png"));
    assert.match(sheet.err, /x\.png: .*--no-sheet draws none/);
    const asked = join(data, "red", "0.png"), bytes = await Deno.readFile(asked);
    const over = await run(file, "a.png", asked, "--sheet", asked);
    assert.deepEqual([over.code, await Deno.readFile(asked)], [2, bytes]);
    assert.match(over.err, /0\.png: is read here and would be replaced/);
    const left = await run(file, "a.png", "--no-sheet");
    assert.match(left.err, /left out: 1 picture whose features are all 0/);
    assert.match(left.out, / 1 +0\.0000 +c\.png\n$/);
    assert.match((await run("--help")).out, /--duplicates THRESHOLD/);
  }));

Deno.test("task search: what was found is printed where its sheet cannot be written, which is told behind it", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 1);
    const file = join(folder, "set.safetensors"), sheet = join(folder, "sheet.png");
    assert.equal((await capture(embedTask, [model, data, "--out", file, "--engine", "wasm"])).code, 0);
    const { renameSync } = Deno;
    Deno.renameSync = () => {
      throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
    };
    try {
      const asked = [file, "red/0.png", "--k", "1", "--sheet", sheet], told = await run(...asked);
      assert.match(told.out, /\n +1 +\d\.\d{4} +\w+ +\w+\/0\.png\n$/);
      assert.match(told.err, /error: .*sheet\.png: cannot write: no space is left on the device; make room/);
      const json = await run(...asked, "--json");
      assert.equal(JSON.parse(json.out).sheet, null);
      assert.deepEqual([told.code, json.code, await none(sheet)], [1, 1, true]);
    } finally {
      Deno.renameSync = renameSync;
    }
  }));

Deno.test("task search: a folder for temporary files that is not there is named, with what to do", () =>
  withFolder(async (folder) => {
    const model = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 1);
    const nowhere = join(folder, "nowhere"), asked = [model, "red/0.png", "--data", data, "--no-sheet"];
    const { err, code } = await withVariables({ TMPDIR: nowhere }, () => run(...asked));
    assert.match(err, /error: .*nowhere: no such file or folder; .*: TMPDIR names another folder\n$/);
    assert.equal(code, 1);
  }));
