import assert from "node:assert/strict";
import { join } from "node:path";
import { canvas } from "../../src/data/picture/drawing.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import { BadRecordError, type Source } from "../../src/data/types.ts";
import { annotatedSource } from "../../src/detect/annotated.ts";
import { colourOf, drawBoxes, drawDetections } from "../../src/detect/draw.ts";
import { inPicture } from "../../src/detect/found.ts";
import { pictureFolder } from "../../src/detect/picture_folder.ts";
import { drawDetectionSheet } from "../../src/detect/sheet.ts";
import { foundLine } from "../../src/detect/text.ts";
import type { Detections } from "../../src/detect/nms.ts";
import { withFolder } from "../with_folder.ts";

const detections = (rows: [box: number[], kind: number, score: number][]): Detections => ({
  boxes: Float64Array.from(rows.flatMap(([box]) => box)),
  classes: Int32Array.from(rows, ([, kind]) => kind),
  scores: Float64Array.from(rows, ([, , score]) => score),
});

Deno.test("a box is a frame in its class's colour with its name above; the picture itself stays as it was", () => {
  const picture = canvas(80, 60, [10, 20, 30]),
    at = (
      x: number,
      y: number,
      of = picture,
    ) => [...of.data.subarray((y * 80 + x) * 3, (y * 80 + x) * 3 + 3)];
  const found = detections([[[20, 20, 60, 50], 1, 0.87], [[-5, 2, 30, 9], 0, 0.4]]);
  const drawn = drawDetections(picture, found, ["cat", "dog"]);
  for (const [x, y] of [[20, 20], [59, 20], [20, 49], [59, 49], [40, 20], [20, 35]]) {
    assert.deepEqual(at(x, y, drawn), [...colourOf(1)], `${x}, ${y}`);
  }
  for (const [x, y] of [[40, 35], [60, 50], [21, 48]]) assert.deepEqual(at(x, y, drawn), [10, 20, 30]);
  // The label lies above the box: D's left stroke, white, behind one pixel of the colour.
  assert.deepEqual([at(20, 13, drawn), at(21, 13, drawn)], [[...colourOf(1)], [255, 255, 255]]);
  // The other one has no room above, so its label is in it, from the picture's edge.
  assert.deepEqual(at(0, 3, drawn), [...colourOf(0)]);
  assert.ok(picture.data.every((value, i) => value === [10, 20, 30][i % 3]));
  assert.deepEqual(at(5, 5, drawBoxes(picture, Float64Array.of(5, 5, 9, 9))), [255, 255, 255]);
});

Deno.test("what is found on a canvas lies in the picture's pixels, cut at its edges; beside it is nothing", () => {
  // A picture of 200 × 100 on a canvas of 50: 50 × 25, 12 pixels below the upper edge.
  const found = detections([[[10, 14, 20, 20], 0, 0.9], [[-9, 0, 5, 22], 1, 0.8], [[1, 1, 40, 11], 1, 0.7]]);
  const { boxes, classes, scores } = inPicture(found, { width: 200, height: 100 }, 50);
  assert.deepEqual([[...boxes], [...classes], [...scores]], [[40, 8, 80, 32, 0, 0, 20, 40], [0, 1], [
    0.9,
    0.8,
  ]]);
  const line = foundLine({ key: "a.png", index: 0, width: 200, height: 100, boxes, classes, scores }, [
    "cat",
    "dog",
  ]);
  assert.deepEqual(JSON.parse(line), {
    ...{ picture: "a.png", width: 200, height: 100 },
    objects: [{ class: "cat", score: 0.9, box: [40, 8, 40, 24] }, {
      class: "dog",
      score: 0.8,
      box: [0, 0, 20, 40],
    }],
  });
});

Deno.test("drawn pictures of one name are told apart; a folder that cannot be made is refused", () =>
  withFolder(async (folder) => {
    const bytes = encodePng(canvas(8, 8, [1, 2, 3])),
      source = { get: () => Promise.resolve({ key: "", bytes }) };
    const found = { width: 8, height: 8, ...detections([]) },
      { add } = await pictureFolder(join(folder, "out/drawn"), []);
    const names: string[] = [];
    for (const [index, key] of ["a/x.jpg", "b/x.png", "x-2.gif", "../..", "x.jpg"].entries()) {
      names.push((await add(source, { ...found, key, index })).slice(join(folder, "out/drawn").length + 1));
    }
    assert.deepEqual(names, ["x.png", "x-2.png", "x-2-2.png", "3.png", "x-3.png"]);
    await Deno.writeTextFile(join(folder, "file"), "");
    await assert.rejects(pictureFolder(join(folder, "file/in"), []), /file\/in/);
  }));

Deno.test("the sheet shows pictures with objects, and leaves the place of one that cannot be read empty", async () => {
  const bytes = encodePng(canvas(40, 20, [100, 0, 0]));
  const objects = (index: number) => ({
    ...{ width: 40, height: 20, classes: Int32Array.from(index === 1 ? [] : [0]) },
    ...{
      boxes: Float64Array.from(index === 1 ? [] : [10, 5, 30, 15]),
      crowd: new Uint8Array(index === 1 ? 0 : 1),
    },
  });
  const source: Source = {
    ...{ uri: "made", length: 3, labels: ["cat"], objects },
    get: (index) =>
      index === 2
        ? Promise.reject(new BadRecordError("made", "2", "torn"))
        : Promise.resolve({ key: "", bytes }),
    key: (index) => Promise.resolve(String(index)),
    close: () => Promise.resolve(),
  };
  const found = {
    key: "0",
    index: 0,
    width: 40,
    height: 20,
    ...detections([[[2, 6, 8, 18], 0, 0.9], [[0, 0, 9, 9], 0, 0.1]]),
  };
  const { width, height, data } = await drawDetectionSheet(annotatedSource(source), [found], ["cat"]);
  assert.deepEqual([width, height], [4 * 246 + 6, 246 + 6]);
  const at = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  // Six times as large, from (6, 6) on: the picture, the annotated box in white, the found one in its colour; the poor one is not drawn.
  assert.deepEqual([at(6, 6), at(6 + 60, 6 + 30), at(6 + 12, 6 + 80)], [[100, 0, 0], [255, 255, 255], [
    ...colourOf(0),
  ]]);
  assert.deepEqual([at(252 + 6, 40), at(498 + 6, 40)], [[255, 255, 255], [255, 255, 255]]);
  // The least sure of many, at the picture's upper right, gives way to six others.
  const few = [
    [[32, 2, 38, 8], 0, 0.4],
    ...Array.from({ length: 5 }, () => [[2, 6, 8, 18], 0, 0.9]),
  ] as Parameters<
    typeof detections
  >[0];
  const corner = async (boxes: typeof few) => {
    const sheet = await drawDetectionSheet(annotatedSource(source), [{ ...found, ...detections(boxes) }], [
      "cat",
    ]);
    const place = ((6 + 6 * 5) * sheet.width + 6 + 6 * 32) * 3;
    return [...sheet.data.subarray(place, place + 3)];
  };
  assert.deepEqual(await corner(few), [...colourOf(0)]);
  assert.deepEqual(await corner([...few, [[2, 6, 8, 18], 0, 0.8]]), [100, 0, 0]);
});
