import assert from "node:assert/strict";
import sharp from "npm:sharp@0.35.5";
import type { Sharp } from "npm:sharp@0.35.5";
import fc from "npm:fast-check@4.10.2";
import { decodePicture, sniff } from "../../../src/data/picture/decode.ts";
import { readJpegHeader } from "../../../src/data/picture/jpeg_header.ts";
import { orient } from "../../../src/data/picture/orient.ts";
import { type Picture, PictureError } from "../../../src/data/types.ts";
import { draw, gradient, jpeg, png, worst } from "../pictures.ts";

const picture = gradient(40, 30);
const bytesOf = async (pipeline: Sharp) => new Uint8Array(await pipeline.toBuffer());

/** Decodes and compares with what was drawn. */
async function expectPicture(
  bytes: Uint8Array,
  format: string,
  tolerance: number,
  expected: Picture = picture,
) {
  assert.equal(sniff(bytes), format);
  const got = await decodePicture(bytes);
  assert.deepEqual([got.width, got.height], [expected.width, expected.height]);
  const error = worst(got.data, expected.data);
  assert.ok(error <= tolerance, `${format}: worst error ${error} of 255`);
}

Deno.test("lossless formats come back exactly: PNG, WebP, TIFF, 16 bits, AVIF nearly", async () => {
  await expectPicture(await bytesOf(draw(picture).png()), "png", 0);
  await expectPicture(await bytesOf(draw(picture).webp({ lossless: true })), "webp", 0);
  await expectPicture(await bytesOf(draw(picture).tiff({ compression: "lzw" })), "tiff", 0);
  const deep = await bytesOf(draw(picture).toColourspace("rgb16").png());
  assert.equal((await sharp(deep).metadata()).depth, "ushort");
  await expectPicture(deep, "png", 0);
  await expectPicture(await bytesOf(draw(picture).avif({ lossless: true, effort: 0 })), "avif", 3);
});

Deno.test("JPEG: baseline, progressive, sub-sampled, at full range", async () => {
  const quality = { quality: 98, chromaSubsampling: "4:4:4" };
  await expectPicture(await bytesOf(draw(picture).jpeg(quality)), "jpeg", 6);
  await expectPicture(await bytesOf(draw(picture).jpeg({ ...quality, progressive: true })), "jpeg", 6);
  await expectPicture(
    await bytesOf(draw(picture).jpeg({ quality: 95, chromaSubsampling: "4:2:0" })),
    "jpeg",
    12,
  );
});

Deno.test("a JPEG has the pixels that PIL makes of it", async () => {
  const fixture = (ending: string) =>
    Deno.readFile(new URL(`../../fixtures/jpeg-pil-75x55.${ending}`, import.meta.url));
  const got = await decodePicture(await fixture("jpg")), expected = await fixture("rgb");
  // A quicker transform than PIL's is off by one level on average in red and blue, always to the same side.
  assert.ok(worst(got.data, expected) <= 1);
  for (const channel of [0, 1, 2]) {
    const off = expected.reduce((sum, value, i) => i % 3 === channel ? sum + got.data[i] - value : sum, 0);
    assert.ok(Math.abs(off) < 0.02 * 75 * 55, `channel ${channel}: ${off / (75 * 55)}`);
  }
});

Deno.test("grey becomes three equal channels: JPEG, PNG, 16-bit PNG", async () => {
  const grey = gradient(40, 30);
  for (let i = 0; i < grey.data.length; i += 3) grey.data.fill(grey.data[i], i, i + 3);
  await expectPicture(await bytesOf(draw(grey).toColourspace("b-w").png()), "png", 0, grey);
  await expectPicture(await bytesOf(draw(grey).toColourspace("grey16").png()), "png", 1, grey);
  const file = await bytesOf(draw(grey).toColourspace("b-w").jpeg({ quality: 98 }));
  assert.equal(readJpegHeader(file).components, 1);
  await expectPicture(file, "jpeg", 4, grey);
});

Deno.test("alpha is composited on white", async () => {
  const alpha = new Uint8Array([200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128, 0, 0, 0, 64]);
  const pipeline = () => sharp(alpha, { raw: { width: 4, height: 1, channels: 4 } });
  const white = (value: number, a: number) => Math.round((value * a + 255 * (255 - a)) / 255);
  const expected = [0, 4, 8, 12].flatMap((i) => [0, 1, 2].map((c) => white(alpha[i + c], alpha[i + 3])));
  for (const file of [pipeline().png(), pipeline().webp({ lossless: true, exact: true })]) {
    const got = await decodePicture(await bytesOf(file));
    assert.ok(worst(got.data, new Uint8Array(expected)) <= 1, `${got.data} for ${expected}`);
  }
});

