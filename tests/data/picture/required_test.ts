import assert from "node:assert/strict";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { basePicture, evaluationPicture, resize } from "../../../src/data/picture/resize.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("what is no picture's file is named, with how bytes are had", async () => {
  const bytes = new TextEncoder().encode("P3 1 1 255 1 2 3\n");
  const wrong: [unknown, RegExp][] = [
    [undefined, /not undefined/],
    ["photo.jpg", /not a text: await Deno\.readFile/],
    [bytes.buffer, /not of type ArrayBuffer: .*new Uint8Array\(buffer\)/],
    [new Response(bytes), /not of type Response: .*response\.bytes\(\)/],
    [Promise.resolve(bytes), /not of type Promise/],
    [[...bytes], /not of type Array/],
  ];
  for (const [given, message] of wrong) {
    await assert.rejects(decodePicture(given as Loose), { name: "TypeError", message });
  }
  assert.deepEqual([...(await decodePicture(bytes)).data], [1, 2, 3]);
});

Deno.test("what is no decoded picture is named: a file's bytes, a promise, a canvas's four bytes a pixel", () => {
  const picture = { width: 2, height: 2, data: new Uint8Array(12) };
  for (const make of [basePicture, evaluationPicture, (x: Loose) => resize(x, 2, 2, "bilinear")] as Loose[]) {
    for (const wrong of [undefined, new Uint8Array(12), Promise.resolve(picture)]) {
      assert.throws(() => make(wrong, 2), { name: "TypeError", message: /a picture is needed, \{ width/ });
    }
    const canvas = { ...picture, data: new Uint8ClampedArray(16) };
    assert.throws(() => make(canvas, 2), {
      name: "RangeError",
      message: "a picture of 2 × 2 has 12 bytes, not 16; leave out each fourth, which is no colour",
    });
    make(picture, 2);
  }
});
