import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { readDetector } from "../../src/detect/detector_file.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { runReader } from "../../src/report/run.ts";
import { latestCheckpoint } from "../../src/train/run/checkpoint.ts";
import { readBest } from "../../src/train/run/best.ts";
import { type MetricsLine, readMetrics } from "../../src/train/run/metrics_file.ts";
import { cocoEvalTask } from "../../tasks/coco_eval.ts";
import { detectEvalTask } from "../../tasks/detect/eval.ts";
import { detectPredictTask } from "../../tasks/detect/predict.ts";
import { detectTrainTask } from "../../tasks/detect/train.ts";
import { packTask } from "../../tasks/pack.ts";
import type { Task } from "../../src/cli/command.ts";
import { InterruptedError } from "../../src/cli/interrupt.ts";
import { capture } from "../cli/capture.ts";
import { encoderRun } from "../finetune/fixture.ts";
import { withFolder } from "../with_folder.ts";
import { type Annotations, cocoSet } from "./fixture.ts";

/** Settings under which a step takes some milliseconds, with everything random in play. */
const QUICK = [
  ...[
    "--engine=wasm",
    "--image-size=32",
    "--base-size=24",
    "--pyramid-width=8",
    "--tower-depth=1",
    "--levels=2",
  ],
  ...[
    "--batch-size=2",
    "--lr=2",
    "--drop-path=0.2",
    "--ema",
    "--seed=3",
    "--workers=1",
    "--checkpoint-minutes=0",
  ],
];

async function good(task: Task, ...args: string[]): Promise<string> {
  const { code, out, err } = await capture(task, args);
  assert.equal(code, 0, err);
  return out;
}

/** The figures that do not depend on the clock. */
const figures = (lines: MetricsLine[]) =>
  lines.map(({ imagesPerSecond: _, waiting: __, ...rest }) => JSON.stringify(rest));

const tensorsOf = async (run: string) => {
  const path = (await latestCheckpoint(run))!;
  return decodeSafetensors(await Deno.readFile(path), path).tensors;
};

/** A crowd, a picture without boxes, and one whose stated size is twice its own. */
function odd({ images, annotations }: Annotations): void {
  annotations[0].iscrowd = 1;
  for (let i = annotations.length - 1; i > 0; i--) {
    if (annotations[i].image_id === 107) annotations.splice(i, 1);
  }
  Object.assign(images[2], { width: 2 * images[2].width, height: 2 * images[2].height });
}

