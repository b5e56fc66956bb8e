import assert from "node:assert/strict";
import { take } from "../../src/data/iter.ts";
import { mixSources } from "../../src/data/epoch/mix.ts";
import { picturesWithObjects, viewObjects } from "../../src/data/objects.ts";
import { closeData, dataObjects, openedOf } from "../../src/data/open/data.ts";
import { openData } from "../../src/data/open/open_data.ts";
import { openCoco } from "../../src/data/sources/coco.ts";
import { pack } from "../../src/data/pack.ts";
import { select } from "../../src/data/sources/select.ts";
import { streamBatches } from "../../src/data/stream.ts";
import type { PictureObjects, Source } from "../../src/data/types.ts";
import { unpackView } from "../../src/views/pack.ts";
import { VIEW_FIELDS } from "../../src/views/types.ts";
import { smallStream } from "./helpers.ts";
import { A, annotation, B, HEIGHT, image, json, miniCoco, painted, WIDTH } from "./mini_coco.ts";
import { withFolder, writeFiles } from "./pictures.ts";

const plain = ({ boxes, classes, crowd }: PictureObjects) => [[...boxes], [...classes], [...crowd]];
const edges = ([x, y, w, h]: number[]) => [x, y, x + w, y + h];

async function open(uri: string, objects = true): Promise<Source> {
  const opened = openedOf(await openData(uri, { objects }));
  assert.equal(opened.access, "random");
  return (opened as { source: Source }).source;
}

Deno.test("objects: COCO's own folder by one name, split by split", () =>
  withFolder(async (folder) => {
    await miniCoco(folder);
    const train = await open(`coco:${folder}`),
      keys = await Promise.all([0, 1, 2, 3].map((i) => train.key(i)));
    assert.deepEqual([keys, train.labels], [["a.png", "b.png", "empty.png", "crowd.png"], [
      "dog",
      "toothbrush",
    ]]);
    assert.deepEqual([0, 1, 2, 3].map((i) => plain(train.objects!(i))), [
      [edges(A), [1], [0]],
      // Cut at the picture's edge.
      [edges(B), [0], [0]],
      [[], [], []],
      [edges(A), [0], [1]],
    ]);
    assert.throws(() => train.objects!(4), /record 4 is not one of/);
    const passed = train.passedOver!().map(({ what, why, count }) => `${count} ${what} ${why}`);
    assert.deepEqual(passed, [
      "1 box is not four finite numbers",
      "1 annotated picture is not in the list of images",
      "2 box has no area within its picture",
      "1 box is of a category that the file does not list",
    ]);
    const val = await open(`coco:${folder}#split=val`);
    assert.deepEqual([val.length, plain(val.objects!(0))], [1, [edges(B), [1], [0]]]);
    const all = await open(`coco:${folder}#split=all`);
    assert.deepEqual([all.length, plain(all.objects!(4))], [5, plain(val.objects!(0))]);
    const without = await open(`coco:${folder}`, false);
    assert.equal(without.objects, undefined);
    for (const source of [train, val, all, without]) await closeData(source);
  }));

Deno.test("objects: selections and mixtures keep them, with the mixture's classes", () =>
  withFolder(async (folder) => {
    await miniCoco(folder);
    const first = await openCoco(`${folder}/train2017`, { objects: true });
    const learnt = picturesWithObjects(first);
    assert.deepEqual(await Promise.all(Array.from({ length: learnt.length }, (_, i) => learnt.key(i))), [
      "a.png",
      "b.png",
    ]);
    const other = { ...await openCoco(`${folder}/val2017`, { objects: true }), labels: ["ant", "bee"] };
    const mix = mixSources([{ source: select(first, [1, 0]) }, { source: other }]);
    assert.deepEqual(mix.labels, ["ant", "bee", "dog", "toothbrush"]);
    assert.deepEqual([0, 1, 2].map((i) => mix.labels[mix.objects!(i).classes[0]]), [
      "dog",
      "toothbrush",
      "bee",
    ]);
    const partly = mixSources([{ source: first }, { source: { ...other, objects: undefined } }]);
    assert.deepEqual(dataObjects(partly), { having: [first.uri], lacking: [other.uri] });
    assert.deepEqual(dataObjects({ ...mix, objects: undefined }), { having: [], lacking: [mix.uri] });
    assert.throws(
      () => picturesWithObjects({ ...other, objects: undefined }),
      /has no annotated objects; open it with/,
    );
    assert.throws(() => picturesWithObjects(select(first, [2, 3])), /none of its 2 pictures has an object/);
    await closeData(mix);
  }));

