/** `file:///…` where a path is meant: a folder called `file:` is never made, and messages say the path. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { lockAblation } from "../../src/ablate/ablate.ts";
import { readPlan, writePlan } from "../../src/ablate/plan.ts";
import { cocoEval } from "../../src/coco/coco_eval.ts";
import { fileChunks } from "../../src/data/io/reader/chunks.ts";
import { openNumberedFolders } from "../../src/data/sources/people/numbered_folders.ts";
import { readBags } from "../../src/data/sources/people/bags.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { pack } from "../../src/data/pack.ts";
import { readDetector } from "../../src/detect/detector_file.ts";
import { pictureFolder } from "../../src/detect/picture_folder.ts";
import { isEmbedding, openEmbedding } from "../../src/eval/embedding/open.ts";
import { maskedFiles } from "../../src/eval/segmentation/masked_files.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { openDestination } from "../../src/files/destination.ts";
import { makeFolder } from "../../src/files/make_folder.ts";
import { readClassifier } from "../../src/finetune/classifier_file.ts";
import { readCard } from "../../src/plan/gpu_file.ts";
import { runsPage } from "../../src/report/write.ts";
import { readBest } from "../../src/train/run/best.ts";
import { readWeights } from "../../src/weights/read.ts";
import { openSafetensors } from "../../src/files/safetensors.ts";
import { latestCheckpoint, readCheckpoint, saveCheckpoint } from "../../src/train/run/checkpoint.ts";
import { lockRun } from "../../src/train/run/folder.ts";
import { withFolder } from "../with_folder.ts";

/** All that make folders where a user says. */
const MAKERS: readonly ((out: string) => Promise<unknown>)[] = [
  openDestination,
  (out) => lockRun({ out, resume: false }),
  lockAblation,
  (out) => saveCheckpoint(out, { config: { seed: 0 } } as never, {}, { keep: 1 }),
  (out) => pictureFolder(out, []),
  makeFolder,
];

Deno.test("a ~ that no shell has replaced is told, and no folder of that name is made", async () => {
  const before = [...Deno.readDirSync(".")];
  const told =
    /^~\/runs\/x: begins with a ~ that no shell .*; write that folder, or \.\/~\/runs\/x for one called ~$/;
  for (const make of MAKERS) await assert.rejects(make("~/runs/x"), { message: told });
  assert.deepEqual([...Deno.readDirSync(".")], before);
  for (const read of [openSafetensors, openData]) {
    await assert.rejects(read("~/no such/x"), /no such file or folder; it begins with a ~ that no shell/);
  }
  await assert.rejects(openSafetensors("~x/none"), /no such file or folder; check the path$/);
});

Deno.test("what is to be made is not made at an address, and what is read is told by its path", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a b"), out = pathToFileURL(path).href, before = [...Deno.readDirSync(".")];
    for (const make of MAKERS) {
      await assert.rejects(make(out), {
        message: `${out}: an address, where a path is needed; write ${path}`,
      });
    }
    assert.deepEqual([...Deno.readDirSync(".")], before);
    const message = `${out}: no such file or folder; a path is needed: write ${path}`;
    await assert.rejects(openSafetensors(out), { message });
    await assert.rejects(cocoEval(out, out), { message });
  }));

Deno.test("a folder where a file is read is told so, without the system's own words", () =>
  withFolder(async (folder) => {
    await assert.rejects(fileChunks(folder).next(), { message: `${folder}: cannot read: Is a directory` });
    await assert.rejects(
      openSafetensors(join(folder, "none")),
      /none: no such file or folder; check the path$/,
    );
  }));

Deno.test("what is no path is named as what it is", async () => {
  const before = [...Deno.readDirSync(".")],
    plan = {
      ...{
        given: {},
        variants: [{ name: "full", does: "x", settings: {} }],
        baselines: [],
        seeds: [0],
        pictures: 8,
      },
    };
  // deno-lint-ignore no-explicit-any
  const takers: Record<string, (path: any) => Promise<unknown>> = {
    ...{
      readModel,
      readWeights,
      readClassifier,
      readDetector,
      readCheckpoint,
      latestCheckpoint,
      maskedFiles,
    },
    ...{ openSafetensors, openEmbedding, isEmbedding, openNumberedFolders, readPlan, readCard, lockAblation },
    ...{ openDestination, cocoEval: (path) => cocoEval(path, path), readBags: (path) => readBags(path, []) },
    ...{ readBest: (path) => readBest(path, "test top1"), runsPage: (path) => runsPage([path]) },
    pack: (path) =>
      pack({ uri: "made", length: 0, labels: [], get() {}, key() {}, close() {} } as never, path),
    writePlan: (path) => writePlan(path, plan as never),
  };
  for (const [name, take] of Object.entries(takers)) {
    const refuses = (path: unknown, message: string) =>
      assert.rejects(async () => await take(path), { name: "TypeError", message }, `${name}: ${path}`);
    await refuses(
      new URL("file:///no%20such/x"),
      "file:///no%20such/x: an address, where a path is needed; write /no such/x",
    );
    await refuses(new URL("https://x/y"), "https://x/y: an address, where a path is needed");
    await refuses(undefined, 'a path is needed, such as "runs/demo", not undefined');
    await refuses(Promise.resolve("x"), 'a path is needed, such as "runs/demo", not a promise');
    await refuses(7, 'a path is needed, such as "runs/demo", not number');
  }
  await assert.rejects(runsPage("runs/demo" as never), {
    name: "TypeError",
    message: /`folders` must be a list/,
  });
  assert.deepEqual([...Deno.readDirSync(".")], before);
});
