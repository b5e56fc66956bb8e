import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { basePicture, evaluationPicture, resize } from "../../../src/data/picture/resize.ts";
import type { Picture } from "../../../src/data/types.ts";

const fixture = new URL("../../fixtures/resize-200x150.rgb", import.meta.url);
const picture: Picture = { width: 200, height: 150, data: await Deno.readFile(fixture) };

// Checksums of PIL's results for this picture: bit for bit or not at all.
Deno.test("the base picture is PIL's antialiased bilinear resize", () => {
  assert.equal(crc32(basePicture(picture, 224)), 305729250);
});

Deno.test("the evaluation picture is PIL's bicubic resize of the shorter side and the middle of it", () => {
  assert.equal(crc32(evaluationPicture(picture, 224)), 2644348236);
});

Deno.test("a crop is cut first, then resized bicubically as PIL does", () => {
  const base = { width: 224, height: 224, data: basePicture(picture, 224) };
  const crops = [[46, 20, 154, 108, 1616933510], [68, 15, 224, 214, 1539299254], [12, 7, 206, 224, 69546285]];
  for (const [left, top, right, bottom, checksum] of crops) {
    const part = { left, top, width: right - left, height: bottom - top };
    assert.equal(crc32(resize(base, 224, 224, "bicubic", part).data), checksum);
  }
});

Deno.test("sizes that do not change are copied; constants stay constant", () => {
  assert.deepEqual(resize(picture, 200, 150, "bicubic"), picture);
  const part = resize(picture, 2, 1, "bilinear", { top: 3, left: 5, width: 2, height: 1 });
  assert.deepEqual(part.data, picture.data.slice((3 * 200 + 5) * 3, (3 * 200 + 7) * 3));
  const flat = { width: 7, height: 900, data: new Uint8Array(7 * 900 * 3).fill(201) };
  for (const filter of ["bilinear", "bicubic"] as const) {
    assert.ok(resize(flat, 64, 3, filter).data.every((value) => value === 201));
  }
});

Deno.test("an evaluation picture is the middle of the whole resized picture, of which no more is made", () => {
  const noise = (width: number, height: number) => ({
    ...{ width, height },
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + i * 13) % 251),
  });
  for (
    const [width, height, shorter] of [[93, 41, 37], [41, 93, 37], [7, 5, 37], [64, 37, 37], [49, 49, 32]]
  ) {
    const one = noise(width, height), wide = width >= height;
    const longer = Math.trunc(shorter * (wide ? width / height : height / width));
    const whole = wide ? resize(one, longer, shorter, "bicubic") : resize(one, shorter, longer, "bicubic");
    const half = (n: number) => [Math.floor((n - 32) / 2), Math.ceil((n - 32) / 2)].find((n) => n % 2 === 0)!;
    const middle = (n: number) => (n - 32) % 2 === 0 ? (n - 32) / 2 : half(n);
    const part = { left: middle(whole.width), top: middle(whole.height), width: 32, height: 32 };
    const expected = resize(whole, 32, 32, "bicubic", part).data;
    assert.deepEqual(evaluationPicture(one, 32, shorter), expected, `${width} × ${height}`);
  }
});

Deno.test("a picture that is thousands of times as long as it is wide has its middle too", () => {
  for (const [width, height] of [[30_000, 1], [1, 30_000], [1_000_000, 1], [3, 200_000]]) {
    const data = new Uint8Array(width * height * 3).fill(93);
    const middle = evaluationPicture({ width, height, data }, 224);
    assert.ok(
      middle.length === 224 * 224 * 3 && middle.every((value) => value === 93),
      `${width} × ${height}`,
    );
  }
});

Deno.test("impossible sizes and parts are refused", () => {
  assert.throws(() => resize(picture, 0, 5, "bilinear"), /width must be/);
  assert.throws(() => resize(picture, 5, 2.5, "bilinear"), /height must be/);
  assert.throws(
    () => resize(picture, 5, 5, "bilinear", { top: 0, left: 199, width: 2, height: 1 }),
    /not inside the picture/,
  );
  assert.throws(() => basePicture({ ...picture, width: 199 }, 5), /has 89550 bytes, not 90000/);
  assert.throws(() => evaluationPicture(picture, 224, 200), /shorter side/);
});
