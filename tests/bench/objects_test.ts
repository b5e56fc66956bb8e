import assert from "node:assert/strict";
import { makeSet, type SetOptions, type SplitParts } from "../../bench/objects/make.ts";
import { cutBackground, type Drawing, drawScene, type Scene } from "../../bench/objects/scene.ts";
import { layerOf, readSprite, type Sprite, spriteOf } from "../../bench/objects/sprite.ts";
import { cocoEval } from "../../src/coco/coco_eval.ts";
import { pixelsOfMask } from "../../src/coco/mask.ts";
import { openedOf } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { canvas } from "../../src/data/picture/drawing.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { randomStream } from "../../src/random.ts";
import { gradient, png } from "../data/pictures.ts";
import { withFolder } from "../with_folder.ts";

/** A disc of one colour. */
function disc(side: number, colour: readonly number[]): Sprite {
  const data = new Uint8Array(4 * side * side);
  for (let i = 0; i < side * side; i++) {
    const x = i % side + 0.5 - side / 2, y = Math.floor(i / side) + 0.5 - side / 2;
    if (x * x + y * y < side * side / 4) data.set([...colour, 255], 4 * i);
  }
  return spriteOf(side, data);
}

const RED = [255, 0, 0], BLUE = [0, 0, 255];
/** One red drawing of category 0 and one blue one of category 1. */
const drawings = [RED, BLUE].map((colour, category) => [
  () => Promise.resolve({ sprite: disc(32, colour), category, name: `disc-${category}` }),
]);

Deno.test("a sprite that is neither turned nor scaled is laid as it is; turned and scaled, it covers its area", async () => {
  const sprite = disc(16, [10, 200, 90]), size = { width: 64, height: 64 };
  const plain = layerOf(sprite, { x: 20, y: 30, side: 16, turn: 0 }, size);
  assert.deepEqual([plain.left, plain.top, plain.width, plain.height], [12, 22, 16, 16]);
  // At its own scale, two samples a side blur by a quarter of a pixel: inside and outside stay what they are.
  const middle = 8 * 16 + 8;
  assert.ok(Math.abs(plain.alpha[middle] - 1) < 1e-6 && plain.alpha[0] === 0);
  assert.deepEqual([0, 1, 2].map((k) => Math.round(plain.colours[3 * middle + k])), [10, 200, 90]);
  for (const [side, turn] of [[40, 0.7], [9, -0.3], [16, Math.PI / 2]]) {
    const layer = layerOf(sprite, { x: 31.3, y: 30.8, side, turn }, size);
    const sum = layer.alpha.reduce((a, b) => a + b, 0), area = sprite.covered * side ** 2;
    assert.ok(Math.abs(sum / area - 1) < 0.03, `${side}, ${turn}: ${sum} of ${area}`);
  }
  // A quarter turn, clockwise as seen: what was at the top is at the right.
  const top = spriteOf(2, Uint8Array.of(255, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0));
  const turned = layerOf(top, { x: 8, y: 8, side: 8, turn: Math.PI / 2 }, size);
  const at = (x: number, y: number) => turned.alpha[(y - turned.top) * turned.width + x - turned.left];
  assert.ok(at(10, 8) > 0.8 && at(5, 8) < 0.1);
  // What lies beyond the picture is left out.
  const cut = layerOf(sprite, { x: 0, y: 64, side: 16, turn: 0 }, size);
  assert.deepEqual([cut.left, cut.top, cut.width, cut.height], [0, 56, 8, 8]);
  const read = await readSprite(await png(1, 12, 12));
  assert.deepEqual([read.side, read.covered], [12, 1]);
  await assert.rejects(readSprite(await png(1, 12, 10)), /a drawing of 12 × 10 .* is no square/);
});

/** Scenes of discs on black. */
async function scenes(count: number): Promise<Scene[]> {
  const made: Scene[] = [];
  for (let i = 0; i < count; i++) {
    const random = randomStream(5, "test", 99, i);
    const choose = async (random: ReturnType<typeof randomStream>, category?: number): Promise<Drawing> =>
      await drawings[category ?? random.integer(0, 1)][0]();
    made.push(await drawScene(random, canvas(80, 60, [0, 0, 0]), choose));
  }
  return made;
}

