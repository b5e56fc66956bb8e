import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { letterBoxPicture } from "../../src/data/picture/letter_box.ts";
import { basePlace, drawPlace, lookingBox } from "../../src/detect/jitter.ts";
import { levelsOf, locationsOf } from "../../src/detect/levels.ts";
import * as tf from "../../src/engine/tensors.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { inverseMap, moveBoxes } from "../../src/views/boxes.ts";
import { CANVAS_COLOUR, placePictures } from "../../src/views/place.ts";

const near = (is: ArrayLike<number>, wanted: ArrayLike<number>, within: number) => {
  assert.equal(is.length, wanted.length);
  for (let i = 0; i < is.length; i++) {
    assert.ok(Math.abs(is[i] - wanted[i]) <= within, `${i}: ${is[i]}, not ${wanted[i]}`);
  }
};

Deno.test("levels are FCOS's: strides, ranges, locations; a map that cannot be halved so often is refused", () => {
  const levels = levelsOf({ imageSize: 256, patchSize: 16, upscale: 1, levels: 3 });
  assert.deepEqual(levels, [
    { side: 32, stride: 8, range: [0, 64] },
    { side: 16, stride: 16, range: [64, 128] },
    { side: 8, stride: 32, range: [128, Infinity] },
  ]);
  const { count, x, y } = locationsOf(levels);
  assert.equal(count, 1344);
  // Cell (1, 2) of stride 8, and the last one of stride 32.
  assert.deepEqual([x[34], y[34], x[1343], y[1343]], [20, 12, 240, 240]);
  assert.deepEqual(
    levelsOf({ imageSize: 64, patchSize: 8, upscale: 2, levels: 5 }).map(({ stride }) => stride),
    [2, 4, 8, 16, 32],
  );
  assert.throws(
    () => levelsOf({ imageSize: 72, patchSize: 8, upscale: 1, levels: 3 }),
    /72 pixels have 9 × 9 patches, .* halved once for 3 levels; .* multiple of 16/,
  );
});

const size = fc.record({ width: fc.integer({ min: 1, max: 900 }), height: fc.integer({ min: 1, max: 900 }) });

Deno.test("a letter-box and its inverse bring boxes back; all of the picture is in it", () => {
  fc.assert(
    fc.property(
      size,
      fc.constantFrom(32, 96, 256),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      (from, side, [a, b, c, d]) => {
        const { map, width, height, left, top } = lookingBox(from, side);
        const box = Float64Array.of(
          Math.min(a, b) * from.width,
          Math.min(c, d) * from.height,
          Math.max(a, b) * from.width,
          Math.max(c, d) * from.height,
        );
        near(moveBoxes(moveBoxes(box, map), inverseMap(map)), box, 1e-9 * (from.width + from.height));
        near(moveBoxes(Float64Array.of(0, 0, from.width, from.height), map), [
          left,
          top,
          left + width,
          top + height,
        ], 1e-9 * side);
        assert.ok(
          left >= 0 && top >= 0 && left + width <= side && top + height <= side &&
            Math.max(width, height) === side,
        );
      },
    ),
  );
});

Deno.test("jitter: drawn again alike, by epoch and picture; canvas or picture covered; the base lies where its picture does", () => {
  const settings = { imageSize: 96, jitter: [0.5, 2] as const, flip: 0.5 };
  let flips = 0;
  fc.assert(
    fc.property(size, fc.nat(1000), (from, index) => {
      const place = drawPlace(settings, from, 7, 3, index);
      assert.deepEqual(place, drawPlace(settings, from, 7, 3, index));
      assert.notDeepEqual(place, drawPlace(settings, from, 7, 4, index));
      const whole = Float64Array.of(0, 0, from.width, from.height),
        [x0, y0, x1, y1] = moveBoxes(whole, place);
      const share = Math.max(x1 - x0, y1 - y0) / 96;
      assert.ok(share > 0.4999 && share < 2.0001, `${share}`);
      near([(x1 - x0) / (y1 - y0)], [from.width / from.height], 1e-9 * from.width / from.height);
      for (const [low, high] of [[x0, x1], [y0, y1]]) {
        assert.ok(
          (low >= -1e-9 && high <= 96 + 1e-9) || (low <= 1e-9 && high >= 96 - 1e-9),
          `${low} ${high}`,
        );
      }
      near(moveBoxes(Float64Array.of(0, 0, 64, 64), basePlace(place, from, 64)), [x0, y0, x1, y1], 1e-9 * 96);
      flips += Number(place.scaleX < 0);
    }),
    { numRuns: 200 },
  );
  assert.ok(flips > 60 && flips < 140, `${flips}`);
});

/** The same as placePictures, pixel by pixel. */
function placedPlainly(
  base: Uint8Array,
  size: number,
  [scaleX, shiftX, scaleY, shiftY]: number[],
  side: number,
): number[] {
  const taps = (scale: number, shift: number, pixel: number) => {
    const at = (pixel + 0.5 - shift) / scale, stretch = Math.max(1, 1 / Math.abs(scale));
    if (!(at > 0 && at < size)) return null;
    const weights = Array.from({ length: size }, (_, i) => Math.max(0, 1 - Math.abs(i + 0.5 - at) / stretch));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };
  const out: number[] = [];
  for (let y = 0; y < side; y++) {
    for (let c = 0; c < 3; c++) {
      for (let x = 0; x < side; x++) {
        const across = taps(scaleX, shiftX, x), down = taps(scaleY, shiftY, y);
        let value = 0;
        for (let i = 0; across && down && i < size; i++) {
          for (let j = 0; j < size; j++) value += down[i] * across[j] * base[(i * size + j) * 3 + c];
        }
        out.push(across && down ? value : CANVAS_COLOUR[c]);
      }
    }
  }
  return out;
}

Deno.test("pictures on canvases are those of a plain loop: larger, smaller, mirrored, beyond the edge", async () => {
  await openWasm();
  const size = 6,
    side = 8,
    maps = [[1, 0, 1, 0], [2.3, -3, 1.7, 1.2], [-0.6, 7, 0.4, 3], [-1.5, 6.5, 1.5, -2]];
  const base = Uint8Array.from(
    { length: maps.length * size * size * 3 },
    (_, i) => (i * 53 + i * i * 7) % 256,
  );
  const made = tf.tidy(() =>
    placePictures(
      tf.tensor(Int32Array.from(base), [maps.length, size, size, 3], "int32"),
      tf.tensor(maps.flat(), [maps.length, 4]),
      side,
    )
  );
  const values = await made.data(), wide = side * side * 3;
  maps.forEach((map, n) => {
    const own = base.subarray(n * size * size * 3, (n + 1) * size * size * 3);
    near(values.subarray(n * wide, (n + 1) * wide), placedPlainly(own, size, map, side), 2e-3);
  });
  made.dispose();
});

Deno.test("a letter-boxed picture lies in the middle, what is free has its colour", () => {
  const data = new Uint8Array(40 * 20 * 3).fill(200);
  const boxed = letterBoxPicture({ width: 40, height: 20, data }, 20, [1, 2, 3]);
  const row = (y: number) => [...boxed.subarray(y * 60, y * 60 + 3)];
  assert.deepEqual([row(4), row(5), row(14), row(15)], [[1, 2, 3], [200, 200, 200], [200, 200, 200], [
    1,
    2,
    3,
  ]]);
});
