import assert from "node:assert/strict";
import type { Source } from "../../../src/data/types.ts";
import { encodePng } from "../../../src/data/picture/png.ts";
import { presetAdvice, suitablePresets, typicalSide } from "../../../src/train/config/advice.ts";

/** A source of grey pictures of these widths and heights; a number stands for bytes that are no picture. */
function sourceOf(sizes: readonly ([number, number] | number)[]): Source {
  const bytes = (size: [number, number] | number) =>
    typeof size === "number"
      ? new Uint8Array(size)
      : encodePng({ width: size[0], height: size[1], data: new Uint8Array(3 * size[0] * size[1]) });
  return {
    uri: "made",
    length: sizes.length,
    labels: [],
    get: (i) => Promise.resolve({ key: `${i}`, bytes: bytes(sizes[i]) }),
    key: (i) => Promise.resolve(`${i}`),
    close: () => Promise.resolve(),
  };
}

Deno.test("advice: the typical side is the median of the shorter ones; what cannot be read is passed over", async () => {
  assert.equal(await typicalSide(sourceOf([[32, 40], 9, [30, 20], [64, 48]])), 32);
  assert.equal(await typicalSide(sourceOf([3, 4])), undefined);
  // Sorted by size: those that are looked at are spread over the whole.
  const many = Array.from({ length: 1000 }, (_, i): [number, number] => i < 100 ? [8, 8] : [24, 24]);
  assert.equal(await typicalSide(sourceOf(many)), 24);
});

Deno.test("advice: small pictures, photographs, and a card", () => {
  assert.deepEqual(suitablePresets(32, true), ["thumbnail"]);
  assert.deepEqual(suitablePresets(96, true), ["photo"]);
  assert.deepEqual(suitablePresets(500, false), ["photo"]);
  assert.deepEqual(suitablePresets(500, true), ["tiny", "small", "base"]);
});

Deno.test("advice: one line that names the preset, and none where it is the one", async () => {
  const small = sourceOf([[32, 32]]);
  assert.match(
    (await presetAdvice(small, "demo", false))!,
    /^advice +the pictures measure about 32 pixels: --preset thumbnail is meant for such; this run has demo$/,
  );
  assert.equal(await presetAdvice(small, "thumbnail", false), undefined);
  assert.equal(await presetAdvice(sourceOf([[500, 400]]), "small", true), undefined);
  assert.equal(await presetAdvice(sourceOf([5]), "demo", false), undefined);
});
