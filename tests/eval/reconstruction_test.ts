import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { openSource } from "../../src/data/open/open_data.ts";
import { openWasm } from "../../src/engine/wasm.ts";
import { canvas, paste, write } from "../../src/data/picture/drawing.ts";
import { pixelRows } from "../../src/eval/pixels.ts";
import { encodePng } from "../../src/data/picture/png.ts";
import { drawReconstructions, reconstruct, reconstructionPicture } from "../../src/eval/reconstruction.ts";
import { initModel } from "../../src/model/init.ts";
import { colourFolder, TOY, toyPictures, withFolder } from "./toy.ts";

const engine = await openWasm();

Deno.test("png: what is encoded is decoded again", async () => {
  const picture = { width: 7, height: 5, data: Uint8Array.from({ length: 105 }, (_, i) => (i * 53) % 256) };
  assert.deepEqual(await decodePicture(encodePng(picture)), picture);
});

Deno.test("drawing: letters and pictures stand where they should", () => {
  const sheet = canvas(12, 8, [0, 0, 0]);
  write(sheet, "li", 0, 0, 1, [9, 9, 9]);
  const rows = Array.from(
    { length: 7 },
    (_, y) => Array.from({ length: 12 }, (_, x) => sheet.data[(y * 12 + x) * 3] ? "#" : ".").join(""),
  );
  assert.deepEqual(rows, [
    "#......###..",
    "#.......#...",
    "#.......#...",
    "#.......#...",
    "#.......#...",
    "#.......#...",
    "#####..###..",
  ]);
  const large = canvas(4, 4, [0, 0, 0]);
  paste(large, Uint8Array.of(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4), 2, 0, 0, 2);
  const red = [...large.data].filter((_, i) => i % 3 === 0);
  assert.deepEqual(red, [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
});

Deno.test("pixels: averaged over equal squares", () => {
  const size = 4, picture = Uint8Array.from({ length: 48 }, (_, i) => i);
  const { rows, width, data } = pixelRows(picture, size, 2);
  assert.deepEqual([rows, width], [1, 12]);
  // Pixels 0, 1, 4 and 5 make the first square; its red bytes are 0, 3, 12 and 15.
  assert.equal(data[0], (0 + 3 + 12 + 15) / 4);
  assert.equal(data[11], (32 + 35 + 44 + 47) / 4);
  assert.deepEqual([...pixelRows(picture, size, 4).data], [...picture]);
  assert.throws(() => pixelRows(picture, size, 3), /do not divide into 3/);
});

Deno.test("reconstruction: masked and given cells, and pictures as bytes", async () => {
  const pictures = toyPictures(4);
  const shown = await reconstruct(engine, TOY, initModel(TOY, 0), pictures, 5);
  assert.equal(shown.crop.length, pictures.length);
  assert.equal(shown.image.length, pictures.length);
  assert.equal(shown.mask.length, 4 * 16);
  for (let i = 0; i < 4; i++) {
    const mask = shown.mask.subarray(i * 16, (i + 1) * 16);
    assert.ok(mask.every((cell) => cell === 0 || cell === 1));
    // Crops are between 30 and 60 % of the area, so some cells are given and some are not.
    assert.ok(mask.includes(0) && mask.includes(1));
  }
  // What stands in the sheet's rows: the picture first, in the last the picture where it was given.
  const sheet = drawReconstructions(TOY, shown), scale = 8, side = 128, gap = 6;
  const left = sheet.width - 4 * (side + gap);
  const pixel = (row: number, y: number, x: number) => {
    const at = ((gap + row * (side + gap) + y * scale + 4) * sheet.width + left + x * scale + 4) * 3;
    return [...sheet.data.subarray(at, at + 3)];
  };
  for (let y = 0; y < 16; y++) {
    for (let x = 0; x < 16; x++) {
      const at = (y * 16 + x) * 3, masked = shown.mask[Math.floor(y / 4) * 4 + Math.floor(x / 4)] === 1;
      const of = (bytes: Uint8Array) => [...bytes.subarray(at, at + 3)];
      assert.deepEqual(pixel(0, y, x), of(pictures));
      assert.deepEqual(pixel(1, y, x), of(shown.crop));
      if (masked) assert.deepEqual(pixel(2, y, x), [176, 176, 176]);
      else assert.deepEqual(pixel(2, y, x), of(pictures));
      assert.deepEqual(pixel(3, y, x), of(shown.image));
      assert.deepEqual(pixel(4, y, x), of(masked ? shown.image : pictures));
    }
  }
});

Deno.test("reconstruction: a file is written whole; bad pictures are passed over", () =>
  withFolder(async (folder) => {
    const data = await colourFolder(join(folder, "data"), 2);
    await Deno.writeTextFile(join(data, "red", "0.png"), "no picture");
    const source = await openSource(data), file = join(folder, "out.png");
    await reconstructionPicture({ engine, config: TOY, state: initModel(TOY, 0), source, file, count: 10 });
    await source.close();
    const sheet = await decodePicture(await Deno.readFile(file));
    // Five of six pictures can be read.
    assert.equal(sheet.width - (6 + 11 * 12 + 6), 5 * 134);
    assert.equal(sheet.height, 6 + 5 * 134);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(), [
      "data",
      "out.png",
    ]);
  }));
