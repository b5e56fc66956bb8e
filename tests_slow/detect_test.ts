/** A detector learns eight small pictures by heart, and the commands then find what is in them: some 30 seconds of a processor's time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Task } from "../src/cli/command.ts";
import { boxIou } from "../src/coco/iou.ts";
import { detectEvalTask } from "../tasks/detect/eval.ts";
import { detectPredictTask } from "../tasks/detect/predict.ts";
import { detectTrainTask } from "../tasks/detect/train.ts";
import { capture } from "../tests/cli/capture.ts";
import { type Annotations, cocoSet, KINDS } from "../tests/detect/fixture.ts";
import { withFolder } from "../tests/with_folder.ts";

const SIZES = [
  ...["--engine=wasm", "--image-size=64", "--width=32", "--depth=2", "--heads=2"],
  ...["--pyramid-width=16", "--tower-depth=1", "--batch-size=4", "--epochs=70", "--lr=0.3", "--jitter=1,1"],
];

async function good(task: Task, ...args: string[]): Promise<string> {
  const { code, out, err } = await capture(task, args);
  assert.equal(code, 0, err);
  return out;
}

Deno.test("eight pictures are learned by heart: AP50 above .9, and the first picture's objects are where they are", () =>
  withFolder(async (folder) => {
    const train = await cocoSet(join(folder, "coco/train"), { count: 8, seed: 1, side: 64 }),
      run = join(folder, "run");
    await good(detectTrainTask, "--from-scratch", "--data", train, "--out", run, ...SIZES);
    const { summary } = JSON.parse(
      await good(detectEvalTask, run, "--data", train, "--engine=wasm", "--json"),
    );
    assert.ok(summary.AP50 > 0.9 && summary.AP > 0.5, JSON.stringify(summary));

    const path = join(folder, "coco/annotations/instances_train.json");
    const { annotations }: Annotations = JSON.parse(await Deno.readTextFile(path));
    const own = annotations.filter(({ image_id }) => image_id === 100);
    const line = await good(
      detectPredictTask,
      run,
      join(folder, "coco/train/100.png"),
      "--engine=wasm",
      "--threshold=0.2",
    );
    const { objects }: { objects: { class: string; box: number[] }[] } = JSON.parse(line);
    for (const { bbox, category_id } of own) {
      const name = KINDS.find(({ id }) => id === category_id)!.name;
      const hit = objects.find((one) =>
        one.class === name &&
        boxIou(one.box as [number, number, number, number], bbox as [number, number, number, number], false) >
          0.5
      );
      assert.ok(hit, `no ${name} at ${bbox} among ${line}`);
    }
  }));
