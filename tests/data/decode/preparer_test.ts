/** Pictures are prepared as decodePicture and preparePicture do it, on threads or not, and the library is loaded once. */
import assert from "node:assert/strict";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { openPreparer, type Prepared } from "../../../src/data/decode/preparer.ts";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { holdJpegLibrary } from "../../../src/data/picture/jpeg.ts";
import { type Preparation, preparedBytes, preparePicture } from "../../../src/data/picture/preparation.ts";
import { evaluationPicture } from "../../../src/data/picture/resize.ts";
import { turboPath } from "../../../src/data/picture/turbo_library.ts";
import { PictureError } from "../../../src/data/types.ts";
import { draw, gradient, jpeg, png } from "../pictures.ts";

const WAYS: Preparation[] = [
  { kind: "base", size: 40 },
  { kind: "middle", size: 56 },
  { kind: "middle", size: 56, shorter: 56 },
  { kind: "whole", width: 32, height: 64 },
  { kind: "letterBox", size: 48, colour: [124, 116, 104] },
];

/** Of all formats and turns, large and small. */
async function files(): Promise<Uint8Array[]> {
  const large = () => draw(gradient(310, 205, 3));
  const made = [
    ...Array.from({ length: 8 }, (_, i) => large().withMetadata({ orientation: i + 1 }).jpeg().toBuffer()),
    large().jpeg({ progressive: true }).toBuffer(),
    large().toColourspace("b-w").jpeg().toBuffer(),
    large().toColourspace("cmyk").jpeg().toBuffer(),
    large().webp().toBuffer(),
    large().png().toBuffer(),
  ];
  return [
    ...await Promise.all(made.map(async (file) => new Uint8Array(await file))),
    await jpeg(),
    await png(),
  ];
}

Deno.test("threads give what the calling thread gives, byte for byte, each picture in its own size", async () => {
  const all = await files();
  for (const how of WAYS) {
    const many = openPreparer(how, 1e6), one = openPreparer(how, 1);
    // More at once than there are slots in a piece of memory.
    const made = await Promise.all([...all, ...all].map((file) => many.make(file)));
    for (const [i, file] of all.entries()) {
      const picture = await decodePicture(file), { width, height } = picture;
      const expected = { bytes: preparePicture(picture, how), width, height };
      assert.equal(expected.bytes.length, preparedBytes(how));
      for (const got of [made[i], made[i + all.length], await one.make(file)]) {
        assert.deepEqual({ ...got, bytes: Uint8Array.from(got.bytes) }, expected, `${how.kind}, file ${i}`);
      }
    }
    made.forEach(many.reuse);
    many.close();
    one.close();
  }
});

Deno.test("memory of pictures that were taken back is used again, and nothing is mixed up", async () => {
  const all = await files(), preparer = openPreparer({ kind: "middle", size: 32 }, Infinity);
  const expected = await Promise.all(
    all.map(async (file) => evaluationPicture(await decodePicture(file), 32)),
  );
  for (let round = 0; round < 5; round++) {
    await Promise.all(all.map(async (file, i) => {
      const made = await preparer.make(file);
      assert.deepEqual(Uint8Array.from(made.bytes), expected[i], `round ${round}, file ${i}`);
      preparer.reuse(made);
    }));
  }
  preparer.close();
});

Deno.test("what is no picture is one's own error on threads, too, and others go on", async () => {
  const file = await jpeg(1, 300, 200), preparer = openPreparer({ kind: "base", size: 16 }, Infinity);
  const bad = [file.subarray(0, file.length >> 1), new Uint8Array(0), new TextEncoder().encode("no picture")];
  const results = await Promise.allSettled([...bad, file].map((bytes) => preparer.make(bytes)));
  const reasons = results.map((result) => result.status === "rejected" ? result.reason : null);
  for (const reason of reasons.slice(0, 3)) assert.ok(reason instanceof PictureError, String(reason));
  assert.deepEqual(
    reasons.map((reason) => reason && (reason as Error).message.split(":")[0]),
    [
      "JPEG cut short",
      "empty",
      "no JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or PPM picture, but a text file",
      null,
    ],
  );
  preparer.close();
});

Deno.test("a way of one's own is a function", async () => {
  const preparer = openPreparer(({ data }) => data.subarray(0, 3), Infinity);
  const { bytes, ...size }: Prepared = await preparer.make(await png(2, 20, 10));
  assert.deepEqual([bytes.length, size], [3, { width: 20, height: 10 }]);
  preparer.close();
});

Deno.test("the library is loaded once by whoever decodes many pictures with pauses in between", async () => {
  if (turboPath() === null) return;
  const file = await jpeg(), open = Deno.dlopen;
  let loaded = 0;
  // deno-lint-ignore no-explicit-any
  Deno.dlopen = ((...given: [any, any]) => (loaded++, open(...given))) as typeof Deno.dlopen;
  try {
    for (let i = 0; i < 3; i++) await decodePicture(file);
    assert.equal(loaded, 3);
    loaded = 0;
    const holders = [
      holdJpegLibrary(),
      openDecoder({ size: 8 }),
      openPreparer({ kind: "base", size: 8 }, 1),
      openPreparer({ kind: "base", size: 8 }, Infinity),
    ];
    assert.equal(loaded, 0);
    for (const holder of holders) {
      for (let i = 0; i < 3; i++) await decodePicture(file);
      assert.equal(loaded, 1);
      if ("close" in holder) holder.close();
      else {
        holder[Symbol.dispose]();
        holder[Symbol.dispose]();
      }
    }
    await decodePicture(file);
    assert.equal(loaded, 2);
  } finally {
    Deno.dlopen = open;
  }
});
