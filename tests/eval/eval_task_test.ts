import assert from "node:assert/strict";
import { join } from "node:path";
import { openWasm } from "../../src/engine/wasm.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { resolveConfig } from "../../src/train/config/config.ts";
import { initialState, readState } from "../../src/train/state.ts";
import { openTrainingProbe } from "../../src/eval/training_probe.ts";
import { dataTask } from "../../tasks/data.ts";
import { embedTask } from "../../tasks/embed.ts";
import { evalTask } from "../../tasks/eval.ts";
import { packTask } from "../../tasks/pack.ts";
import { capture } from "../cli/capture.ts";
import { colourFolder, TOY, withFolder } from "./toy.ts";

const run = (...args: string[]) => capture(evalTask, args);

/** A run folder with one checkpoint of an untrained model. */
async function makeRun(folder: string): Promise<string> {
  await openWasm();
  const settings = resolveConfig({ ...TOY, data: "elsewhere" });
  const tensors = await readState(initialState(settings, 0));
  const cursor = { epoch: 0, position: 0 };
  const info = { config: settings, step: 7, cursor, pictures: 1, bad: 0, engine: "wasm", time: "now" };
  await saveCheckpoint(folder, info, tensors, { keep: 1 });
  return folder;
}

Deno.test("task eval: a run on a folder, as a table and as JSON", () =>
  withFolder(async (folder) => {
    const run7 = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 6);
    const text = await run(run7, "--data", data, "--engine", "wasm");
    assert.equal(text.code, 0, text.err);
    // 18 pictures: votes of 20 and more are left out.
    assert.match(text.out, /class token +10 +\d+\.\d %/);
    assert.doesNotMatch(text.out, / 20 /);
    assert.match(text.out, /leave one out: each of 18 pictures is a query/);
    assert.match(text.err, /step-00000007\.safetensors \(step 7\), on WebAssembly/);

    const args = ["--data", data, "--engine", "wasm", "--k", "3,5", "--holdout", "0.5", "--json"];
    const json = await run(run7, ...args);
    assert.equal(json.code, 0, json.err);
    const report = JSON.parse(json.out);
    assert.deepEqual([report.train, report.test, report.classes], [9, 9, 3]);
    assert.deepEqual(report.knn.map(({ k }: { k: number }) => k), [3, 5, 3, 5]);
  }));

Deno.test("a mixture with shares is looked at once: its pictures are neither their own neighbours nor held out", () =>
  withFolder(async (folder) => {
    const run7 = await makeRun(join(folder, "run")), wasm = ["--engine", "wasm"];
    const few = await colourFolder(join(folder, "few"), 1),
      many = await colourFolder(join(folder, "many"), 3);
    // In training, an epoch has each of the few pictures nine times.
    const data = `${few}*0.75,${many}*0.25`;
    const json = await run(run7, "--data", data, "--k", "3", "--json", ...wasm);
    assert.equal(json.code, 0, json.err);
    assert.equal(JSON.parse(json.out).train, 12);
    const halves = await run(run7, "--data", data, "--k", "3", "--holdout", "0.5", "--json", ...wasm);
    assert.deepEqual([JSON.parse(halves.out).train, JSON.parse(halves.out).test], [6, 6]);
    const file = join(folder, "features.npy");
    const embedded = await capture(embedTask, [run7, data, "--out", file, ...wasm]);
    assert.match(embedded.out, /: 12 pictures, class 16/);
    const packed = await capture(packTask, [data, join(folder, "packed")]);
    assert.match(packed.out, /: 12 pictures, /);
    const said = await capture(dataTask, [data, "--no-sheet", "--json"]);
    assert.deepEqual([JSON.parse(said.out).seen, JSON.parse(said.out).total], [12, 12]);
    const lines: string[] = [];
    const config = resolveConfig({ ...TOY, data, evalData: data, evalTrain: data });
    const probe = await openTrainingProbe(config, (line) => lines.push(line));
    await probe!.close();
    assert.match(lines.at(-1)!, /evaluation: 12 pictures .* a gallery of 12 /);
  }));

