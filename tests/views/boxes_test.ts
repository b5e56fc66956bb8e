import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  type BoxMap,
  cropMap,
  cutBoxes,
  inverseMap,
  joinMaps,
  letterBox,
  moveBoxes,
  resizeMap,
} from "../../src/views/boxes.ts";
import { boxOf } from "../../src/views/geometry.ts";
import { DEFAULT_VIEWS, sampleView } from "../../src/views/sample.ts";

const side = fc.integer({ min: 1, max: 400 });
const size = fc.record({ width: side, height: side });
/** A part of a picture of 400 × 400 pixels. */
const crop = fc.tuple(fc.nat({ max: 399 }), fc.nat({ max: 399 }), side, side).map((
  [left, top, width, height],
) => ({
  ...{ left, top, width: Math.min(width, 400 - left), height: Math.min(height, 400 - top) },
}));
const map = fc.tuple(crop, size, fc.boolean()).map(([crop, to, flip]) => cropMap(crop, to, flip));
/** Boxes of quarter pixels, some out of the picture. */
const boxes = fc.array(fc.tuple(...[-400, -400, 1, 1].map((min) => fc.integer({ min, max: 1600 }))), {
  maxLength: 5,
})
  .map((found) =>
    Float64Array.from(found.flatMap(([x, y, w, h]) => [x, y, x + w, y + h].map((edge) => edge / 4)))
  );

function near(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(found[i] - expected[i]) <= 1e-9 * Math.max(1, Math.abs(expected[i])),
      `${found} ${expected}`,
    );
  }
}

Deno.test("boxes: a crop, mirrored and not, by hand", () => {
  const crop = { left: 10, top: 20, width: 40, height: 20 }, to = { width: 80, height: 80 };
  const box = Float64Array.of(20, 25, 30, 40);
  assert.deepEqual([...moveBoxes(box, cropMap(crop, to))], [20, 20, 40, 80]);
  assert.deepEqual([...moveBoxes(box, cropMap(crop, to, true))], [40, 20, 60, 80]);
  const { map, ...rest } = letterBox({ width: 640, height: 480 }, { width: 320, height: 320 }, true);
  assert.deepEqual(rest, { width: 320, height: 240, left: 0, top: 40 });
  assert.deepEqual([...moveBoxes(Float64Array.of(0, 0, 640, 480), map)], [0, 40, 320, 280]);
});

Deno.test("boxes: the crop itself becomes the whole view, and back what its geometry records", () => {
  fc.assert(fc.property(crop, size, fc.boolean(), ({ left, top, width, height }, to, flip) => {
    const whole = Float64Array.of(left, top, left + width, top + height),
      map = cropMap({ left, top, width, height }, to, flip);
    near(moveBoxes(whole, map), [0, 0, to.width, to.height]);
    near(moveBoxes(Float64Array.of(0, 0, to.width, to.height), inverseMap(map)), whole);
  }));
  fc.assert(fc.property(fc.nat({ max: 1000 }), (index) => {
    const view = sampleView({ ...DEFAULT_VIEWS, imageSize: 64 }, 1, 0, index, 0),
      to = { width: 64, height: 64 };
    // A mirrored view's left edge shows the crop's right one.
    const { scaleX, shiftX, scaleY, shiftY } = inverseMap(cropMap(view.crop, to, view.flip));
    const edges = [shiftX, shiftY, 64 * scaleX + shiftX, 64 * scaleY + shiftY].map((edge) =>
      Math.fround(edge / 64)
    );
    near(edges, boxOf(view, 64));
  }));
});

Deno.test("boxes: a pixel of the view lies in a box where its source does", () => {
  fc.assert(
    fc.property(crop, size, fc.boolean(), boxes, fc.nat(), fc.nat(), (crop, to, flip, boxes, i, j) => {
      const u = i % to.width + 0.5, v = j % to.height + 0.5;
      // Where the middle of the pixel comes from, as the views' interpolation reckons it.
      const along = u * crop.width / to.width;
      const x = flip ? crop.left + crop.width - along : crop.left + along,
        y = crop.top + v * crop.height / to.height;
      const inside = (
        box: Float64Array,
        x: number,
        y: number,
      ) => [x - box[0], box[2] - x, y - box[1], box[3] - y];
      const moved = moveBoxes(boxes, cropMap(crop, to, flip));
      for (let n = 0; n < boxes.length; n += 4) {
        const before = inside(boxes.subarray(n, n + 4), x, y), after = inside(moved.subarray(n, n + 4), u, v);
        // On the very edge the last bit decides.
        if (before.some((distance) => Math.abs(distance) < 1e-6)) continue;
        assert.equal(before.every((distance) => distance > 0), after.every((distance) => distance > 0));
      }
    }),
  );
});

