import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "npm:sharp@0.35.5";
import { encodePng, pngChunk, SIGNATURE } from "../../../src/data/picture/png.ts";
import { encodeJpeg } from "../../../src/data/picture/sharp.ts";
import { maskedFiles } from "../../../src/eval/segmentation/masked_files.ts";
import { readColoured } from "../../../src/eval/segmentation/masks.ts";
import { withFolder } from "../../with_folder.ts";

/** A PNG of one row: of palette entries, or of grey numbers with `bits` bits; less than 8 are packed in bytes. */
function png(
  row: readonly number[],
  bits: number,
  palette?: Uint8Array,
  { width = row.length, transparent }: { width?: number; transparent?: readonly number[] } = {},
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, 1);
  header.set([bits, palette ? 3 : 0], 8);
  const bytes = row.flatMap((number) => bits === 16 ? [number >> 8, number & 255] : [number]);
  const parts = [
    Uint8Array.from(SIGNATURE),
    pngChunk("IHDR", header),
    ...palette ? [pngChunk("PLTE", palette)] : [],
    ...transparent ? [pngChunk("tRNS", Uint8Array.from(transparent))] : [],
    pngChunk("IDAT", deflateSync(Uint8Array.of(0, ...bytes))),
    pngChunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

/** The colours of a mask of four pixels in a row. */
async function coloursOf(folder: string, mask: Uint8Array): Promise<number[]> {
  for (const name of ["images", "masks"]) await Deno.mkdir(join(folder, name), { recursive: true });
  await Deno.writeFile(
    join(folder, "images/7.png"),
    encodePng({ width: 4, height: 1, data: new Uint8Array(12) }),
  );
  await Deno.writeFile(join(folder, "masks/7.png"), mask);
  const [file] = await maskedFiles(folder);
  return [...(await readColoured(file, 4)).colours.subarray(0, 4)];
}

Deno.test("entry 255 of a palette does not count, whatever its colour", () =>
  withFolder(async (folder) => {
    const palette = Uint8Array.from({ length: 768 }, (_, i) => i % 3 === 0 ? Math.floor(i / 3) : 7);
    palette.set([224, 224, 192], 3 * 255);
    const colours = await coloursOf(folder, png([0, 1, 255, 2], 8, palette));
    assert.deepEqual(colours, [0x000707, 0x010707, 0xffffff, 0x020707]);
    palette.set([224, 224, 192], 3 * 1);
    assert.deepEqual(await coloursOf(folder, png([0, 1, 255, 2], 8, palette)), [
      0x000707,
      0xe0e0c0,
      0xffffff,
      0x020707,
    ]);
    // Two others of one colour, both in the picture, would be one class.
    palette.set(palette.subarray(0, 3), 3 * 2);
    await assert.rejects(
      coloursOf(folder, png([0, 1, 255, 2], 8, palette)),
      /masks\/7\.png: entries 0 and 2 of its palette have one colour/,
    );
    assert.deepEqual((await coloursOf(folder, png([0, 1, 3, 1], 8, palette)))[2], 0x030707);
  }));

Deno.test("a palette of few entries, interlaced or with transparent entries, gives its own colours", () =>
  withFolder(async (folder) => {
    const palette = Uint8Array.of(9, 8, 7, 200, 100, 0);
    // Two bits an entry; entry 0 is marked as transparent.
    const mask = png([0b00_01_00_01], 2, palette, { transparent: [0], width: 4 });
    assert.deepEqual(await coloursOf(folder, mask), [0x090807, 0xc86400, 0x090807, 0xc86400]);
    assert.deepEqual(await coloursOf(folder, png([0b0001_0010, 0b0100_1111], 4, undefined, { width: 4 })), [
      0x111111,
      0x222222,
      0x444444,
      0xffffff,
    ]);
    const grey = await sharp(new Uint8Array([5, 6, 7, 8]), { raw: { width: 4, height: 1, channels: 1 } })
      .toColourspace("b-w").png({ progressive: true }).toBuffer();
    assert.deepEqual(await coloursOf(folder, grey), [0x050505, 0x060606, 0x070707, 0x080808]);
  }));

Deno.test("masks with transparent pixels are refused, those that could have some are not", () =>
  withFolder(async (folder) => {
    const rgba = (alpha: number) =>
      sharp(Uint8Array.of(1, 2, 3, 255, 4, 5, 6, alpha, 1, 2, 3, 255, 1, 2, 3, 255), {
        raw: { width: 4, height: 1, channels: 4 },
      });
    for (const file of [rgba(0).png(), rgba(128).webp({ lossless: true })]) {
      await assert.rejects(coloursOf(folder, await file.toBuffer()), /7\.png: has transparent pixels/);
    }
    assert.deepEqual(await coloursOf(folder, await rgba(255).png().toBuffer()), [
      0x010203,
      0x040506,
      0x010203,
      0x010203,
    ]);
  }));

Deno.test("a WebP with loss is refused in the extended container, too, and so is AVIF; without loss it is a mask", () =>
  withFolder(async (folder) => {
    const picture = () => sharp(new Uint8Array(12).fill(77), { raw: { width: 4, height: 1, channels: 3 } });
    const extended = await picture().withExif({ IFD0: { Copyright: "x" } }).webp().toBuffer();
    assert.equal(extended.subarray(12, 16).toString(), "VP8X");
    await assert.rejects(coloursOf(folder, extended), /is a WebP with loss/);
    const exact = await picture().withExif({ IFD0: { Copyright: "x" } }).webp({ lossless: true }).toBuffer();
    assert.equal(exact.subarray(12, 16).toString(), "VP8X");
    assert.deepEqual(await coloursOf(folder, exact), [0x4d4d4d, 0x4d4d4d, 0x4d4d4d, 0x4d4d4d]);
    await assert.rejects(coloursOf(folder, await picture().avif().toBuffer()), /is an AVIF, which changes/);
  }));

Deno.test("a TIFF compressed with loss is refused; one without loss is a mask", () =>
  withFolder(async (folder) => {
    const tiff = (compression: "jpeg" | "webp" | "lzw" | "deflate") =>
      sharp(new Uint8Array(12).fill(77), { raw: { width: 4, height: 1, channels: 3 } }).tiff({ compression })
        .toBuffer();
    for (const compression of ["jpeg", "webp"] as const) {
      await assert.rejects(
        coloursOf(folder, await tiff(compression)),
        /masks\/7\.png: is a TIFF compressed as JPEG or WebP are, which changes colours/,
        compression,
      );
    }
    for (const compression of ["lzw", "deflate"] as const) {
      assert.deepEqual(await coloursOf(folder, await tiff(compression)), Array(4).fill(0x4d4d4d));
    }
  }));

Deno.test("two pictures or two masks whose names differ in their endings alone are refused", () =>
  withFolder(async (folder) => {
    await coloursOf(folder, png([1, 2, 3, 4], 8));
    for (const name of ["images", "masks"]) {
      const other = join(folder, name, "7.bmp");
      await Deno.writeFile(other, png([4, 3, 2, 1], 8));
      await assert.rejects(
        maskedFiles(folder),
        new RegExp(`${name}/7\\.bmp and 7\\.png differ in their endings alone, .* keep one$`),
      );
      await Deno.remove(other);
    }
    assert.equal((await maskedFiles(folder)).length, 1);
  }));

Deno.test("a picture that EXIF turns so that the mask's size does not tell which way is refused", () =>
  withFolder(async (folder) => {
    const pixels = (width: number, height: number, orientation: number) =>
      sharp(new Uint8Array(width * height * 3), { raw: { width, height, channels: 3 } })
        .withMetadata({ orientation }).png().toBuffer();
    const read = async (picture: Promise<Uint8Array>, mask: Promise<Uint8Array>) => {
      for (const name of ["images", "masks"]) await Deno.mkdir(join(folder, name), { recursive: true });
      await Deno.writeFile(join(folder, "images/7.png"), await picture);
      await Deno.writeFile(join(folder, "masks/7.png"), await mask);
      return await readColoured((await maskedFiles(folder))[0], 2);
    };
    for (const [orientation, height] of [[2, 1], [3, 1], [6, 4]]) {
      await assert.rejects(
        read(pixels(4, height, orientation), pixels(4, height, 1)),
        new RegExp(`nothing tells whether .* orientations: 1 of the mask, ${orientation} of the picture`),
      );
    }
    // As it is shown; turned with it; as it is stored.
    await read(pixels(4, 1, 6), pixels(1, 4, 1));
    await read(pixels(4, 1, 3), pixels(4, 1, 3));
    await assert.rejects(
      read(pixels(4, 1, 6), pixels(4, 1, 1)),
      /is 4 × 1 pixels, but its picture is 1 × 4 \(EXIF/,
    );
  }));

Deno.test("masks whose colours are not exact are refused: JPEGs, and 16 bits a channel", () =>
  withFolder(async (folder) => {
    assert.deepEqual(await coloursOf(folder, png([0, 1, 255, 2], 8)), [0, 0x010101, 0xffffff, 0x020202]);
    const jpeg = await encodeJpeg({ width: 4, height: 1, data: new Uint8Array(12) }, 95);
    await assert.rejects(coloursOf(folder, jpeg), /masks\/7\.png: is a JPEG, which changes colours/);
    await assert.rejects(coloursOf(folder, png([0, 1, 2, 300], 16)), /7\.png: has 16 bits a channel/);
    // A TIFF of one grey strip: width, height, bits, no compression, black is 0, place of its pixels, their bytes.
    const entries = [[256, 4], [257, 1], [258, 16], [259, 1], [262, 1], [273, 122], [277, 1], [278, 1], [
      279,
      8,
    ]];
    const tiff = new Uint8Array(130), view = new DataView(tiff.buffer);
    tiff.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, entries.length, 0]);
    entries.forEach(([tag, value], i) => {
      view.setUint16(10 + 12 * i, tag, true);
      view.setUint16(12 + 12 * i, 3, true);
      view.setUint32(14 + 12 * i, 1, true);
      view.setUint16(18 + 12 * i, value, true);
    });
    await assert.rejects(coloursOf(folder, tiff), /7\.png: has 16 bits a channel/);
  }));