Deno.test("a GIF gives its first frame", async () => {
  const frames = [gradient(8, 6), gradient(8, 6, 3)];
  frames[0].data.fill(40);
  frames[1].data.fill(220);
  const strip = new Uint8Array([...frames[0].data, ...frames[1].data]);
  const file = await bytesOf(
    sharp(strip, { raw: { width: 8, height: 12, channels: 3, pageHeight: 6 } }).gif({
      loop: 0,
      delay: [50, 50],
    }),
  );
  assert.equal((await sharp(file).metadata()).pages, 2);
  await expectPicture(file, "gif", 1, frames[0]);
});

Deno.test("a palette PNG comes back as its colours", async () => {
  const flat: Picture = { width: 4, height: 4, data: new Uint8Array(48).fill(77) };
  await expectPicture(await bytesOf(draw(flat).png({ palette: true })), "png", 0, flat);
});

Deno.test("each EXIF orientation is applied, by both decoders alike", async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const tagged = () => draw(picture).withMetadata({ orientation });
    const swapped = orientation >= 5;
    const fromPng = await decodePicture(await bytesOf(tagged().png()));
    const file = await bytesOf(tagged().jpeg({ quality: 98, chromaSubsampling: "4:4:4" }));
    assert.equal(readJpegHeader(file).orientation, orientation);
    const fromJpeg = await decodePicture(file);
    assert.deepEqual([fromPng.width, fromPng.height], swapped ? [30, 40] : [40, 30]);
    assert.deepEqual([fromJpeg.width, fromJpeg.height], [fromPng.width, fromPng.height]);
    assert.ok(
      worst(fromPng.data, orient(picture, orientation).data) === 0,
      `PNG, orientation ${orientation}`,
    );
    assert.ok(worst(fromJpeg.data, fromPng.data) <= 6, `JPEG, orientation ${orientation}`);
  }
  // Some writers store the number in four bytes.
  for (const little of [true, false]) {
    const entry = new DataView(new ArrayBuffer(32)), file = await bytesOf(draw(picture).jpeg());
    entry.setUint16(0, little ? 0x4949 : 0x4d4d);
    entry.setUint16(2, 42, little);
    entry.setUint32(4, 8, little);
    entry.setUint16(8, 1, little);
    entry.setUint16(10, 0x0112, little);
    entry.setUint16(12, 4, little);
    entry.setUint32(14, 1, little);
    entry.setUint32(18, 6, little);
    const segment = [
      0xff,
      0xe1,
      0,
      40,
      ...new TextEncoder().encode("Exif\0\0"),
      ...new Uint8Array(entry.buffer),
    ];
    const tagged = Uint8Array.from([0xff, 0xd8, ...segment, ...file.subarray(2)]);
    assert.equal(readJpegHeader(tagged).orientation, 6);
    const turned = await decodePicture(tagged);
    assert.deepEqual([turned.width, turned.height], [30, 40]);
  }
  // What each number means, by the corner that holds the stored picture's first pixel.
  const dot: Picture = { width: 3, height: 2, data: new Uint8Array(18) };
  dot.data[0] = 255;
  const corner = { 1: [0, 0], 2: [2, 0], 3: [2, 1], 4: [0, 1], 5: [0, 0], 6: [1, 0], 7: [1, 2], 8: [0, 2] };
  for (const [orientation, [x, y]] of Object.entries(corner)) {
    const turned = orient(dot, Number(orientation));
    assert.equal(turned.data.indexOf(255), (y * turned.width + x) * 3, `orientation ${orientation}`);
  }
});

Deno.test("a picture with too many pixels is refused by its header", async () => {
  const options = { maxPixels: 1000 };
  for (const file of [await jpeg(), await png(0, 40, 30), await bytesOf(draw(picture).webp())]) {
    await assert.rejects(decodePicture(file, options), /too large.*more than the limit of 1000 pixels/);
    assert.equal((await decodePicture(file, { maxPixels: 1200 })).width, 40);
  }
  // A bomb: 60,000 × 60,000 pixels that compress to little. Only its header is there, and only that may be read.
  const bomb = await jpeg();
  const at = bomb.findIndex((byte, i) => byte === 0xff && bomb[i + 1] === 0xc0);
  bomb.set([0xea, 0x60, 0xea, 0x60], at + 5);
  await assert.rejects(decodePicture(bomb), /too large \(60000 × 60000\)/);
});

