import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { decodePicture, sniff } from "../../../src/data/picture/decode.ts";
import { PictureError } from "../../../src/data/types.ts";
import { gradient } from "../pictures.ts";

interface Bmp {
  width: number;
  /** Below 0: the top row first. */
  height: number;
  bits: number;
  compression?: number;
  pixels: number[];
  palette?: number[];
  masks?: number[];
  /** Bytes of the second header: 40 (Windows), 124 (with masks in it), 12 (OS/2). */
  header?: number;
}

function bmp(
  { width, height, bits, compression = 0, pixels, palette = [], masks = [], header = 40 }: Bmp,
): Uint8Array {
  const behind = header < 52 ? 4 * masks.length : 0, start = 14 + header + behind + palette.length;
  const bytes = new Uint8Array(start + pixels.length), data = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  data.setUint32(2, bytes.length, true);
  data.setUint32(10, start, true);
  data.setUint32(14, header, true);
  if (header === 12) [width, height, 1, bits].forEach((value, i) => data.setUint16(18 + 2 * i, value, true));
  else {
    data.setInt32(18, width, true);
    data.setInt32(22, height, true);
    data.setUint16(26, 1, true);
    data.setUint16(28, bits, true);
    data.setUint32(30, compression, true);
    if (palette.length > 0) data.setUint32(46, palette.length / 4, true);
  }
  masks.forEach((mask, i) => data.setUint32(54 + 4 * i, mask, true));
  bytes.set(palette, 14 + header + behind);
  bytes.set(pixels, start);
  return bytes;
}

const RED = [255, 0, 0], GREEN = [0, 255, 0], BLUE = [0, 0, 255], WHITE = [255, 255, 255], BLACK = [0, 0, 0];
/** Blue, green, red and a byte of nothing. */
const PALETTE = [0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];

/** The rows of a picture, three numbers a pixel. */
async function rowsOf(bytes: Uint8Array): Promise<number[][]> {
  const { width, height, data } = await decodePicture(bytes);
  return Array.from({ length: height }, (_, y) => [...data.subarray(3 * width * y, 3 * width * (y + 1))]);
}

Deno.test("BMP: every depth, both row orders, palettes, run lengths, bit fields, both systems' headers", async () => {
  const top = [...RED, ...GREEN], bottom = [...BLUE, ...BLACK], two = [top, bottom];
  const cases: Record<string, [Bmp, number[][]]> = {
    "24 bits": [{
      width: 2,
      height: 2,
      bits: 24,
      pixels: [255, 0, 0, 0, 0, 0, 9, 9, 0, 0, 255, 0, 255, 0, 9, 9],
    }, two],
    "top row first": [
      { width: 2, height: -2, bits: 24, pixels: [0, 0, 255, 0, 255, 0, 9, 9, 255, 0, 0, 0, 0, 0] },
      two,
    ],
    "32 bits": [
      { width: 2, height: 2, bits: 32, pixels: [255, 0, 0, 7, 0, 0, 0, 7, 0, 0, 255, 7, 0, 255, 0, 7] },
      two,
    ],
    "8 bits": [{ width: 2, height: 2, bits: 8, palette: PALETTE, pixels: [3, 0, 9, 9, 1, 2, 9, 9] }, two],
    "4 bits": [
      { width: 2, height: 2, bits: 4, palette: PALETTE, pixels: [0x30, 9, 9, 9, 0x12, 9, 9, 9] },
      two,
    ],
    "2 bits": [{
      width: 2,
      height: 2,
      bits: 2,
      palette: PALETTE,
      pixels: [0b11000000, 9, 9, 9, 0b01100000, 9, 9, 9],
    }, two],
    "1 bit": [
      { width: 2, height: 1, bits: 1, palette: PALETTE.slice(0, 8), pixels: [0b10000000, 0, 0, 0] },
      [[...RED, ...BLACK]],
    ],
    "OS/2": [
      {
        width: 2,
        height: 1,
        bits: 1,
        header: 12,
        palette: [0, 0, 0, 255, 255, 255],
        pixels: [0b01000000, 0, 0, 0],
      },
      [[...BLACK, ...WHITE]],
    ],
    "5-5-5": [{ width: 2, height: 1, bits: 16, pixels: [0x00, 0x7c, 0xe0, 0x03] }, [top]],
    "5-6-5": [
      {
        width: 2,
        height: 1,
        bits: 16,
        compression: 3,
        masks: [0xf800, 0x7e0, 0x1f],
        pixels: [0x00, 0xf8, 0xe0, 0x07],
      },
      [top],
    ],
    "alpha on white": [
      {
        width: 2,
        height: 1,
        bits: 32,
        compression: 3,
        header: 124,
        masks: [0xff, 0xff00, 0xff0000, 0xff000000],
        pixels: [255, 0, 0, 255, 0, 0, 0, 0],
      },
      [[...RED, ...WHITE]],
    ],
    "alpha that is nowhere set": [
      {
        width: 2,
        height: 1,
        bits: 32,
        compression: 3,
        header: 124,
        masks: [0xff, 0xff00, 0xff0000, 0xff000000],
        pixels: [255, 0, 0, 0, 0, 255, 0, 0],
      },
      [top],
    ],
    "runs of bytes": [
      {
        width: 4,
        height: 2,
        bits: 8,
        compression: 1,
        palette: PALETTE,
        pixels: [3, 3, 1, 0, 0, 0, 0, 3, 1, 2, 1, 0, 1, 2, 0, 1],
      },
      [[...RED, ...GREEN, ...RED, ...GREEN], [...BLUE, ...BLUE, ...BLUE, ...BLACK]],
    ],
    "runs that leave pixels out": [
      { width: 3, height: 2, bits: 8, compression: 1, palette: PALETTE, pixels: [0, 2, 1, 1, 1, 2, 0, 1] },
      [[...BLACK, ...GREEN, ...BLACK], [...BLACK, ...BLACK, ...BLACK]],
    ],
    "runs of half bytes": [
      { width: 3, height: 1, bits: 4, compression: 2, palette: PALETTE, pixels: [3, 0x12, 0, 0, 0, 1] },
      [[...RED, ...GREEN, ...RED]],
    ],
  };
  for (const [name, [made, expected]] of Object.entries(cases)) {
    const file = bmp(made);
    assert.equal(sniff(file), "bmp", name);
    assert.deepEqual(await rowsOf(file), expected, name);
  }
});

