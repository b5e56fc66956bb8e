/** The parsers of pictures that are the program's own, on bytes that nobody wrote as a picture. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { decodeBmp } from "../../../src/data/picture/bmp.ts";
import {
  firstScan,
  hasManyScans,
  reachesEnd,
  readJpegHeader,
} from "../../../src/data/picture/jpeg_header.ts";
import { pngChunk, SIGNATURE } from "../../../src/data/picture/png.ts";
import { mendPng } from "../../../src/data/picture/png_mend.ts";
import { decodePpm } from "../../../src/data/picture/ppm.ts";
import { isRawYcbcr } from "../../../src/data/picture/tiff.ts";
import { PictureError } from "../../../src/data/types.ts";

const MOST = 10_000;

/** Bytes of which many are small, as lengths and offsets have to be that lead anywhere. */
const bytes = fc.uint8Array({ max: 40, maxLength: 120 }).chain((small) =>
  fc.array(fc.tuple(fc.nat(119), fc.constantFrom(0x00, 0x2a, 0x49, 0x4d, 0xc0, 0xda, 0xe1, 0xff)), {
    maxLength: 12,
  }).map((large) => {
    for (const [at, value] of large) if (at < small.length) small[at] = value;
    return small;
  })
);

const ascii = (text: string) => [...new TextEncoder().encode(text)];

const EXIF = [0xff, 0xd8, 0xff, 0xe1, 0, 60, ...ascii("Exif\0\0MM")];
const INTERLACED = pngChunk("IHDR", Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 1));

/** What files of each kind begin with. */
const BEGINS: Record<string, number[][]> = {
  bmp: [ascii("BM")],
  netpbm: ["P1 ", "P2 3 1 ", "P3\n2 2 255\n", "P4 9 2 ", "P5\n3 3\n300 ", "P6 2 2 255 "].map(ascii),
  jpeg: [[0xff, 0xd8, 0xff], EXIF],
  tiff: [ascii("II*\0"), [...ascii("MM\0*"), 0, 0, 0, 8], [...ascii("II+\0"), 8, 0, 0, 0, 16]],
  png: [[...SIGNATURE], [...SIGNATURE, ...INTERLACED, 0, 0, 0, 30, ...ascii("IDAT")]],
};

/** What is asked of a file before, or instead of, another decoder. */
const PARSERS: Record<string, (file: Uint8Array) => unknown> = {
  bmp: (file) => decodeBmp(file, MOST),
  netpbm: (file) => decodePpm(file, MOST),
  jpeg(file) {
    hasManyScans(file);
    const header = readJpegHeader(file);
    firstScan(file, header);
    reachesEnd(file, header);
  },
  tiff: isRawYcbcr,
  png: (file) => mendPng(file, MOST),
};

for (const [kind, parse] of Object.entries(PARSERS)) {
  Deno.test(`any bytes that begin as ${kind} does are read or refused as no picture`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...BEGINS[kind]), bytes, (begin, rest) => {
        try {
          parse(Uint8Array.from([...begin, ...rest]));
        } catch (error) {
          assert.ok(error instanceof PictureError, String(error));
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
}