Deno.test("tasks embed and eval: features to a file, and protocols on it", () =>
  withFolder(async (folder) => {
    const run7 = await makeRun(join(folder, "run")), data = await colourFolder(join(folder, "data"), 4);
    const file = join(folder, "features.safetensors"), wasm = ["--engine", "wasm"];
    const embed = (...args: string[]) => capture(embedTask, [...args, ...wasm]);
    const made = await embed(run7, data, "--out", file, "--tokens", "class,mean,blocks");
    assert.equal(made.code, 0, made.err);
    assert.match(
      made.out,
      /12 pictures, class 16, mean 16, blocks 2 × 16, 3 classes\nmodel .*sha256:[0-9a-f]{64}/,
    );
    assert.match(made.err, /embedded 12 of 12 pictures, \d+\.\d images\/s/);
    const json = await run(file, ...wasm, "--k", "3,5", "--json");
    assert.equal(json.code, 0, json.err);
    const report = JSON.parse(json.out);
    assert.deepEqual([report.test, report.rows.length, report.features], ["leave one out", 4, "frozen"]);
    await Deno.writeTextFile(join(folder, "list.txt"), "0.png\n".repeat(2));
    const cases: [string[], RegExp, number][] = [
      [[file, "--data", data], /an embedding file stands for --data and --train/, 2],
      [[file, "--linear"], /is an embedding file, so say --protocol knn,linear/, 2],
      [[run7, "--data", data, "--shots", "1"], /--shots belongs to --protocol, which is missing/, 2],
      [[run7, "--protocol", "knn"], /name labelled pictures/, 2],
      [[file, "--test", data, "--k", "1"], /pictures need a model that embeds them/, 1],
      [[file, "--k", "1", "--subset", join(folder, "list.txt")], /"0\.png" is several pictures/, 1],
      [[file, "--k", "1", "--subset", join(folder, "none.txt")], /the list of pictures cannot be read/, 1],
      [[file, "--k", "12"], /k = 12, but/, 1],
    ];
    for (const [args, message, code] of cases) {
      const ended = await run(...args, ...wasm);
      assert.match(ended.err, message, args.join(" "));
      assert.deepEqual([ended.code, ended.out], [code, ""], args.join(" "));
    }
    assert.match((await embed(run7, data)).err, /name a file for the features: --out FILE/);
    assert.match(
      (await embed(run7, data, "--out", join(folder, "x.csv"))).err,
      /ends with one of \.safetensors/,
    );
    // Before the model is read and an engine opened; and what is no embedding is not replaced.
    const lost = await embed(run7, data, "--out", join(folder, "none", "x.npy"));
    assert.match(lost.err, /^error: .*x\.npy: no such file or folder; check the path\n$/);
    const weights = join(folder, "weights.safetensors");
    await Deno.writeFile(weights, encodeSafetensors({}));
    const numbers = join(folder, "numbers.npy");
    await Deno.writeTextFile(numbers, "numbers");
    for (const other of [weights, numbers]) {
      assert.match(
        (await embed(run7, data, "--out", other)).err,
        /is there already and is no embedding that could be replaced/,
      );
    }
    assert.equal((await embed(run7, data, "--out", file)).code, 0);
  }));

Deno.test("task eval: what is wrong is said in one line", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 1), weights = join(folder, "other.safetensors");
    await Deno.writeFile(weights, encodeSafetensors({}));
    const cases: [string[], RegExp, number][] = [
      [[], /eval takes MODEL; MODEL is missing, see --help/, 2],
      [["a", "--dta", "x"], /unknown option --dta; did you mean --data\?/, 2],
      [["a", "--data", "x", "--test", "y"], /exclude each other/, 2],
      [["a", "--linear"], /--linear needs labelled pictures: --data PATH/, 2],
      [["a", "--k", "5"], /--k needs labelled pictures/, 2],
      [["a", "--k", "ten", "--data", "x"], /--k is "ten", but it must be a list/, 2],
      [
        [join(folder, "nothing"), "--data", data],
        /nothing: there is no such file or folder; name a run folder, a checkpoint/,
        1,
      ],
      [[folder, "--data", data], /holds no checkpoint/, 1],
      [[weights, "--data", data], /a safetensors file without a vision transformer that is known here/, 1],
      [
        [weights, "--data", data, "--preset", "huge"],
        /--preset is "huge", but it must be one of demo, thumbnail, photo, tiny, small, base/,
        2,
      ],
    ];
    const results = await Promise.all(cases.map(([args]) => run(...args)));
    results.forEach(({ code, out, err }, i) => {
      const [args, message, expected] = cases[i];
      assert.match(err, message, args.join(" "));
      assert.equal(code, expected, args.join(" "));
      assert.equal(err.trim().split("\n").length, 1, err);
      assert.equal(out, "");
    });
    assert.match((await run("--help")).out, /--holdout SHARE/);
  }));
