import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "npm:fast-check@4.10.2";
import { COPIES, distort, type Distortion, sampleDistortion, UNCHANGED } from "../../src/demo/distort.ts";
import { changedPictures } from "../../src/demo/pictures.ts";

/** A picture with one colour a pixel. */
const draw = (size: number, colour: (x: number, y: number) => number[]) =>
  Uint8Array.from(
    Array.from({ length: size * size }, (_, i) => colour(i % size, Math.floor(i / size))).flat(),
  );

/** A smooth picture, so that interpolation loses little. */
const smooth = draw(
  32,
  (x, y) => [128 + 90 * Math.sin(x / 5), 128 + 90 * Math.cos(y / 6), 60 + 2 * x + 2 * y],
);

const changed = (change: Partial<Distortion>): Distortion => ({ ...UNCHANGED, ...change });

Deno.test("distort: no change gives the same bytes", () => {
  const bytes = fc.uint8Array({ minLength: 5 * 5 * 3, maxLength: 5 * 5 * 3 });
  fc.assert(
    fc.property(bytes, (picture) => assert.deepEqual(distort(picture, 5, UNCHANGED), picture)),
    { numRuns: 50 },
  );
});

Deno.test("distort: shifts, turns clockwise, shrinks; white comes in", () => {
  const picture = draw(8, (x, y) => [10 * x, 10 * y, 7]);
  const at = (pixels: Uint8Array, x: number, y: number) => [...pixels.subarray((y * 8 + x) * 3).slice(0, 3)];
  const shifted = distort(picture, 8, changed({ right: 1 / 8, down: -2 / 8 }));
  assert.deepEqual(at(shifted, 3, 2), at(picture, 2, 4));
  assert.deepEqual(at(shifted, 0, 2), [255, 255, 255]);
  assert.deepEqual(at(shifted, 3, 7), [255, 255, 255]);
  const turned = distort(picture, 8, changed({ turn: Math.PI / 2 }));
  // What was at the top is at the right.
  assert.deepEqual(at(turned, 7, 0), at(picture, 0, 0));
  assert.deepEqual(at(turned, 7, 5), at(picture, 5, 0));
  const half = distort(draw(8, () => [0, 0, 0]), 8, changed({ scale: .5 }));
  assert.deepEqual(at(half, 3, 3), [0, 0, 0]);
  assert.deepEqual(at(half, 0, 3), [255, 255, 255]);
  assert.equal(half.filter((byte) => byte === 0).length, 4 * 4 * 3);
});

Deno.test("distort: hue, saturation and value of single colours", () => {
  const one = (colour: number[], change: Partial<Distortion>) => [
    ...distort(Uint8Array.from(colour), 1, changed(change)),
  ];
  assert.deepEqual(one([200, 0, 0], { hue: 1 / 3 }), [0, 200, 0]);
  assert.deepEqual(one([0, 200, 0], { hue: -1 / 3 }), [200, 0, 0]);
  assert.deepEqual(one([200, 0, 0], { hue: 1 / 12 }), [200, 100, 0]);
  assert.deepEqual(one([200, 100, 50], { saturation: 0 }), [200, 200, 200]);
  assert.deepEqual(one([200, 100, 150], { saturation: 1.4 }), [200, 60, 130]);
  assert.deepEqual(one([200, 100, 50], { brightness: .5 }), [100, 50, 25]);
  assert.deepEqual(one([255, 255, 255], { brightness: 1.3, hue: .05 }), [255, 255, 255]);
  assert.deepEqual(one([0, 0, 0], { brightness: 1.3, saturation: 1.4 }), [0, 0, 0]);
});

Deno.test("distort: the opposite change leads back, but for rounding and what went outside", () => {
  const ways: [Partial<Distortion>, Partial<Distortion>][] = [
    [{ turn: .4 }, { turn: -.4 }],
    [{ scale: .8 }, { scale: 1 / .8 }],
    [{ right: .1, down: -.05 }, { right: -.1, down: .05 }],
    [{ hue: .08 }, { hue: -.08 }],
    [{ saturation: .7 }, { saturation: 1 / .7 }],
    [{ brightness: .8 }, { brightness: 1 / .8 }],
  ];
  for (const [there, back] of ways) {
    const again = distort(distort(smooth, 32, changed(there)), 32, changed(back));
    let most = 0;
    for (let y = 10; y < 22; y++) {
      for (let i = (y * 32 + 10) * 3; i < (y * 32 + 22) * 3; i++) {
        most = Math.max(most, Math.abs(again[i] - smooth[i]));
      }
    }
    assert.ok(most <= 4, `${JSON.stringify(there)}: ${most}`);
  }
});

Deno.test("distort: what is drawn depends on emoji, hand and number alone, lies in its range, and stays", () => {
  const some = Array.from({ length: 200 }, (_, i) => sampleDistortion(`a${i}`, "google", i % COPIES));
  assert.deepEqual(some[7], sampleDistortion("a7", "google", 7 % COPIES));
  const ranges: [keyof Distortion, number, number][] = [
    ["turn", -Math.PI / 6, Math.PI / 6],
    ["scale", .6, 1],
    ["right", -.15, .15],
    ["down", -.15, .15],
    ["hue", -1 / 12, 1 / 12],
    ["saturation", .6, 1.4],
    ["brightness", .7, 1.3],
  ];
  for (const [name, low, high] of ranges) {
    const values = some.map((one) => one[name]).sort((a, b) => a - b), reach = .05 * (high - low);
    assert.ok(values[0] >= low && values[0] < low + reach, name);
    assert.ok(values[199] <= high && values[199] > high - reach, name);
  }
  const others = [
    sampleDistortion("a7", "twitter", 3),
    sampleDistortion("a7", "google", 2),
    sampleDistortion("a8", "google", 3),
  ];
  for (const other of others) assert.notEqual(other.turn, some[7].turn);
  // Drawn once for all: figures of earlier runs would not compare with those of later ones.
  const digest = createHash("sha256").update(
    JSON.stringify(some.map((one) => Object.values(one).map(Math.fround))),
  );
  assert.equal(digest.digest("hex").slice(0, 16), "585e04ff6a9ca601");
});

Deno.test("changed pictures: each held-out picture by its own draws, all first changes first", () => {
  const size = 32, training = new Uint8Array(size * size * 3).fill(9), other = smooth.toReversed();
  const demo = {
    size,
    pictures: Uint8Array.from([...training, ...smooth, ...other]),
    emoji: ["t", "x", "y"],
    hands: ["google", "google", "twitter"] as const,
    categories: [0, 0, 1],
    categoryCount: 2,
    firstHeldout: 1,
  };
  const pictures = changedPictures(demo), bytes = size * size * 3;
  assert.equal(pictures.length, COPIES * 2 * bytes);
  for (let copy = 0; copy < COPIES; copy++) {
    const at = (i: number) => pictures.subarray((2 * copy + i) * bytes, (2 * copy + i + 1) * bytes);
    assert.deepEqual(at(0), distort(smooth, size, sampleDistortion("x", "google", copy)));
    assert.deepEqual(at(1), distort(other, size, sampleDistortion("y", "twitter", copy)));
  }
  assert.deepEqual(changedPictures(demo), pictures);
});