Deno.test("BMP: what cannot be a picture is refused in words", async () => {
  const good: Bmp = { width: 2, height: 1, bits: 24, pixels: [1, 2, 3, 4, 5, 6, 0, 0] };
  const refused = (made: Bmp, words: RegExp) =>
    assert.rejects(decodePicture(bmp(made)), (error) => {
      assert.ok(error instanceof PictureError);
      assert.match(error.message, words);
      return true;
    });
  await refused({ ...good, pixels: [1, 2, 3, 4] }, /a BMP cut short/);
  await refused({ ...good, width: 60_000, height: 60_000 }, /too large \(60000 × 60000\)/);
  await refused({ ...good, width: -2 }, /a BMP of -2 × 1 pixels/);
  await refused({ ...good, bits: 5 }, /5 bits a pixel in compression 0/);
  await refused({ ...good, compression: 4 }, /24 bits a pixel in compression 4/);
  await refused({ width: 3, height: 1, bits: 8, compression: 1, pixels: [9] }, /cut short/);
});

/** What the headers of a bitmap say, the file's length, and the byte that it holds elsewhere. */
type AnyBmp = Record<
  "size" | "width" | "height" | "bits" | "compression" | "start" | "length" | "filler",
  number
>;

/** A bitmap whose headers hold any numbers. */
function anyBmp({ size, width, height, bits, compression, start, length, filler }: AnyBmp): Uint8Array {
  const bytes = new Uint8Array(256).fill(filler), data = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  data.setUint32(10, start, true);
  data.setUint32(14, size, true);
  const [at, wide] = size === 12 ? [24, 2] : [28, 4];
  for (const [i, value] of [width, height].entries()) {
    if (wide === 2) data.setInt16(18 + 2 * i, value, true);
    else data.setInt32(18 + 4 * i, value, true);
  }
  data.setUint16(at, bits, true);
  if (size >= 20) data.setUint32(30, compression, true);
  return bytes.slice(0, length);
}

Deno.test("BMP: bit fields need a header of 40 bytes or more, and stand behind it where it is below 52", async () => {
  for (const [size, length] of [[20, 48], [28, 48], [34, 48], [39, 53], [39, 100]]) {
    for (const compression of [3, 6]) {
      const file = anyBmp({ size, length, compression, width: 1, height: 1, bits: 16, start: 44, filler: 0 });
      await assert.rejects(decodePicture(file), {
        name: "PictureError",
        message: `a BMP of bit fields with a header of ${size} bytes, which has none`,
      });
    }
  }
  const file = bmp({ width: 2, height: 1, bits: 16, compression: 3, header: 44, pixels: [0, 0xf8, 0xe0, 7] });
  const masks = new Uint8Array(Uint32Array.of(0xf800, 0x7e0, 0x1f).buffer);
  const moved = Uint8Array.from([...file.slice(0, 58), ...masks, ...file.slice(58)]);
  moved[10] = 70;
  assert.deepEqual(await rowsOf(moved), [[...RED, ...GREEN]]);
});