Deno.test("objects: boxes of a batch lie where its base pictures show them, and in its views", () =>
  withFolder(async (folder) => {
    await miniCoco(folder);
    const source = await open(`coco:${folder}`), size = 16;
    const options = { ...smallStream(size, { batchSize: 2, seed: 3, workers: 1 }), withObjects: true };
    let seen = 0;
    for await (const { base, indices, objects, views } of take(streamBatches(source, options), 4)) {
      assert.equal(objects!.length, 2);
      objects!.forEach((found, i) => {
        assert.deepEqual([found.width, found.height], [size, size]);
        const white = (x: number, y: number) => base[((i * size + y) * size + x) * 3] > 127;
        for (let y = 0; y < size; y++) {
          for (let x = 0; x < size; x++) {
            const inside = found.classes.some((_, n) => {
              const [x0, y0, x1, y1] = found.boxes.subarray(4 * n, 4 * n + 4);
              return x + 0.5 > x0 && x + 0.5 < x1 && y + 0.5 > y0 && y + 0.5 < y1;
            });
            assert.equal(white(x, y), inside, `picture ${indices[i]}, pixel ${x}, ${y}`);
          }
        }
        const view = unpackView(views, i * VIEW_FIELDS), shown = viewObjects(found, view, size, 0.5);
        assert.ok(
          shown.boxes.every((edge) => edge >= 0 && edge <= size) &&
            shown.classes.length <= found.classes.length,
        );
        seen += found.classes.length;
      });
    }
    assert.equal(seen, 6, "three boxes in each of two epochs");
    for await (const batch of take(streamBatches(source, { ...options, withObjects: false }), 1)) {
      assert.ok(!("objects" in batch));
    }
    const without = await open(`coco:${folder}`, false);
    assert.throws(() => streamBatches(without, options), /has no annotated objects; open it with objects/);
    await closeData(source);
    await closeData(without);
  }));

Deno.test("objects: a picture that EXIF turns stands as its boxes were drawn, as it is stored or as it is shown", () =>
  withFolder(async (folder) => {
    const stored = [0, 0, 24, 16], turned = [5, 6, 7, 8], size = 16;
    const images = turned.map((orientation) => image(orientation, `${orientation}.jpg`));
    // A quarter turn to the right brings the upper left corner to the upper right one.
    const shown = { ...image(9, "shown.jpg"), width: HEIGHT, height: WIDTH }, inShown = [16, 0, 16, 24];
    await writeFiles(folder, {
      ...Object.fromEntries(
        await Promise.all(turned.map(async (orientation) => [
          `set/${orientation}.jpg`,
          await painted([stored], 1, orientation),
        ])),
      ),
      "set/shown.jpg": await painted([stored], 1, 6),
      "annotations/instances_set.json": json({
        images: [...images, shown],
        annotations: [...turned.map((id) => annotation(id, stored)), annotation(9, inShown)],
        categories: [{ id: 90, name: "corner" }],
      }),
    });
    const source = await open(`coco:${folder}/set`);
    await pack(source, `${folder}/packed`);
    const packed = await open(`${folder}/packed`);
    for (const one of [source, { ...source, place: undefined }, packed]) {
      const options = { ...smallStream(size, { batchSize: 5, seed: 3, workers: 1 }), withObjects: true };
      for await (const { base, objects } of take(streamBatches(one, options), 1)) {
        objects!.forEach(({ boxes: [x0, y0, x1, y1] }, i) => {
          assert.equal((x1 - x0) * (y1 - y0), size * size / 4);
          for (let y = 0; y < size; y++) {
            for (let x = 0; x < size; x++) {
              const inside = x >= x0 && x < x1 && y >= y0 && y < y1;
              assert.equal(base[((i * size + y) * size + x) * 3] > 127, inside, `${i}: ${x}, ${y}`);
            }
          }
        });
      }
    }
    // Without boxes, EXIF alone says how it stands.
    const without = await open(`coco:${folder}/set`, false), key = await without.key(1);
    assert.deepEqual((await without.get(1)).bytes, await Deno.readFile(`${folder}/set/${key}`));
    for (const one of [source, packed, without]) await closeData(one);
  }));

Deno.test("objects: pictures without a size, and a missing annotations file, are refused by name", () =>
  withFolder(async (folder) => {
    await writeFiles(folder, { "p/a.png": await painted([A]) });
    await assert.rejects(
      openCoco(`${folder}/p`, { objects: true }),
      /no annotations; looked for .*instances_p\.json/,
    );
    await writeFiles(folder, {
      "annotations/instances_p.json": json({
        images: [{ id: 1, file_name: "a.png" }],
        ...{ annotations: [], categories: [] },
      }),
    });
    await assert.rejects(
      openCoco(`${folder}/p`, { objects: true }),
      /instances_p\.json: a\.png has no width and height/,
    );
    await closeData(await openCoco(`${folder}/p`));
  }));

Deno.test("objects: an id that stands twice is the first picture's, and the second is told", () =>
  withFolder(async (folder) => {
    const images = [image(0, "a.png"), image(-3, "b.png"), image(0, "c.png")];
    await writeFiles(folder, {
      ...{ "p/a.png": await painted([A]), "p/b.png": await painted([B]), "p/c.png": await painted([]) },
      // As Python writes what is no number.
      "annotations/instances_p.json": new TextEncoder().encode(
        JSON.stringify({ images, annotations: [annotation(0, A), annotation(-3, B), annotation(-3, B)] })
          .replace(/\}$/, `,"categories":[{"id":90,"name":"x"}]}`).replace(
            `[${A.join()}]`,
            "[NaN,1,2,Infinity]",
          ),
      ),
    });
    const source = await openCoco(`${folder}/p`, { objects: true });
    assert.deepEqual([source.length, await source.key(1)], [2, "b.png"]);
    assert.deepEqual([0, 1].map((i) => plain(source.objects!(i))), [
      [[], [], []],
      // Nobody knows whether two equal boxes are two objects: both stay.
      [[...edges(B), ...edges(B)], [0, 0], [0, 0]],
    ]);
    assert.deepEqual(source.passedOver!().map(({ what, why, example }) => `${what} ${why}: ${example}`), [
      "image has the id of another: c.png, id 0",
      "box is not four finite numbers: annotation undefined",
      ".png is not in the annotations: c.png",
    ]);
    await closeData(source);
  }));
