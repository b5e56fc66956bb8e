/** What a user of finetune and predict gets wrong: told in a line that says what, where and what to do. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { BadRecordError, type Source } from "../../src/data/types.ts";
import { checkClasses, withinBudget } from "../../src/finetune/budget.ts";
import { testPictures } from "../../src/finetune/evaluate.ts";
import { type LabelledPictures, labelledPictures, picturesDigest } from "../../src/finetune/labelled.ts";
import { evalTask } from "../../tasks/eval.ts";
import { finetuneTask } from "../../tasks/finetune.ts";
import { predictTask } from "../../tasks/predict.ts";
import type { Task } from "../../src/cli/command.ts";
import { capture } from "../cli/capture.ts";
import { colourFolder } from "../eval/toy.ts";
import { withFolder } from "../with_folder.ts";
import { colourFolders, encoderRun, QUICK } from "./fixture.ts";

/** A source of records whose classes are given; undefined: none, "bad": one that cannot be read. */
function sourceOf(labels: readonly (number | undefined | "bad")[], names: readonly string[] = []): Source {
  return {
    uri: "made",
    length: labels.length,
    labels: names,
    get: (index) => {
      const label = labels[index];
      if (label === "bad") return Promise.reject(new BadRecordError("made", `p${index}`, "torn"));
      return Promise.resolve({
        key: `p${index}`,
        bytes: new Uint8Array(),
        ...label !== undefined && { label },
      });
    },
    key: (index) => Promise.resolve(`p${index}`),
    close: () => Promise.resolve(),
  };
}

async function refused(task: Task, args: readonly string[], code: number, message: RegExp): Promise<void> {
  const ended = await capture(task, args);
  assert.match(ended.err, message, args.join(" "));
  assert.equal(ended.code, code, ended.err);
  assert.equal(ended.out, "");
}

Deno.test("labels: outside the list, none at all, unreadable; those without a class are left out", async () => {
  await assert.rejects(
    labelledPictures(sourceOf([0, 1, 5], ["a", "b"])),
    /p2 is of class number 5, .* 0 to 1; .*--labels/,
  );
  await assert.rejects(labelledPictures(sourceOf([0, -1], ["a", "b"])), /class number -1/);
  await assert.rejects(
    labelledPictures(sourceOf([undefined, undefined])),
    /made: no picture has a class; .*folders/,
  );
  await assert.rejects(labelledPictures(sourceOf([0, "bad"])), BadRecordError);
  const told: string[] = [];
  const pictures = await labelledPictures(sourceOf([1, undefined, "bad", 0, 1], ["a", "b"]), {
    onBad: ({ key }) => told.push(key),
  });
  assert.deepEqual([...pictures.labels, pictures.unlabelled, pictures.unreadable, told], [1, 0, 1, 1, 1, [
    "p2",
  ]]);
  assert.equal((await pictures.source.get(1)).key, "p3");
});

Deno.test("budgets: a share of each class, so many of each, a list; one at a time", async () => {
  const labels = Array.from({ length: 210 }, (_, i) => i < 200 ? i % 2 : 2);
  const pictures = await labelledPictures(sourceOf(labels, ["a", "b", "c"]));
  const none = { subset: "", perClass: 0, share: 1 };
  const counts = ({ labels }: LabelledPictures) =>
    [0, 1, 2].map((k) => labels.filter((label) => label === k).length);
  const share = (await withinBudget(pictures, { ...none, share: 0.05 }, 1)).pictures;
  assert.deepEqual(counts(share), [5, 5, 1]);
  const again = (await withinBudget(pictures, { ...none, share: 0.05 }, 1)).pictures;
  const other = (await withinBudget(pictures, { ...none, share: 0.05 }, 2)).pictures;
  assert.equal(await picturesDigest(again), await picturesDigest(share));
  assert.notEqual(await picturesDigest(other), await picturesDigest(share));
  assert.deepEqual(counts((await withinBudget(pictures, { ...none, perClass: 10 }, 1)).pictures), [
    10,
    10,
    10,
  ]);
  await assert.rejects(
    withinBudget(pictures, { ...none, perClass: 11 }, 1),
    /class "c" has only 10 .* 11 of --per-class/,
  );
  await assert.rejects(withinBudget(pictures, { ...none, perClass: 1, share: 0.1 }, 1), /exclude each other/);
  await withFolder(async (folder) => {
    const subset = join(folder, "names.txt");
    // As PowerShell writes a list.
    await Deno.writeFile(subset, Buffer.from("\uFEFFp0\r\np201\r\nnobody\r\n", "utf16le"));
    const { pictures: listed, notes } = await withinBudget(pictures, { ...none, subset }, 1);
    assert.deepEqual([[...listed.labels], notes.length], [[0, 2], 1]);
    assert.match(notes[0], /1 of 3 names/);
  });
});

