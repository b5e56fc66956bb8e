import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { encodePng, pngChunk, SIGNATURE } from "../../../src/data/picture/png.ts";
import { encodeJpeg } from "../../../src/data/picture/sharp.ts";
import { maskedFiles, readColoured } from "../../../src/eval/segmentation/masks.ts";
import { withFolder } from "../../with_folder.ts";

/** A PNG of one row: of palette entries, or of grey numbers with `bits` bits. */
function png(row: readonly number[], bits: number, palette?: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, row.length);
  view.setUint32(4, 1);
  header.set([bits, palette ? 3 : 0], 8);
  const bytes = row.flatMap((number) => bits === 16 ? [number >> 8, number & 255] : [number]);
  const parts = [
    Uint8Array.from(SIGNATURE),
    pngChunk("IHDR", header),
    ...palette ? [pngChunk("PLTE", palette)] : [],
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

Deno.test("entry 255 of a palette does not count, unless another entry has its colour", () =>
  withFolder(async (folder) => {
    const palette = Uint8Array.from({ length: 768 }, (_, i) => i % 3 === 0 ? Math.floor(i / 3) : 7);
    palette.set([224, 224, 192], 3 * 255);
    const colours = await coloursOf(folder, png([0, 1, 255, 2], 8, palette));
    assert.deepEqual(colours, [0x000707, 0x010707, 0xffffff, 0x020707]);
    palette.set([224, 224, 192], 3 * 1);
    assert.deepEqual(await coloursOf(folder, png([0, 1, 255, 2], 8, palette)), [
      0x000707,
      0xe0e0c0,
      0xe0e0c0,
      0x020707,
    ]);
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