Deno.test("BMP: whatever its headers hold, it is a picture or refused", async () => {
  const one = fc.record({
    size: fc.oneof(fc.constantFrom(12, 16, 40, 52, 56, 64, 108, 124), fc.integer({ min: 12, max: 130 })),
    width: fc.integer({ min: -2, max: 20 }),
    height: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)),
    bits: fc.constantFrom(0, 1, 2, 4, 8, 16, 24, 32, 64),
    compression: fc.integer({ min: 0, max: 7 }),
    start: fc.oneof(fc.nat(256), fc.constant(2 ** 32 - 1)),
    length: fc.integer({ min: 18, max: 256 }),
    filler: fc.constantFrom(0, 1, 9, 255),
  });
  await fc.assert(
    fc.asyncProperty(one, async (fields) => {
      try {
        const { width, height, data } = await decodePicture(anyBmp(fields), { maxPixels: 1e5 });
        assert.equal(data.length, 3 * width * height);
      } catch (error) {
        assert.ok(error instanceof PictureError, String(error));
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});

const text = (words: string, ...bytes: number[]) =>
  Uint8Array.from([...new TextEncoder().encode(words), ...bytes]);

Deno.test("Netpbm: binary and text, colour, grey and bits, comments, any largest value", async () => {
  const cases: [Uint8Array, number[]][] = [
    [text("P6\n2 1\n255\n", ...RED, ...GREEN), [...RED, ...GREEN]],
    [text("P6 # made by hand\n2 # two\n 1 255\n", ...RED, ...GREEN, 99), [...RED, ...GREEN]],
    [text("P6\n1 1\n65535\n", 255, 255, 128, 0, 0, 0), [255, 128, 0]],
    [text("P6\n0000001 1\n15\n", 15, 0, 5), [255, 0, 85]],
    [text("P5\n2 1\n255\n", 7, 200), [7, 7, 7, 200, 200, 200]],
    [text("P4\n2 2\n", 0b10000000, 0b01000000), [...BLACK, ...WHITE, ...WHITE, ...BLACK]],
    [text("P3\n2 1 255\n255 0 0\n0 255 0\n"), [...RED, ...GREEN]],
    [text("P2 2 1 1 0 1"), [...BLACK, ...WHITE]],
    [text("P1 2 2\n10\n#\n0 1"), [...BLACK, ...WHITE, ...WHITE, ...BLACK]],
  ];
  for (const [file, expected] of cases) {
    assert.equal(sniff(file), "ppm");
    assert.deepEqual((await rowsOf(file)).flat(), expected);
  }
  for (
    const [file, words] of [
      [text("P6\n2 1\n255\n", 1, 2, 3), /needs 6 bytes of pixels and has 3/],
      [text("P6\n0 1\n255\n"), /of 0 × 1/],
      [text("P6\n1 1\n70000\n", 1, 2, 3), /largest value is 70000/],
      [text("P1\n99999 99999\n"), /too large/],
      [text("P5\n1234567 1\n255\n"), /too large \(1234567 × 1\)/],
      [text("P3\n1 1\n255\n11 22"), /cut short/],
      [text("P3\n9 9\n255\n1 2 3"), /needs 485 bytes of pixels/],
      [text("P6\nx"), null],
    ] as const
  ) {
    await assert.rejects(decodePicture(file), words ?? PictureError);
  }
});

Deno.test("BMP and Netpbm: damaged anywhere, they are pictures or refused, and nothing else", async () => {
  const files = [
    bmp({ width: 9, height: 5, bits: 24, pixels: new Array(28 * 5).fill(7) }),
    bmp({
      width: 9,
      height: 5,
      bits: 8,
      compression: 1,
      palette: PALETTE,
      pixels: [9, 1, 0, 0, 0, 4, 1, 2, 3, 1, 0, 2, 1, 1, 0, 1],
    }),
    bmp({
      width: 4,
      height: 2,
      bits: 16,
      compression: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      pixels: new Array(16).fill(5),
    }),
    text("P6\n3 2\n255\n", ...new Array(18).fill(9)),
    text("P2\n3 2\n255\n1 2 3 4 5 6"),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
      fc.nat(200),
      async (file, changes, cut) => {
        const bytes = file.slice(0, file.length - (cut < 150 ? 0 : cut - 150));
        for (const [at, value] of changes) if (at >= 2 && at < bytes.length) bytes[at] = value;
        try {
          const { width, height, data } = await decodePicture(bytes, { maxPixels: 1e5 });
          assert.equal(data.length, 3 * width * height);
        } catch (error) {
          assert.ok(error instanceof PictureError, String(error));
        }
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("BMP and Netpbm give the same base pictures in the decoder's threads", async () => {
  const { width, height, data } = gradient(24, 16);
  const pixels: number[] = [];
  for (let y = height - 1; y >= 0; y--) {
    for (let x = 0; x < width; x++) for (const c of [2, 1, 0]) pixels.push(data[3 * (y * width + x) + c]);
  }
  const ppm = text(`P6 ${width} ${height} 255 `, ...data), decoder = openDecoder({ size: 8, workers: 1 });
  try {
    const bases = await Promise.all(
      [bmp({ width, height, bits: 24, pixels }), ppm].map((file) => decoder.base(file)),
    );
    assert.deepEqual(bases[0], bases[1]);
  } finally {
    decoder.close();
  }
});