Deno.test("boxes: maps can be joined and turned back, mirroring twice changes no bit", () => {
  fc.assert(fc.property(map, map, boxes, (first, second, boxes) => {
    near(moveBoxes(moveBoxes(boxes, first), second), moveBoxes(boxes, joinMaps(first, second)));
    near(moveBoxes(moveBoxes(boxes, first), inverseMap(first)), boxes);
    const { scaleX, scaleY } = joinMaps(first, inverseMap(first));
    near([scaleX, scaleY], [1, 1]);
  }));
  fc.assert(fc.property(size, boxes, (size, boxes) => {
    const mirror: BoxMap = cropMap({ left: 0, top: 0, ...size }, size, true);
    assert.deepEqual(moveBoxes(moveBoxes(boxes, mirror), mirror), boxes);
    assert.deepEqual(moveBoxes(boxes, resizeMap(size, size)), boxes);
  }));
});

Deno.test("boxes: powers of two are exact, however they are joined", () => {
  const power = fc.integer({ min: 0, max: 9 }).map((n) => 2 ** n);
  fc.assert(fc.property(power, power, power, power, fc.boolean(), boxes, (w, h, v, u, flip, boxes) => {
    const map = cropMap({ left: 3, top: 5, width: w, height: h }, { width: v, height: u }, flip);
    assert.deepEqual(moveBoxes(moveBoxes(boxes, map), inverseMap(map)), boxes);
  }));
});

Deno.test("boxes: a letter-box shows the whole picture in its shape, but for a pixel", () => {
  fc.assert(fc.property(size, size, fc.boolean(), (from, into, centred) => {
    const { left, top, width, height, map } = letterBox(from, into, centred);
    assert.ok(left >= 0 && top >= 0 && left + width <= into.width && top + height <= into.height);
    assert.ok(width === into.width || height === into.height);
    near(moveBoxes(Float64Array.of(0, 0, from.width, from.height), map), [
      left,
      top,
      left + width,
      top + height,
    ]);
    const scale = Math.min(into.width / from.width, into.height / from.height);
    assert.ok(Math.abs(width - from.width * scale) <= 1 && Math.abs(height - from.height * scale) <= 1);
    if (centred) {
      assert.ok(
        Math.abs(into.width - width - 2 * left) <= 1 && Math.abs(into.height - height - 2 * top) <= 1,
      );
    }
  }));
});

Deno.test("boxes: what is cut is the overlap with the picture, and too little is left out", () => {
  fc.assert(fc.property(boxes, size, fc.double({ min: 0, max: 1, noNaN: true }), (boxes, size, least) => {
    const { boxes: cut, kept, visible } = cutBoxes(boxes, size, least), all = cutBoxes(boxes, size);
    kept.forEach((from, i) => {
      const [x0, y0, x1, y1] = boxes.subarray(4 * from, 4 * from + 4),
        [a, b, c, d] = cut.subarray(4 * i, 4 * i + 4);
      assert.deepEqual([a, b, c, d], [
        Math.max(0, x0),
        Math.max(0, y0),
        Math.min(size.width, x1),
        Math.min(size.height, y1),
      ]);
      near([visible[i]], [(c - a) * (d - b) / ((x1 - x0) * (y1 - y0))]);
      assert.ok(visible[i] > 0 && visible[i] <= 1 && visible[i] >= least);
    });
    // In their order, and none but those of which less is seen are missing.
    assert.deepEqual([...kept], [...all.kept].filter((_, i) => all.visible[i] >= least));
  }));
  const inside = Float64Array.of(0.1, 0.1, 0.3, 0.7);
  assert.deepEqual(
    [...cutBoxes(inside, { width: 1, height: 1 }, 1).kept],
    [0],
    "whole is whole, to the last bit",
  );
  assert.throws(() => cutBoxes(inside, { width: 1, height: 1 }, 1.5), /share is 1\.5/);
});