Deno.test("a detector is trained, stopped and resumed to the bit; measured as coco-eval does; drawn; shown in the report", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder),
      train = await cocoSet(join(folder, "coco/train"), { count: 5, seed: 1, side: 32 });
    const val = await cocoSet(join(folder, "coco/val"), { count: 4, seed: 2, side: 48, change: odd });
    const whole = join(folder, "whole"), parts = join(folder, "parts");
    const args = [encoder, "--data", train, "--eval-data", val, ...QUICK, "--epochs=3", "--eval-every=2"];
    const result = JSON.parse(await good(detectTrainTask, ...args, "--out", whole, "--json"));
    assert.deepEqual([result.step, result.total, result.stopped], [6, 6, false]);
    assert.ok(result.found["test AP"] >= 0 && result.found["average AP50"] >= 0);
    await good(detectTrainTask, ...args, "--out", parts, "--steps=3");
    const back = await capture(detectTrainTask, ["--resume", "--out", parts, "--steps=1"]);
    assert.equal(back.code, 2);
    assert.match(back.err, /has done \d+ steps .* is now to end after 1;/);
    await good(detectTrainTask, "--resume", "--out", parts, "--steps=0");
    const lines = await readMetrics(join(whole, "metrics.jsonl"));
    assert.ok(lines.every((line) => line.classLoss !== undefined && line.boxLoss !== undefined));
    assert.deepEqual(figures(await readMetrics(join(parts, "metrics.jsonl"))), figures(lines));
    const [a, b] = [await tensorsOf(whole), await tensorsOf(parts)];
    assert.deepEqual(Object.keys(b).sort(), Object.keys(a).sort());
    for (const [name, { data }] of Object.entries(a)) assert.deepEqual(b[name].data, data, name);

    const { classes, config } = await readDetector(whole, { best: true });
    assert.deepEqual([classes, config.imageSize, config.patchSize], [["block", "diamond"], 32, 4]);
    assert.ok((await readBest(whole, "test AP"))!.value >= 0);

    // What is measured is what COCO's own evaluation says of the same boxes; the crowd and the picture without boxes count as there.
    const boxes = join(folder, "boxes.json");
    const table = await good(detectEvalTask, whole, "--data", val, "--out", boxes, "--engine=wasm");
    assert.match(table, /Average Precision/);
    assert.equal(table, await good(cocoEvalTask, join(folder, "coco/annotations/instances_val.json"), boxes));
    const found: { image_id: number; category_id: number; bbox: number[] }[] = JSON.parse(
      await Deno.readTextFile(boxes),
    );
    assert.ok(found.length > 0 && found.every(({ category_id }) => category_id === 3 || category_id === 17));
    // Boxes are in the pixels that the annotations state: here up to twice the picture's own.
    const widest = (id: number) =>
      Math.max(...found.filter((one) => one.image_id === id).map(({ bbox }) => bbox[0] + bbox[2]));
    assert.ok(widest(114) > 48 && widest(114) <= 96 + 1e-9 && widest(100) <= 48 + 1e-9, `${widest(114)}`);

    // A pack knows no ids: those that are made are told as such.
    const packed = join(folder, "packed"),
      numbered = ["--engine=wasm", "--out", join(folder, "numbered.json")];
    await good(packTask, val, packed);
    const told = await capture(detectEvalTask, [whole, "--data", packed, ...numbered]);
    assert.match(
      told.err,
      /numbered\.json numbers pictures from 1 in the order of .*packed, and its classes from 1/,
    );
    const ids = JSON.parse(await Deno.readTextFile(join(folder, "numbered.json")))
      .map((one: { image_id: number }) => one.image_id);
    assert.deepEqual([Math.min(...ids) >= 1, Math.max(...ids) <= 4], [true, true]);

    const drawn = join(folder, "drawn"), picture = join(folder, "coco/val/100.png");
    for (
      const word of [
        picture,
        join(folder, "coco/val"),
        `coco:${join(folder, "coco")}#split=val`,
        `${folder},${join(folder, "coco/val")}`,
      ]
    ) {
      const own = await capture(detectPredictTask, [whole, word, "--png", join(folder, "coco/val")]);
      assert.equal(own.code, 2, own.err);
      assert.match(
        own.err,
        /val: holds the pictures themselves, which would be replaced; name another folder/,
      );
    }
    const line = await good(
      detectPredictTask,
      whole,
      picture,
      "--threshold=0.01",
      "--most=4",
      "--png",
      drawn,
      "--engine=wasm",
    );
    const { picture: key, width, height, objects } = JSON.parse(line);
    assert.deepEqual([key, width, height, objects.length], [picture, 48, 36, 4]);
    const [{ class: name, score, box: [x, y, w, h] }] = objects;
    assert.ok(
      ["block", "diamond"].includes(name) && score > 0.01 && x >= 0 && y >= 0 && x + w <= 48.01 &&
        y + h <= 36.01,
    );
    const shown = await decodePicture(await Deno.readFile(join(drawn, "100.png")));
    assert.deepEqual([shown.width, shown.height], [48, 36]);
    // Who stops it gets pictures that are whole, and no part of one.
    const interrupt = AbortSignal.abort(new InterruptedError("stopped by SIGINT"));
    const some = [whole, join(folder, "coco/val"), "--png", join(folder, "some"), "--engine=wasm"];
    const stopped = await capture(detectPredictTask, some, { interrupt });
    assert.equal(stopped.code, 130, stopped.err);
    assert.equal([...Deno.readDirSync(join(folder, "some"))].length, 1);

    const { command, detections, metrics } = await (await runReader(whole)).read();
    assert.ok(command.startsWith(`deno task detect train ${encoder} --preset demo `), command);
    assert.match(detections, /^data:image\/png;base64,/);
    assert.equal(metrics.training.lines, 6);
  }));

Deno.test("freezing keeps the encoder; a run does not go on with other boxes, classes or another model", () =>
  withFolder(async (folder) => {
    const encoder = await encoderRun(folder), options = { count: 4, seed: 1, side: 32 };
    const train = await cocoSet(join(folder, "coco/train"), options), out = join(folder, "run");
    await good(
      detectTrainTask,
      encoder,
      "--data",
      train,
      ...QUICK,
      "--freeze=2",
      "--drop-path=0",
      "--epochs=1",
      "--steps=1",
      "--warmup-epochs=0",
      "--out",
      out,
    );
    const before = (await latestCheckpoint(encoder))!;
    const given = decodeSafetensors(await Deno.readFile(before), before).tensors,
      after = await tensorsOf(out);
    const kept = Object.keys(after).filter((name) => /^backbone\.(blocks|patch_embed|cls_token)/.test(name));
    assert.ok(kept.length > 20 && !kept.some((name) => name.startsWith("optimizer.")));
    for (const name of kept) assert.deepEqual(after[name].data, given[name].data, name);

    const refused = async (code: number, message: RegExp, ...args: string[]) => {
      const ended = await capture(detectTrainTask, ["--resume", "--out", out, "--steps=0", ...args]);
      assert.match(ended.err, message);
      assert.equal(ended.code, code, ended.err);
    };
    const moved = await cocoSet(join(folder, "moved/train"), {
      ...options,
      change: ({ annotations }) => annotations[0].bbox = [1, 1, 5, 5],
    });
    await refused(
      2,
      /has other pictures, or other boxes in them, than .* was made with; resume with the same data/,
      "--data",
      moved,
    );
    const renamed = await cocoSet(join(folder, "renamed/train"), {
      ...options,
      change: ({ categories }) => categories[1] = { id: 17, name: "kite" },
    });
    await refused(
      2,
      /has 2 classes, but .* has learned 2, of which "kite" is not in both/,
      "--data",
      renamed,
    );
    await refused(2, /was begun from .*encoder, not from .*other/, join(folder, "other"));
    await refused(1, /is of another configuration: towerDepth is 2, in the checkpoint 1/, "--tower-depth=2");
  }));
