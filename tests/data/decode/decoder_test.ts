import assert from "node:assert/strict";
import wabt from "npm:wabt@1.0.37";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { readJpegHeader } from "../../../src/data/picture/jpeg_header.ts";
import { basePicture, quickBasePicture } from "../../../src/data/picture/resize.ts";
import { RESIZE_WASM } from "../../../src/data/picture/resize_wasm.ts";
import { decodeScale, openTurbo } from "../../../src/data/picture/turbo.ts";
import { turboPath } from "../../../src/data/picture/turbo_library.ts";
import type { Picture } from "../../../src/data/types.ts";
import { draw, png, worst } from "../pictures.ts";

const fixture = new URL("../../fixtures/resize-200x150.rgb", import.meta.url);
/** A piece of a photograph, made larger as a camera would see it. */
const photo: Picture = { width: 200, height: 150, data: await Deno.readFile(fixture) };
const large = (width: number, height: number) => draw(photo).resize(width, height, { fit: "fill" });
const mean = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, x, i) => sum + Math.abs(x - b[i]), 0) / a.length;

Deno.test("the bytes of resize_wasm.ts are resize.wat", async () => {
  const { parseWat } = await wabt();
  const path = new URL("../../../src/data/picture/resize.wat", import.meta.url);
  const module = parseWat("resize.wat", await Deno.readTextFile(path), { simd: true, relaxed_simd: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  assert.equal(btoa(String.fromCharCode(...buffer)), RESIZE_WASM);
});

Deno.test("a JPEG is decoded at the smallest fast scale that covers the base picture", () => {
  const cases = [[500, 375, 224, 8], [500, 375, 188, 4], [500, 375, 189, 8], [448, 900, 224, 4], [
    4000,
    3000,
    224,
    1,
  ]];
  for (
    const [width, height, size, scale] of [...cases, [375, 500, 94, 2], [375, 500, 95, 4], [10, 10, 64, 8]]
  ) {
    assert.equal(decodeScale(width, height, size), scale, `${width} × ${height} → ${size}`);
  }
});

Deno.test("a smaller scale changes the base picture by less than 2 levels on average", async () => {
  const sizes = [[500, 375, 64], [500, 375, 188], [1003, 751, 94], [1000, 750, 224], [1997, 1501, 224], [
    600,
    1801,
    64,
  ]];
  for (const [width, height, size] of sizes) {
    for (const chromaSubsampling of ["4:2:0", "4:4:4"]) {
      const file = new Uint8Array(
        await large(width, height).jpeg({ quality: 90, chromaSubsampling }).toBuffer(),
      );
      const decoder = openDecoder({ size, workers: 1 });
      const base = await decoder.base(file);
      decoder.close();
      const difference = mean(base, basePicture(await decodePicture(file), size));
      assert.ok(difference < 2, `${width} × ${height} ${chromaSubsampling} → ${size}: ${difference}`);
    }
  }
});

Deno.test("the quick resize is within one level of PIL's, and constants stay constant", () => {
  for (
    const [width, height, size] of [[200, 150, 224], [200, 150, 64], [200, 37, 16], [61, 150, 61], [3, 2, 40]]
  ) {
    const data = photo.data.slice(0, width * height * 3), out = new Uint8Array(size * size * 3);
    quickBasePicture(width, height, { width, height }, (pixels) => pixels.set(data), size, out);
    const exact = basePicture({ width, height, data }, size);
    assert.ok(worst(out, exact) <= 1, `${width} × ${height} → ${size}: ${worst(out, exact)}`);
    assert.ok(mean(out, exact) < 0.2, `${width} × ${height} → ${size}: ${mean(out, exact)}`);
    for (const value of [0, 1, 128, 254, 255]) {
      quickBasePicture(width, height, { width, height }, (pixels) => pixels.fill(value), size, out);
      assert.ok(out.every((byte) => byte === value), `${value} at ${width} × ${height} → ${size}`);
    }
  }
});

Deno.test("orientation, grey, CMYK, other formats: the decoder sees what decodePicture sees", async () => {
  const files: Uint8Array[] = [await png(3, 300, 200), await png(4, 20, 10)];
  for (let orientation = 1; orientation <= 8; orientation++) {
    files.push(
      new Uint8Array(await large(300, 210).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer()),
    );
  }
  files.push(new Uint8Array(await large(300, 210).greyscale().jpeg().toBuffer()));
  files.push(new Uint8Array(await large(300, 210).toColourspace("cmyk").jpeg().toBuffer()));
  const decoder = openDecoder({ size: 96, workers: 2 });
  const bases = await Promise.all(files.map((file) => decoder.base(file)));
  for (const [i, file] of files.entries()) {
    const expected = basePicture(await decodePicture(file), 96);
    assert.ok(mean(bases[i], expected) < 1.5, `file ${i}: ${mean(bases[i], expected)}`);
  }
  assert.ok(worst(bases[2], bases[3]) > 40, "a mirrored picture is another one");
  decoder.close();
});

Deno.test("the memory of base pictures is used again, and nothing is mixed up", async () => {
  const files = await Promise.all([1, 2, 3, 4, 5].map((tone) => png(tone, 200, 150)));
  const decoder = openDecoder({ size: 48, workers: 3 });
  const expected = await Promise.all(files.map(async (file) => basePicture(await decodePicture(file), 48)));
  for (let round = 0; round < 6; round++) {
    await Promise.all(files.map(async (file, i) => {
      const base = await decoder.base(file);
      assert.deepEqual(base, expected[i]);
      decoder.reuse(base);
    }));
  }
  decoder.close();
});

Deno.test({
  name: "libjpeg-turbo's own library refuses damage and a second header, and stays usable",
  ignore: turboPath() === null,
  async fn() {
    const file = new Uint8Array(await large(300, 210).jpeg().toBuffer());
    const turbo = openTurbo(turboPath())!, out = new Uint8Array(32 * 32 * 3);
    const header = readJpegHeader(file);
    turbo.base(file, header, 32, out);
    const good = out.slice();
    assert.throws(() => turbo.base(file.subarray(0, 900), header, 32, out), { name: "PictureError" });
    assert.throws(() => turbo.base(file, { ...header, width: 8 }, 32, out), /two headers/);
    assert.throws(() => turbo.base(file, { ...header, components: 4 }, 32, out), /unusual/);
    turbo.base(file, header, 32, out);
    assert.deepEqual(out, good);
    turbo.close();
    assert.equal(openTurbo("/nowhere/libturbojpeg.so"), null);
  },
});