Deno.test("a picture with a side that no picture has is refused, whoever decodes it", async () => {
  const width = 1_000_001, long = { width, height: 1, data: new Uint8Array(width * 3) };
  const bmp = new Uint8Array(54), header = new DataView(bmp.buffer);
  bmp.set([0x42, 0x4d]);
  for (const [at, value] of [[10, 54], [14, 40], [18, width], [22, 1]]) header.setUint32(at, value, true);
  for (const [at, value] of [[26, 1], [28, 24]]) header.setUint16(at, value, true);
  for (const file of [bmp, await bytesOf(draw(long).png())]) {
    await assert.rejects(decodePicture(file), (error) => {
      assert.ok(error instanceof PictureError);
      assert.match(error.message, /^too large \(1000001 × 1\): a side of more than 1000000 pixels$/);
      return true;
    });
  }
});

Deno.test("what is no picture, or a damaged one, is refused with a reason", async () => {
  const photo = await jpeg(),
    drawing = await png(),
    text = (words: string) => new TextEncoder().encode(words);
  const flipped = drawing.slice();
  flipped[drawing.length - 30] ^= 0x40;
  const cases: [string, Uint8Array, RegExp][] = [
    ["nothing", new Uint8Array(0), /empty/],
    ["a zip", new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0]), /begins with bytes 50 4b 03 04/],
    [
      "an SVG",
      text("<svg width='9' height='9'/>"),
      /no JPEG, PNG, .*, but an SVG drawing: begins with bytes 3c/,
    ],
    ["an SVG with a head", text("<?xml version='1.0'?>\n<svg/>"), /, but an SVG drawing/],
    [
      "a pointer",
      text("version https://git-lfs.github.com/spec/v1\noid sha256:1"),
      /but a pointer of Git LFS/,
    ],
    ["a server's error", text("<!DOCTYPE html><html>"), /but an HTML page, as servers send with an error/],
    [
      "a telephone's",
      text("\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
      /but a HEIC picture; convert it to JPEG or PNG: begins with bytes 00 00/,
    ],
    ["JPEG XL", Uint8Array.of(0xff, 0x0a, 0xfa, 0x1f), /but a JPEG XL picture; convert it to JPEG or PNG:/],
    [
      "JPEG XL in boxes",
      Uint8Array.of(0, 0, 0, 12, ...text("JXL \r\n"), 0x87, 10),
      /but a JPEG XL picture; convert/,
    ],
    [
      "JPEG 2000",
      Uint8Array.of(0, 0, 0, 12, ...text("jP  \r\n"), 0x87, 10),
      /but a JPEG 2000 picture; convert/,
    ],
    ["Photoshop's", text("8BPS\0\x01"), /but a Photoshop picture; convert/],
    ["DICOM", Uint8Array.of(...new Uint8Array(128), ...text("DICM")), /but a DICOM picture; convert/],
    ["a camera's", text("\0\0\0\x18ftypcrx "), /but a camera's raw picture; convert/],
    ["a video", text("\0\0\0\x18ftypisom"), /but a video \(MP4\): begins with/],
    ["noise", Uint8Array.of(0x81, 0x82, 0x83, 0x84), /or PPM picture: begins with bytes 81 82 83 84/],
    ["half a JPEG", photo.slice(0, photo.length / 2), /JPEG cut short: no end marker/],
    ["a JPEG's header", photo.slice(0, 30), /JPEG cut short/],
    ["3 bytes of JPEG", photo.slice(0, 3), /JPEG cut short/],
    ["half a PNG", drawing.slice(0, drawing.length / 2), /PNG cannot be decoded/],
    ["a PNG with a flipped bit", flipped, /PNG cannot be decoded/],
    ["a PNG's signature", drawing.slice(0, 8), /PNG cannot be decoded/],
  ];
  for (const [name, bytes, reason] of cases) {
    await assert.rejects(decodePicture(bytes), (error: Error) => {
      assert.ok(error instanceof PictureError, `${name}: ${error.stack}`);
      assert.match(error.message, reason, name);
      assert.doesNotMatch(error.message, /[:\s]$/, name);
      return true;
    });
  }
});

Deno.test("damaged bytes give a picture or a PictureError, nothing else", async () => {
  const files = [
    await jpeg(),
    await png(),
    await bytesOf(draw(picture).webp()),
    await bytesOf(draw(picture).gif()),
  ];
  const damage = fc.record({
    file: fc.constantFrom(...files),
    keep: fc.double({ min: 0.02, max: 1, noNaN: true }),
    flips: fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ file, keep, flips }) => {
      const bytes = file.slice(0, Math.ceil(file.length * keep));
      for (const [at, mask] of flips) bytes[at % bytes.length] ^= mask;
      try {
        const got = await decodePicture(bytes, { maxPixels: 10_000 });
        assert.equal(got.data.length, got.width * got.height * 3);
      } catch (error) {
        assert.ok(error instanceof PictureError, String((error as Error).stack));
      }
    }),
    { numRuns: 150 },
  );
});
