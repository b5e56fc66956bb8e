import assert from "node:assert/strict";
import { join } from "node:path";
import { encodePng } from "../../../src/data/picture/png.ts";
import { segmentationFigures } from "../../../src/eval/segmentation/iou.ts";
import { maskedFiles } from "../../../src/eval/segmentation/masked_files.ts";
import { maskClasses, readColoured, withClasses } from "../../../src/eval/segmentation/masks.ts";
import { pixelClasses } from "../../../src/eval/segmentation/probe.ts";
import { segmentEvalTask } from "../../../tasks/segment-eval.ts";
import { capture } from "../../cli/capture.ts";
import { encoderRun, spoil } from "../../finetune/fixture.ts";
import { withFolder } from "../../with_folder.ts";

type Paint = (x: number, y: number) => readonly [number, number, number];

/** Writes a picture. */
async function paint(path: string, width: number, height: number, colour: Paint): Promise<void> {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colour(x, y), (y * width + x) * 3);
  }
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeFile(path, encodePng({ width, height, data }));
}

/** A folder of pictures whose left part is red and whose right part is blue, with masks; the border does not count. */
async function halves(folder: string, count: number, side = 32): Promise<string> {
  for (let n = 0; n < count; n++) {
    const edge = 8 + 4 * (n % 5), noise = (x: number, y: number) => (x * 7 + y * 13 + n * 5) % 40;
    await paint(
      join(folder, "images", `${n}.png`),
      side,
      side,
      (x, y) => x < edge ? [200, noise(x, y), 20] : [20, noise(x, y), 200],
    );
    await paint(
      join(folder, "masks", `${n}.png`),
      side,
      side,
      (x, y) => y === 0 ? [255, 255, 255] : x < edge ? [1, 1, 1] : [0, 128, 0],
    );
  }
  return folder;
}

Deno.test("intersection over union by hand; classes that neither occur nor were predicted do not count", () => {
  const { miou, accuracy, classes } = segmentationFigures([[6, 2, 0], [1, 3, 0], [0, 0, 0]], ["a", "b", "c"]);
  assert.deepEqual(classes.map(({ iou }) => iou), [6 / 9, 3 / 6, null]);
  assert.deepEqual([miou, accuracy], [(6 / 9 + 3 / 6) / 2, 9 / 12]);
  assert.throws(() => segmentationFigures([[0]], ["a"]), /no pixel/);
});

Deno.test("scores of patches come to pixels bilinearly: the border lies in the middle between two patches", () => {
  // Two columns of patches, 4 pixels each: class 0 on the left, class 1 on the right.
  const found = pixelClasses(Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1), 2, 8, 2);
  assert.deepEqual([...found.slice(0, 8)], [0, 0, 0, 0, 1, 1, 1, 1]);
  // Where the left one is surer, its part is larger.
  assert.deepEqual([...pixelClasses(Float32Array.of(3, 0, 0, 1, 3, 0, 0, 1), 2, 8, 2).slice(0, 8)], [
    0,
    0,
    0,
    0,
    0,
    1,
    1,
    1,
  ]);
});

Deno.test("masks: each colour is a class, white does not count, squeezed by nearest pixels", () =>
  withFolder(async (folder) => {
    const [file] = await maskedFiles(await halves(folder, 1)), classes = maskClasses();
    const { classes: found, picture } = withClasses(await readColoured(file, 8), classes);
    assert.equal(picture.length, 8 * 8 * 3);
    assert.deepEqual(classes.names(), ["1", "#008000"]);
    assert.deepEqual([...found.slice(8, 16)], [0, 0, 1, 1, 1, 1, 1, 1]);
    const { classes: whole } = withClasses(await readColoured(file, 32), classes);
    assert.ok(whole.slice(0, 32).every((label) => label === -1));
  }));

Deno.test("a linear layer on an untrained encoder's tokens tells two colours apart; the figures are those of the masks", () =>
  withFolder(async (folder) => {
    const run = await encoderRun(folder), train = await halves(join(folder, "train"), 10);
    const args = [run, "--train", train, "--engine=wasm", "--epochs=12", "--lr=1", "--batch-size=32"];
    const { code, out, err } = await capture(segmentEvalTask, [...args, "--json"]);
    assert.equal(code, 0, err);
    const { miou, accuracy, classes, test, train: learned } = JSON.parse(out);
    assert.ok(miou > 0.85 && accuracy > 0.9, out);
    assert.deepEqual([learned, test, classes.map(({ name }: { name: string }) => name).sort()], [8, 2, [
      "#008000",
      "1",
    ]]);
    const text = await capture(segmentEvalTask, args);
    assert.match(
      text.out,
      /^mIoU \d+\.\d %, pixels \d+\.\d % right: 2 pictures, learned from 8\n\nclass +pixels +IoU\n/,
    );
  }));

Deno.test("masks of another size, missing ones, unknown classes, smoothed masks and one class are refused", () =>
  withFolder(async (folder) => {
    const run = await encoderRun(folder), train = await halves(join(folder, "train"), 5);
    const refused = async (more: readonly string[], message: RegExp, code = 1) => {
      const ended = await capture(segmentEvalTask, [run, "--engine=wasm", "--epochs=1", ...more]);
      assert.match(ended.err, message);
      assert.equal(ended.code, code, ended.err);
    };
    const other = await halves(join(folder, "other"), 2);
    await paint(join(other, "masks/1.png"), 16, 32, () => [1, 1, 1]);
    await refused(
      ["--train", train, "--test", other],
      /1\.png: is 16 × 32 pixels, but its picture is 32 × 32/,
    );
    await paint(join(other, "masks/1.png"), 32, 32, () => [7, 7, 7]);
    await refused(
      ["--train", train, "--test", other],
      /has the class 7, which no training mask has; classes are/,
    );
    await Deno.remove(join(other, "masks/1.png"));
    await Deno.symlink("nowhere.png", join(other, "masks/1.png"));
    await refused(["--train", train, "--test", other], /masks\/1\.png: no such file or folder/);
    await Deno.remove(join(other, "masks/1.png"));
    await refused(["--train", train, "--test", other], /images\/1\.png: has no mask 1\.png in masks\//);
    const smooth = await halves(join(folder, "smooth"), 5);
    await paint(join(smooth, "masks/0.png"), 32, 32, (x, y) => [x * 8, y * 8, 0]);
    await refused(["--train", smooth, "--image-size=32"], /more than 255 colours.*without loss/);
    const one = await halves(join(folder, "one"), 5);
    for (let n = 0; n < 5; n++) await paint(join(one, `masks/${n}.png`), 32, 32, () => [3, 3, 3]);
    await refused(["--train", one], /masks have 1 class; two are needed/);
    await refused(["--train", join(folder, "nowhere")], /no such folder; pictures are needed in images\//);
    await refused([], /name the pictures with masks/, 2);
    await refused(
      ["--train", train, "--lr=1e39"],
      /images\/\d\.png: its scores by the layer that was learned \(a smaller lr may help\) are not finite numbers/,
    );
    const whole = await halves(join(folder, "whole"), 5);
    await Deno.writeFile(join(train, "masks/2.png"), new Uint8Array(9));
    await refused(["--train", train], /masks\/2\.png: /);
    await spoil(run, "backbone.norm.weight");
    await refused(
      ["--train", whole],
      /images\/\d\.png: its features by this model are not finite numbers/,
    );
  }));