Deno.test("classes: one alone is refused; those without pictures in one part, or unknown ones, are named", async () => {
  const names = ["a", "b", "c"], whole = await labelledPictures(sourceOf([0, 1, 1], names));
  assert.throws(() => checkClasses({ labels: Int32Array.of(1, 1), names }, "made"), /of one class, "b"/);
  assert.match(checkClasses(whole, "made")[0], /no training picture is of the class "c"/);
  assert.deepEqual(checkClasses({ labels: Int32Array.of(0, 1, 2), names }, "made"), []);
  const others = await labelledPictures(sourceOf([0, 1, 1, 2], ["b", "x", "a"]));
  const { labels, notes, source } = testPictures(others, names, "train");
  assert.deepEqual([[...labels], source.length], [[1, 0], 2]);
  assert.match(notes.join("\n"), /2 pictures are left out: the training lacks the class "x"/);
  assert.match(notes.join("\n"), /it has no picture of the class "c"/);
  const strange = await labelledPictures(sourceOf([0], ["z"]));
  assert.throws(() => testPictures(strange, names, "train"), /none of the classes of train/);
});

Deno.test("settings that do not go together, and models of the wrong kind", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train, test } = await colourFolders(folder);
    const out = join(folder, "run"), args = [encoder, "--data", train, "--out", out, ...QUICK];
    const one = await colourFolder(join(folder, "one"), 8, ["red"]);
    await refused(
      finetuneTask,
      [...args, "--data", one],
      1,
      /all 8 pictures are of one class, "red"; .*at least two/,
    );
    await refused(finetuneTask, [...args, "--batch-size=5"], 2, /batchSize is 5, but mixup .*--batch-size 6/);
    await refused(
      finetuneTask,
      [...args, "--batch-size=20"],
      2,
      /only 18 pictures; use --batch-size 18 or less/,
    );
    await refused(finetuneTask, [...args, "--freeze=3"], 2, /freeze is 3, but the encoder has only 2 blocks/);
    await refused(finetuneTask, [...args, "--from-scratch", "--freeze=1"], 2, /from scratch nothing was/);
    await refused(finetuneTask, [...args, "--width=32"], 1, /width is 32, of the weights 16/);
    await refused(finetuneTask, [...args, "--share=1.5"], 2, /--share is "1.5", but it must be/);
    await refused(finetuneTask, ["--data", train], 2, /name what the encoder is from, or say --from-scratch/);
    await refused(finetuneTask, [encoder], 2, /name the labelled pictures/);
    await refused(finetuneTask, ["--resume"], 2, /--resume needs the run's folder/);
    await refused(finetuneTask, ["--resume", "--out", encoder], 2, /holds no run/);
    await refused(predictTask, [encoder, train], 1, /is an encoder, not a classifier; .*deno task finetune/);
    await refused(predictTask, [encoder], 2, /name either pictures, or labelled ones with --data/);
    for (const words of [["--top=2"], ["--format=csv"]]) {
      await refused(predictTask, [encoder, "--data", test, ...words], 2, /with --data leave them out/);
    }
    await refused(predictTask, [encoder, test, "--labels=x"], 2, /--labels names the classes of --data/);
    await refused(predictTask, [encoder, test, "--json", "--format=csv"], 2, /--json prints JSON, not csv/);
    // A refused run leaves its folder free.
    assert.equal(await Deno.stat(out).then(() => true, () => false), false);

    assert.equal((await capture(finetuneTask, [...args, "--steps=2"])).code, 0);
    await refused(evalTask, [out, "--data", test], 1, /is a classifier that deno task finetune has trained/);
    await refused(predictTask, [out, "--best", train], 1, /has no best state/);
    await refused(predictTask, [out, join(folder, "none.png")], 1, /none\.png/);
    const torn = join(folder, "torn.png"), picture = await Deno.readFile(join(test, "red", "0.png"));
    await Deno.writeFile(torn, picture.subarray(0, 20));
    await refused(
      predictTask,
      [out, torn, "--engine=wasm"],
      1,
      /the only picture cannot be read: .*torn\.png/,
    );
  }));

Deno.test("resuming with other classes, other pictures, another model or other settings", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), { train } = await colourFolders(folder);
    const out = join(folder, "run"), resume = ["--resume", "--out", out, "--steps=0"];
    const begun = await capture(finetuneTask, [
      encoder,
      "--data",
      train,
      "--out",
      out,
      ...QUICK,
      "--steps=2",
    ]);
    assert.equal(begun.code, 0, begun.err);
    const classes = await colourFolder(join(folder, "classes"), 6, ["blue", "green", "yellow"]);
    await refused(
      finetuneTask,
      [...resume, "--data", classes],
      2,
      /of which "yellow" is not in both; resume with/,
    );
    const fewer = await colourFolder(join(folder, "fewer"), 5);
    await refused(finetuneTask, [...resume, "--data", fewer], 2, /has 15 pictures, but .* with 18/);
    const others = await colourFolder(join(folder, "others"), 7);
    for (const colour of ["blue", "green", "red"]) await Deno.remove(join(others, colour, "3.png"));
    await refused(
      finetuneTask,
      [...resume, "--data", others],
      2,
      /has other pictures, or other classes of them/,
    );
    await refused(finetuneTask, [...resume, train], 2, new RegExp(`was begun from ${encoder}, not from`));
    await refused(
      finetuneTask,
      [...resume, "--layer-decay=0.5"],
      1,
      /layerDecay is 0.5, in the checkpoint 0.75/,
    );
    await refused(finetuneTask, [...resume, "--width=32"], 1, /another configuration: width is 32/);
    assert.equal((await capture(finetuneTask, [...resume, "--steps=3"])).code, 0);
  }));