Deno.test("masks are what is seen of each object, boxes and areas are theirs", async () => {
  let places = 0, right = 0;
  const made = await scenes(60), kinds = { empty: 0, crowd: 0, cut: 0, hidden: 0 };
  for (const { picture, objects } of made) {
    const owners = new Int8Array(80 * 60).fill(-1);
    if (objects.length === 0) kinds.empty++;
    objects.forEach(({ mask, box: [x, y, width, height], area, crowd, category, name }, number) => {
      assert.deepEqual([mask.width, mask.height, name], [80, 60, `disc-${category}`]);
      const pixels = pixelsOfMask(mask), columns: number[] = [], rows: number[] = [];
      pixels.forEach((inside, at) => {
        if (!inside) return;
        assert.equal(owners[at], -1, "a pixel shows one object");
        owners[at] = number;
        columns.push(at % 80);
        rows.push(Math.floor(at / 80));
      });
      assert.ok(columns.length >= 20);
      assert.equal(area, columns.length);
      const edges = [
        Math.min(...columns),
        Math.min(...rows),
        Math.max(...columns) + 1,
        Math.max(...rows) + 1,
      ];
      assert.deepEqual([x, y, x + width, y + height], edges);
      if (crowd) kinds.crowd++;
      else if (x === 0 || y === 0 || x + width === 80 || y + height === 60) kinds.cut++;
      // A disc of which something before it hides a part.
      else if (area < 0.9 * Math.PI / 4 * Math.max(width, height) ** 2) kinds.hidden++;
      assert.ok(!crowd || number === 0, "a crowd is behind the others");
    });
    owners.forEach((owner, at) => {
      const [red, , blue] = picture.data.subarray(3 * at, 3 * at + 3);
      places++;
      const [own, other] = owner < 0 || objects[owner].category === 0 ? [red, blue] : [blue, red];
      // At edges, several can share a pixel.
      if (owner < 0 ? own < 128 && other < 128 : own >= 127) right++;
      assert.ok(owner < 0 ? own < 200 && other < 200 : own > 40, `${owner} at ${at} shows ${own}, ${other}`);
    });
  }
  assert.ok(right > 0.995 * places && right < places, `${right} of ${places}`);
  assert.ok(Object.values(kinds).every((count) => count > 0), JSON.stringify(kinds));
});

Deno.test("a background is any part of a photograph, in the shape that is asked for", () => {
  const photo = gradient(50, 30);
  const made = Array.from({ length: 12 }, (_, i) => cutBackground(randomStream(i, "test"), photo, 24, 32));
  for (const { width, height, data } of made) {
    assert.deepEqual([width, height, data.length], [24, 32, 24 * 32 * 3]);
  }
  const rising = made.map(({ data }) => data[3 * 20] > data[0]);
  assert.ok(rising.includes(true) && rising.includes(false), "some are mirrored");
});

Deno.test("the set is read as COCO's folder, and is the same for the same seed", () =>
  withFolder(async (folder) => {
    const part = (count: number): SplitParts => ({ count, photos: [gradient(90, 70)], drawings });
    const options = (seed: number, count = 14): SetOptions => ({
      ...{ splits: { train: part(count), val: part(6) }, categories: ["red", "blue"], size: 64, seed },
      about: { description: "discs" },
    });
    for (
      const [name, given] of Object.entries({ a: options(1), b: options(1), c: options(2), d: options(1, 9) })
    ) {
      await Deno.mkdir(`${folder}/${name}`);
      await makeSet(`${folder}/${name}`, given);
    }
    const file = async (name: string) => (await Deno.readFile(`${folder}/${name}`)).toHex();
    const train = "train/000000000003.jpg", lists = "annotations/instances_train.json";
    for (const one of [train, lists, "annotations/instances_val.json"]) {
      assert.equal(await file(`a/${one}`), await file(`b/${one}`));
    }
    assert.notEqual(await file(`a/${lists}`), await file(`c/${lists}`));
    // A picture depends on its number alone.
    assert.equal(await file(`a/${train}`), await file(`d/${train}`));
    assert.equal(await file("a/val/000000000015.jpg"), await file("d/val/000000000010.jpg"));

    const { annotations } = JSON.parse(await Deno.readTextFile(`${folder}/a/${lists}`));
    const opened = openedOf(await openData(`coco:${folder}/a`, { objects: true }));
    assert.ok(opened.access === "random");
    const { source } = opened;
    assert.deepEqual([source.length, source.labels, source.passedOver!()], [14, ["red", "blue"], []]);
    let seen = 0;
    for (let i = 0; i < source.length; i++) {
      const { width, height, boxes, classes } = source.objects!(i);
      const picture = await decodePicture((await source.get(i)).bytes);
      assert.deepEqual([picture.width, picture.height], [width, height]);
      assert.ok(Math.max(width, height) === 64 && Math.min(width, height) >= 45);
      const own = annotations.filter(({ image_id }: { image_id: number }) => image_id === i + 1);
      assert.deepEqual(
        [...boxes],
        own.flatMap(({ bbox: [x, y, w, h] }: { bbox: number[] }) => [x, y, x + w, y + h]),
      );
      assert.deepEqual([...classes], own.map(({ category_id }: { category_id: number }) => category_id - 1));
      seen += classes.length;
    }
    await source.close();
    assert.equal(seen, annotations.length);
    // What is annotated is what is to be found.
    const results = annotations.filter(({ iscrowd }: { iscrowd: number }) => iscrowd === 0)
      .map((one: Record<string, unknown>) => ({ ...one, score: 0.5 }));
    for (const iouType of ["bbox", "segm"] as const) {
      await Deno.writeTextFile(`${folder}/results.json`, JSON.stringify(results));
      const { summary, notes } = await cocoEval(`${folder}/a/${lists}`, `${folder}/results.json`, {
        iouType,
      });
      assert.deepEqual([summary.AP, notes], [1, []], iouType);
    }
  }));
