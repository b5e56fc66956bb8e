/** TIFFs whose pixels are floating-point numbers, wide whole ones, or more than colours. */
import assert from "node:assert/strict";
import { decodePicture } from "../../../src/data/picture/decode.ts";

interface Kind {
  /** Bits of a value; 3 for floating-point numbers, 1 for whole ones. */
  bits: number;
  format: number;
  /** Values a pixel; 1 for grey from black to white, 2 for colours. */
  samples: number;
  photometric: number;
}

/** A TIFF of one row, values as their bytes. */
function tiffOf({ bits, format, samples, photometric }: Kind, values: ArrayBuffer): Uint8Array {
  const width = values.byteLength / (samples * bits / 8), extra = samples - (photometric === 2 ? 3 : 1);
  const lists = 8 + values.byteLength, repeated = (value: number) => Array<number>(samples).fill(value);
  const tags: [tag: number, values: number[]][] = [
    [256, [width]],
    [257, [1]],
    [258, repeated(bits)],
    [259, [1]],
    [262, [photometric]],
    [273, [8]],
    [277, [samples]],
    [278, [1]],
    [279, [values.byteLength]],
    ...(extra > 0 ? [[338, Array<number>(extra).fill(samples === 4 && photometric === 2 ? 2 : 0)]] : []) as [
      number,
      number[],
    ][],
    [339, repeated(format)],
  ];
  const out = new DataView(new ArrayBuffer(lists + 1000));
  new Uint8Array(out.buffer).set([0x49, 0x49, 42, 0]);
  new Uint8Array(out.buffer).set(new Uint8Array(values), 8);
  let free = lists;
  const entries = tags.map(([tag, list]): [number, number, number | number[]] => {
    if (list.length <= 2) return [tag, list.length, list];
    list.forEach((value, i) => out.setUint16(free + 2 * i, value, true));
    free += 2 * list.length;
    return [tag, list.length, free - 2 * list.length];
  });
  const directory = free + free % 2;
  out.setUint32(4, directory, true);
  out.setUint16(directory, entries.length, true);
  entries.forEach(([tag, count, value], i) => {
    const at = directory + 2 + 12 * i;
    out.setUint16(at, tag, true);
    out.setUint16(at + 2, 3, true);
    out.setUint32(at + 4, count, true);
    if (typeof value === "number") out.setUint32(at + 8, value, true);
    else value.forEach((one, k) => out.setUint16(at + 8 + 2 * k, one, true));
  });
  return new Uint8Array(out.buffer);
}

const grey = { bits: 32, format: 3, samples: 1, photometric: 1 };
const colours = { ...grey, samples: 3, photometric: 2 };
const pixels = async (file: Uint8Array) => [...(await decodePicture(file)).data];

Deno.test("a TIFF of floating-point numbers up to 1 is as light as they say; others go to 255 or 65,535", async () => {
  const shares = [0, .25, .5, 1], light = [0, 64, 128, 255];
  for (const full of [1, 255, 65_535]) {
    const values = Float32Array.from(shares, (share) => share * full);
    const found = await pixels(tiffOf(grey, values.buffer));
    assert.deepEqual(found, light.flatMap((one) => [one, one, one]), `grey up to ${full}`);
    const three = Float32Array.of(0, full / 4, full, full / 2, 0, 0);
    assert.deepEqual(await pixels(tiffOf(colours, three.buffer)), [0, 64, 255, 128, 0, 0], `RGB to ${full}`);
  }
  const odd = Float32Array.of(NaN, -3, 1, .5);
  assert.deepEqual((await pixels(tiffOf(grey, odd.buffer))).filter((_, i) => i % 3 === 0), [0, 0, 255, 128]);
});

Deno.test("a TIFF of floating-point numbers is laid on white where it is transparent", async () => {
  const values = Float32Array.of(1, 0, 0, 1, 1, 0, 0, .5, 1, 0, 0, 0);
  const file = tiffOf({ ...colours, samples: 4 }, values.buffer);
  assert.deepEqual(await pixels(file), [255, 0, 0, 255, 128, 128, 255, 255, 255]);
});

Deno.test("a TIFF of whole numbers of 32 bits is no black picture", async () => {
  const values = Uint32Array.of(0, 2 ** 30, 2 ** 32 - 1);
  const found = await pixels(tiffOf({ ...grey, format: 1 }, values.buffer));
  assert.deepEqual(found.filter((_, i) => i % 3 === 0), [0, 64, 255]);
});

Deno.test("a TIFF of bands that are no colours is refused by what it is", async () => {
  for (const samples of [4, 13]) {
    const file = tiffOf(
      { bits: 16, format: 1, samples, photometric: 1 },
      new Uint16Array(samples * 2).fill(9).buffer,
    );
    await assert.rejects(
      decodePicture(file),
      new RegExp(`a TIFF of ${samples} bands, .*write three of them`),
    );
  }
});
