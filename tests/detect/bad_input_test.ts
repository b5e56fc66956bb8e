/** What a user of detect gets wrong: told in a line that says what, where and what to do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { annotatedSource, trainingPictures } from "../../src/detect/annotated.ts";
import { checkDetectSettings, resolveDetectConfig } from "../../src/detect/config.ts";
import { testObjects } from "../../src/detect/truth.ts";
import { select } from "../../src/data/sources/select.ts";
import { openCoco } from "../../src/data/sources/coco.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { DETECTOR_FORMAT } from "../../src/train/run/checkpoint_kinds.ts";
import { detectEvalTask } from "../../tasks/detect/eval.ts";
import { detectPredictTask } from "../../tasks/detect/predict.ts";
import { detectTrainTask } from "../../tasks/detect/train.ts";
import type { Task } from "../../src/cli/command.ts";
import { capture } from "../cli/capture.ts";
import { colourFolder } from "../eval/toy.ts";
import { encoderRun } from "../finetune/fixture.ts";
import { withFolder } from "../with_folder.ts";
import { type Annotations, cocoSet, type SetOptions } from "./fixture.ts";

async function refused(task: Task, args: readonly string[], code: number, message: RegExp): Promise<void> {
  const ended = await capture(task, args);
  assert.match(ended.err, message, args.join(" "));
  assert.equal(ended.code, code, ended.err);
  assert.equal(ended.out, "");
}

/** Opens a made set with its objects. */
async function opened(folder: string, change?: SetOptions["change"]) {
  await cocoSet(folder, { count: 3, seed: 4, side: 32, change });
  return annotatedSource(await openCoco(folder, { objects: true }));
}

const boxes = ({ annotations }: Annotations, bbox: (old: number[]) => number[]) =>
  annotations.forEach((one) => one.bbox = bbox(one.bbox as number[]));

Deno.test("no boxes at all, only crowds, boxes without area, no categories", () =>
  withFolder(async (folder) => {
    const args = ["--from-scratch", "--engine=wasm", "--out", join(folder, "run"), "--data"];
    const plain = await colourFolder(join(folder, "plain"), 1);
    await refused(
      detectTrainTask,
      [...args, plain],
      1,
      /plain: its pictures have no boxes; name pictures in COCO's layout/,
    );
    const set = async (name: string, change: SetOptions["change"]) =>
      await cocoSet(join(folder, name, "train"), { count: 2, seed: 1, side: 32, change });
    const empty = await set("empty", (all) => all.annotations = []);
    await refused(detectTrainTask, [...args, empty], 1, /train: none of its 2 pictures has an object/);
    const crowds = await set("crowds", ({ annotations }) => annotations.forEach((one) => one.iscrowd = 1));
    await refused(detectTrainTask, [...args, crowds], 1, /none of its 2 pictures has an object/);
    const thin = await set("thin", (all) => boxes(all, ([x, y, w]) => [x, y, w, 0]));
    await refused(
      detectTrainTask,
      [...args, thin],
      1,
      /box has no area within its picture|none of its 2 pictures/,
    );
    const nameless = await set("nameless", (all) => all.categories = []);
    await refused(detectTrainTask, [...args, nameless], 1, /annotations list no categories/);
    assert.equal(await Deno.stat(join(folder, "run")).then(() => true, () => false), false);
  }));

Deno.test("what is left out of the training is told: crowds, specks, pictures without objects, classes without any", () =>
  withFolder(async (folder) => {
    const all = await opened(join(folder, "coco/train"), ({ annotations, categories }) => {
      categories.push({ id: 90, name: "ghost" });
      const [first, ...others] = annotations;
      Object.assign(first, { iscrowd: 1 });
      // The second picture has nothing but a speck.
      for (const one of others) if (one.image_id === 107) one.bbox = [3, 3, 0.5, 9];
    });
    const { notes, most, objects, source, names } = trainingPictures(all);
    assert.deepEqual(names, ["block", "diamond", "ghost"]);
    const specks = (await all.key(1)) === "107.png" ? all.objects(1).classes.length : 0;
    assert.ok(specks > 0);
    const told = specks === 1
      ? "1 box of at most a pixel in a direction is"
      : `${specks} boxes of at most a pixel in a direction are`;
    assert.ok(
      notes.includes("1 crowd is not learned from") && notes.includes(`${told} not learned from`),
      notes.join(),
    );
    assert.ok(
      notes.some((note) =>
        /^\d of 3 pictures ha(s|ve) no object to learn from and (is|are) left out/.test(note)
      ),
      notes.join(),
    );
    assert.ok(notes.some((note) => /no object is of .*"ghost"/.test(note)), notes.join());
    assert.ok(source.length < 3 && most >= 1 && objects >= most);
    await all.close();
  }));

