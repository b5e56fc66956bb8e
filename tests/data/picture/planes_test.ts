import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import sharp from "npm:sharp@0.35.5";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { basePicture, planesBasePicture } from "../../../src/data/picture/resize.ts";
import { tapsOf, upsampledTaps } from "../../../src/data/picture/resize_taps.ts";
import { readJpegHeader } from "../../../src/data/picture/jpeg_header.ts";
import { openTurbo } from "../../../src/data/picture/turbo.ts";
import { turboPath } from "../../../src/data/picture/turbo_library.ts";
import type { Picture } from "../../../src/data/types.ts";
import { draw, worst } from "../pictures.ts";

const fixture = new URL("../../fixtures/resize-200x150.rgb", import.meta.url);
const photo: Picture = { width: 200, height: 150, data: await Deno.readFile(fixture) };
const mean = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, x, i) => sum + Math.abs(x - b[i]), 0) / a.length;

Deno.test("taps of halved samples are those of the pixels that libjpeg makes of them", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 90 }),
    fc.integer({ min: 1, max: 60 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
    (n, o, values) => {
      const samples = Float64Array.from([...values.take(Math.ceil(n / 2))]);
      const at = (i: number) => samples[Math.min(Math.max(i, 0), samples.length - 1)];
      const pixels = Float64Array.from(
        { length: n },
        (_, x) => 0.75 * at(x >> 1) + 0.25 * at((x >> 1) + (x % 2 ? 1 : -1)),
      );
      const taps = tapsOf(n, o, "bilinear"), halved = upsampledTaps(taps, n);
      const apply = ({ first, count, weights, stride }: typeof taps, from: Float64Array, i: number) => {
        let sum = 0;
        for (let k = 0; k < count[i]; k++) sum += weights[i * stride + k] * from[first[i] + k];
        return sum / 2 ** 22;
      };
      for (let i = 0; i < o; i++) {
        assert.ok(Math.abs(apply(halved, samples, i) - apply(taps, pixels, i)) < 1e-3, `${n} → ${o}: ${i}`);
      }
    },
  ));
});

Deno.test("planes of one colour give pictures of one colour, whatever the sizes", () => {
  // JFIF's own numbers, a level off at most: black, white, grey, red, green, blue.
  const colours = [[0, 128, 128], [255, 128, 128], [77, 128, 128], [76, 85, 255], [150, 44, 21], [
    29,
    255,
    107,
  ]];
  const rgb = [[0, 0, 0], [255, 255, 255], [77, 77, 77], [254, 0, 0], [0, 255, 1], [0, 0, 254]];
  for (
    const [width, height, size] of [[1, 1, 7], [37, 500, 16], [901, 20, 64], [61, 61, 61], [80, 9, 5], [
      1023,
      1,
      64,
    ], [3, 5, 1]]
  ) {
    for (const halfColumns of [false, true]) {
      for (const halfRows of [false, true]) {
        colours.forEach((colour, n) => {
          const out = new Uint8Array(size * size * 3);
          planesBasePicture(
            { width, height, halfColumns, halfRows },
            (memory, { offsets, pitches }) => {
              offsets.forEach((offset, plane) => {
                const rows = plane > 0 && halfRows ? Math.ceil(height / 2) : height;
                new Uint8Array(memory, offset, pitches[plane] * rows).fill(colour[plane]);
              });
            },
            size,
            out,
          );
          const expected = Uint8Array.from(out, (_, i) => rgb[n][i % 3]);
          assert.ok(worst(out, expected) <= (n < 3 ? 0 : 1), `${width} × ${height} → ${size}, colour ${n}`);
        });
      }
    }
  }
});

Deno.test({
  name:
    "a JPEG in full size is within 1 level on average of a full decode and PIL's resize, however chroma is stored",
  ignore: turboPath() === null,
  async fn() {
    const sizes = [[500, 375, 224], [375, 500, 224], [333, 251, 224], [201, 151, 224], [431, 97, 64], [
      229,
      225,
      224,
    ], [1200, 65, 64]];
    for (const [width, height, size] of sizes) {
      const decoder = openDecoder({ size, workers: 1 });
      for (const chromaSubsampling of ["4:2:0", "4:4:4"]) {
        for (const progressive of [false, true]) {
          const file = new Uint8Array(
            await draw(photo).resize(width, height, { fit: "fill" })
              .jpeg({ quality: 90, chromaSubsampling, progressive }).toBuffer(),
          );
          const data = new Uint8Array(await sharp(file).raw().toBuffer());
          const base = await decoder.base(file), exact = basePicture({ width, height, data }, size);
          const name = `${width} × ${height} → ${size}, ${chromaSubsampling}`;
          assert.ok(mean(base, exact) < 0.5, `${name}: ${mean(base, exact)} on average`);
          assert.ok(worst(base, exact) <= 16, `${name}: ${worst(base, exact)} at worst`);
        }
      }
      decoder.close();
    }
  },
});

Deno.test({
  name:
    "a picture is the same whether its header says that it fills its last blocks or not, and the file stays as it was",
  ignore: turboPath() === null,
  async fn() {
    const turbo = openTurbo(turboPath())!, size = 160;
    for (const [width, height] of [[161, 176], [175, 177], [192, 163], [319, 161]]) {
      for (const chromaSubsampling of ["4:2:0", "4:4:4"]) {
        for (const progressive of [false, true]) {
          const file = new Uint8Array(
            await draw(photo).resize(width, height, { fit: "fill" }).jpeg({ chromaSubsampling, progressive })
              .toBuffer(),
          );
          const header = readJpegHeader(file), before = file.slice();
          const [a, b] = [new Uint8Array(size * size * 3), new Uint8Array(size * size * 3)];
          turbo.base(file, header, size, a);
          assert.deepEqual(file, before);
          // Where no frame is found, nothing is filled up.
          turbo.base(file, { ...header, frame: 0 }, size, b);
          assert.deepEqual(a, b, `${width} × ${height}, ${chromaSubsampling}, progressive: ${progressive}`);
        }
      }
    }
    turbo.close();
  },
});