Deno.test("classes of test pictures: none in common, some unknown, some missing, two of one name", () =>
  withFolder(async (folder) => {
    const all = await opened(join(folder, "coco/val"));
    await assert.rejects(
      testObjects(all, ["cat", "dog"], "detector"),
      /has no class of detector; it has "block", "diamond", .* knows "cat", "dog"/,
    );
    const some = await testObjects(all, ["cat", "diamond"], "detector");
    assert.deepEqual(some.categories, [undefined, 17]);
    assert.deepEqual([some.picture(0), some.picture(2), some.idsOfFile], [100, 114, true]);
    assert.match(
      some.notes.join(),
      /does not know 1 of its 2 classes, "block": their objects count as not found/,
    );
    assert.match(
      some.notes.join(),
      /does not have 1 of the detector's classes, "cat": what is found of them is left out/,
    );
    const twins = await opened(
      join(folder, "twins/val"),
      ({ categories }) => categories[1] = { id: 17, name: "block" },
    );
    await assert.rejects(testObjects(twins, ["block"], "detector"), /two of its classes are called "block"/);
    // Without the file, ids are made and sizes are those of boxes.
    const made = await testObjects({ ...all, annotations: undefined }, ["diamond"], "detector");
    assert.deepEqual([made.categories, made.picture(1), made.idsOfFile], [[2], 2, false]);
    assert.match(made.notes.join(), /small, medium or large by their boxes/);
    // Of a selection, only its own pictures count.
    const two = await testObjects(annotatedSource(select(all, [2, 0])), ["diamond", "block"], "detector");
    assert.deepEqual([two.truth.images, two.categories, two.picture(0)], [[1, 2], [2, 1], 1]);
    for (const source of [all, twins]) await source.close();
  }));

Deno.test("wrong arguments and settings, an encoder or a detector at the wrong place", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder),
      train = await cocoSet(join(folder, "coco/train"), { count: 2, seed: 1, side: 32 });
    await refused(
      detectTrainTask,
      ["--data", train],
      2,
      /name what the encoder is from, or say --from-scratch/,
    );
    await refused(
      detectTrainTask,
      ["--from-scratch"],
      2,
      /name the pictures with boxes to learn from: --data URI/,
    );
    await refused(detectTrainTask, [encoder, "--data", train, "--image-size=30"], 1, /image ?[sS]ize/);
    await refused(
      detectTrainTask,
      ["--resume", "--out", join(folder, "none")],
      2,
      /holds no run \(no config.json\)/,
    );
    await refused(
      detectEvalTask,
      [encoder],
      2,
      /name the pictures with boxes that it is measured on: --data URI/,
    );
    await refused(
      detectEvalTask,
      [encoder, "--data", train],
      1,
      /is an encoder, not a detector; train one from it: deno task detect train/,
    );
    await refused(detectPredictTask, [join(folder, "nothing"), "a.png"], 1, /there is no such checkpoint/);
    assert.throws(() => checkDetectSettings({ jiter: 1 }, "file"), /unknown setting "jiter".*jitter/);
    assert.throws(
      () => checkDetectSettings({ jitter: [2, 1] }, "file"),
      /jitter is \[2,1\], .* the smaller first/,
    );
    assert.throws(() => resolveDetectConfig({ levels: 7 }), /cannot be halved 5 times|cannot be halved/);
    assert.throws(() => resolveDetectConfig({ pyramidWidth: 12 }), /multiple of 8/);
    assert.throws(() => resolveDetectConfig({ freeze: 9 }), /freeze is 9, but the encoder has only 4 blocks/);

    const config = resolveDetectConfig({ fromScratch: true }), run = join(folder, "detector");
    const info = {
      step: 1,
      cursor: { epoch: 0, position: 0 },
      pictures: 1,
      bad: 0,
      engine: "wasm",
      time: "",
    };
    await saveCheckpoint(run, { config, ...info, format: DETECTOR_FORMAT }, {}, { keep: 1 });
    await assert.rejects(
      readModel(run),
      /is a detector that deno task detect train has trained; .* still has the encoder/,
    );
  }));
