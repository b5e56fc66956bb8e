/** Files that decoders show although something about them is wrong, and files that are cut short. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { openDecoder } from "../../../src/data/decode/decoder.ts";
import { decodePicture } from "../../../src/data/picture/decode.ts";
import { reachesEnd, readJpegHeader } from "../../../src/data/picture/jpeg_header.ts";
import { pngChunk } from "../../../src/data/picture/png.ts";
import { mendPng } from "../../../src/data/picture/png_mend.ts";
import { basePicture } from "../../../src/data/picture/resize.ts";
import { decodeSharp } from "../../../src/data/picture/sharp.ts";
import { type Picture, PictureError } from "../../../src/data/types.ts";
import { draw, gradient, jpeg, worst } from "../pictures.ts";

const bytesOf = (...parts: (Uint8Array | number[])[]) =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));

/** A JPEG's segments up to its first scan: marker, where it begins, and where it ends. */
function segments(file: Uint8Array): { marker: number; at: number; end: number }[] {
  const found = [];
  for (let at = 2;;) {
    const marker = file[at + 1], end = at + 2 + file[at + 2] * 256 + file[at + 3];
    found.push({ marker, at, end });
    if (marker === 0xda) return found;
    at = end;
  }
}

const insert = (file: Uint8Array, at: number, ...more: number[]) =>
  bytesOf(file.subarray(0, at), more, file.subarray(at));

/** The same picture in files as phones, editors and broken downloads leave them. */
function oddJpegs(file: Uint8Array): Record<string, Uint8Array> {
  const all = segments(file), scan = all.at(-1)!;
  const frame = all.find(({ marker }) => marker >= 0xc0 && marker <= 0xc2)!;
  const parameters = (...three: number[]) =>
    bytesOf(file.subarray(0, scan.end - 3), three, file.subarray(scan.end));
  const baseline: Record<string, Uint8Array> = readJpegHeader(file).progressive ? {} : {
    "scan parameters 0, 0, 0": parameters(0, 0, 0),
    "scan parameters 0, 63, 1": parameters(0, 63, 1),
    "scan parameters 1, 63, 0": parameters(1, 63, 0),
  };
  return {
    ...baseline,
    "bytes before the end": insert(file, file.length - 2, 1, 2, 3),
    "bytes before the scan": insert(file, scan.at, 0, 17),
    "bytes before the frame": insert(file, frame.at, 0, 0),
    "fill bytes": insert(file, scan.at, 0xff, 0xff, 0xff),
    "bytes behind the end": bytesOf(file, new Uint8Array(300).fill(7)),
    "two pictures": bytesOf(file, file),
    "an Adobe marker of no known kind": insert(
      file,
      2,
      ...[0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 7],
    ),
    "an empty segment": insert(file, 2, 0xff, 0xe5, 0, 2),
    "a segment too short to count itself": insert(file, 2, 0xff, 0xe5, 0, 0),
    "EXIF that is none": insert(file, 2, 0xff, 0xe1, 0, 12, 0x45, 0x78, 0x69, 0x66, 0, 0, 1, 2, 3, 4),
    "a profile in parts that are missing": insert(
      file,
      2,
      ...[0xff, 0xe2, 0, 20, ...new TextEncoder().encode("ICC_PROFILE\0"), 2, 5, 1, 2, 3, 4],
    ),
  };
}

const files = async () => {
  const picture = draw(gradient(64, 48));
  const quality = { quality: 95 };
  const grey = draw(gradient(64, 48)).toColourspace("b-w");
  return {
    "4:2:0": new Uint8Array(
      await picture.clone().jpeg({ ...quality, chromaSubsampling: "4:2:0" }).toBuffer(),
    ),
    "4:4:4": new Uint8Array(
      await picture.clone().jpeg({ ...quality, chromaSubsampling: "4:4:4" }).toBuffer(),
    ),
    progressive: new Uint8Array(await picture.clone().jpeg({ ...quality, progressive: true }).toBuffer()),
    grey: new Uint8Array(await grey.jpeg(quality).toBuffer()),
  };
};

Deno.test("a JPEG that decoders only warn of is a picture: by both decoders, in full and as base picture", async () => {
  const decoder = openDecoder({ size: 24, workers: 1 });
  try {
    for (const [kind, file] of Object.entries(await files())) {
      const whole = await decodePicture(file), base = (await decoder.base(file)).slice();
      for (const [fault, odd] of Object.entries(oddJpegs(file))) {
        const got = await decodePicture(odd), what = `${kind}: ${fault}`;
        assert.equal(worst(got.data, whole.data), 0, what);
        assert.equal(worst(await decoder.base(odd), base), 0, what);
        const other = await decodeSharp(odd, { maxPixels: 1e6 });
        assert.ok(worst(other.data, whole.data) <= 8, `${what}, by libvips`);
      }
    }
  } finally {
    decoder.close();
  }
});

Deno.test("data that ends at the end marker is a picture, as browsers show it; without the marker it is cut short", async () => {
  const decoder = openDecoder({ size: 24, workers: 1 });
  try {
    for (const [kind, file] of Object.entries(await files())) {
      const whole = await decodePicture(file), scan = segments(file).at(-1)!.end;
      const half = file.subarray(0, Math.floor((scan + file.length) / 2));
      const ended = await decodePicture(bytesOf(half, [0xff, 0xd9]));
      const { width } = whole;
      if (kind !== "progressive") {
        assert.ok(worst(ended.data.subarray(0, width * 24), whole.data.subarray(0, width * 24)) <= 1, kind);
      }
      const cuts = [
        half,
        file.subarray(0, -1),
        file.subarray(0, -2),
        file.subarray(0, -9),
        bytesOf(half, [0xff]),
      ];
      for (const cut of cuts) {
        assert.ok(!reachesEnd(cut, readJpegHeader(cut)));
        for (const decode of [() => decodePicture(cut), () => decoder.base(cut)]) {
          await assert.rejects(decode, (error) => {
            assert.ok(error instanceof PictureError && /JPEG cut short: no end marker/.test(error.message));
            return true;
          });
        }
      }
    }
    // An end marker inside a thumbnail's segment is not the picture's.
    const file = await jpeg(), thumbnail = [0xff, 0xe1, 0, 8, 0xff, 0xd8, 0xff, 0xd9, 0xff, 0xd9];
    const inside = insert(file, 2, ...thumbnail), header = readJpegHeader(inside);
    assert.ok(reachesEnd(inside, header) && !reachesEnd(inside.subarray(0, -2), header));
  } finally {
    decoder.close();
  }
});

Deno.test("what is decoded depends on no other file: after a bad header, and without tables of its own", async () => {
  const file = (await files())["4:2:0"], decoder = openDecoder({ size: 24, workers: 1 });
  const base = (await decoder.base(file)).slice(), bad = file.slice();
  // The first table of codes says that it is longer than its segment.
  const table = segments(file).find(({ marker }) => marker === 0xc4)!.at;
  bad.fill(255, table + 5, table + 21);
  await assert.rejects(decoder.base(bad), PictureError);
  assert.deepEqual(await decoder.base(file), base);
  const tables = segments(file).filter(({ marker }) => marker === 0xdb);
  const bare = bytesOf(file.subarray(0, tables[0].at), file.subarray(tables.at(-1)!.end));
  await assert.rejects(decoder.base(bare), /Quantization table 0x00 was not defined/);
  decoder.close();
});

Deno.test("a warned JPEG decodes to the base picture of its whole, smaller scales and orientation included", async () => {
  const file = new Uint8Array(
    await draw(gradient(400, 300)).withMetadata({ orientation: 6 }).jpeg({ quality: 90 }).toBuffer(),
  );
  const odd = insert(file, segments(file).at(-1)!.at, 0, 17);
  const decoder = openDecoder({ size: 32, workers: 1 });
  assert.deepEqual(await decoder.base(odd), await decoder.base(file));
  decoder.close();
  const { width, height } = await decodePicture(odd);
  assert.deepEqual([width, height], [300, 400]);
});

/** A PNG in parts: header, chunks before the pixels, unpacked and packed pixels. */
async function png(picture = gradient(40, 30)) {
  const file = new Uint8Array(await draw(picture).png({ palette: false }).toBuffer());
  const view = new DataView(file.buffer), chunks: { type: string; content: Uint8Array }[] = [];
  for (let at = 8; at < file.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    chunks.push({ type, content: file.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  const header = chunks[0].content;
  const pixels = bytesOf(...chunks.filter(({ type }) => type === "IDAT").map(({ content }) => content));
  return { file, header, pixels };
}

/** A chunk whose checksum is wrong. */
function wrongSum(type: string, content: Uint8Array): Uint8Array {
  const chunk = pngChunk(type, content);
  chunk[chunk.length - 1] ^= 1;
  return chunk;
}

Deno.test("a PNG is a picture where its pixels are whole, whatever else is wrong", async () => {
  const { file, header, pixels } = await png(), whole = gradient(40, 30);
  const signature = file.subarray(0, 8), end = pngChunk("IEND", new Uint8Array());
  const head = bytesOf(signature, pngChunk("IHDR", header));
  const broken = bytesOf([120, 0, 0], inflateSync(pixels).subarray(0, 9));
  const cases: Record<string, Uint8Array> = {
    "no end": bytesOf(head, pngChunk("IDAT", pixels)),
    "cut in the checksum of the pixels": bytesOf(head, pngChunk("IDAT", pixels).subarray(0, -3)),
    "cut in the last bytes of the packed pixels": bytesOf(head, pngChunk("IDAT", pixels).subarray(0, -6)),
    "a wrong checksum of the pixels": bytesOf(head, wrongSum("IDAT", pixels), end),
    "a wrong checksum of a text": bytesOf(
      head,
      wrongSum("tEXt", Uint8Array.of(65, 0, 66)),
      pngChunk("IDAT", pixels),
      end,
    ),
    "a profile that is none": bytesOf(head, pngChunk("iCCP", broken), pngChunk("IDAT", pixels), end),
    "more behind the end": bytesOf(file, [1, 2, 3]),
    "an empty part of the pixels": bytesOf(
      head,
      pngChunk("IDAT", new Uint8Array()),
      pngChunk("IDAT", pixels),
      end,
    ),
  };
  for (const [fault, odd] of Object.entries(cases)) {
    assert.equal(worst((await decodePicture(odd)).data, whole.data), 0, fault);
  }
  const short = pixels.subarray(0, -60), wrong = pixels.slice();
  wrong[wrong.length - 1] ^= 1;
  for (
    const cut of [
      bytesOf(head, pngChunk("IDAT", short), end),
      bytesOf(head, pngChunk("IDAT", wrong), end),
      head,
    ]
  ) {
    await assert.rejects(decodePicture(cut), (error) => error instanceof PictureError);
  }
  assert.equal(mendPng(cases["no end"], 100), null, "too many pixels");
  // Orientation stays.
  const turned = new Uint8Array(await draw(whole).withMetadata({ orientation: 6 }).png().toBuffer());
  const { width, height } = await decodePicture(turned.subarray(0, turned.length - 12 - 6));
  assert.deepEqual([width, height], [30, 40]);
});

Deno.test("an interlaced PNG whose end is missing", async () => {
  const whole = gradient(13, 9);
  const file = new Uint8Array(await draw(whole).png({ progressive: true }).toBuffer());
  assert.equal(file[28], 1);
  assert.equal(worst((await decodePicture(file.subarray(0, file.length - 12 - 5))).data, whole.data), 0);
});

Deno.test("other formats: what is cut short is none, what stands behind is passed over", async () => {
  const picture = gradient(40, 30);
  const made = {
    webp: await draw(picture).webp({ lossless: true }).toBuffer(),
    gif: await draw(picture).gif().toBuffer(),
    tiff: await draw(picture).tiff({ compression: "none" }).toBuffer(),
  };
  for (const [format, file] of Object.entries(made)) {
    const whole = await decodePicture(new Uint8Array(file));
    assert.equal(worst((await decodePicture(bytesOf(file, [1, 2, 3]))).data, whole.data), 0, format);
    await assert.rejects(
      decodePicture(new Uint8Array(file.subarray(0, file.length * .6))),
      PictureError,
      format,
    );
  }
});

Deno.test("CMYK has the colours that Pillow gives it", async () => {
  const file = await Deno.readFile(new URL("../../fixtures/cmyk-pil-24x18.jpg", import.meta.url));
  // Drawn without black, then darkened to four fifths by black alone.
  const { width, height, data } = gradient(24, 18), dark = data.map((value) => Math.round(value * 0.8));
  assert.equal(readJpegHeader(file).components, 4);
  const got = await decodePicture(file);
  assert.deepEqual([got.width, got.height], [width, height]);
  assert.ok(worst(got.data, dark) <= 2, `${worst(got.data, dark)}`);
  const decoder = openDecoder({ size: 12, workers: 1 });
  const expected: Picture = { width, height, data: got.data };
  assert.deepEqual(await decoder.base(file), basePicture(expected, 12));
  decoder.close();
});

Deno.test("an AVIF sequence gives its first picture", async () => {
  const file = new Uint8Array(await draw(gradient(32, 24)).avif({ quality: 90 }).toBuffer());
  const whole = await decodePicture(file);
  file.set(new TextEncoder().encode("avis"), 8);
  assert.deepEqual(await decodePicture(file), whole);
});

Deno.test("a TIFF of luma and chroma without JPEG comes to its colours", async () => {
  const flat: Picture = { width: 4, height: 3, data: new Uint8Array(36) };
  // Pure red as JPEG stores it.
  for (let at = 0; at < 36; at += 3) flat.data.set([76, 85, 255], at);
  const plain = new Uint8Array(await draw(flat).tiff({ compression: "none" }).toBuffer());
  const view = new DataView(plain.buffer), directory = view.getUint32(4, true);
  const entries = Array.from({ length: view.getUint16(directory, true) }, (_, i) => directory + 2 + 12 * i);
  const at = (tag: number) => entries.find((entry) => view.getUint16(entry, true) === tag)!;
  view.setUint16(at(262) + 8, 6, true);
  // There is no tag for subsampling, whose default is half.
  await assert.rejects(decodePicture(plain), /a TIFF of subsampled YCbCr/);
  // Into the place of the last tag that is not needed: tags are in order.
  const last = entries.at(-1)!;
  view.setUint16(last, 530, true);
  view.setUint16(last + 2, 3, true);
  view.setUint32(last + 4, 2, true);
  view.setUint16(last + 8, 1, true);
  view.setUint16(last + 10, 1, true);
  const { data } = await decodePicture(plain);
  assert.ok(worst(data, flat.data.map((_, i) => i % 3 === 0 ? 254 : 0)) <= 1, `${data.subarray(0, 3)}`);
});

/** A BigTIFF of two pixels, by its own tags: number, type (3: two bytes, 16: eight) and values. */
function bigTiff(
  pixels: readonly number[],
  photometric: number,
  littleEndian: boolean,
  extra?: number,
): Uint8Array {
  const samples = pixels.length / 2;
  const tags: [tag: number, type: 3 | 16, values: number[]][] = [
    [256, 3, [2]],
    [257, 3, [1]],
    [258, 3, Array(samples).fill(8)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 16, [16]],
    [277, 3, [samples]],
    [278, 3, [1]],
    [279, 16, [pixels.length]],
    ...extra === undefined ? [] : [[338, 3, [extra]] as [number, 3, number[]]],
    [530, 3, [1, 1]],
  ];
  const directory = 24,
    file = new Uint8Array(directory + 8 + 20 * tags.length + 8),
    view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(littleEndian ? "II+\0\x08\0\0\0" : "MM\0+\0\x08\0\0"));
  view.setBigUint64(8, BigInt(directory), littleEndian);
  file.set(pixels, 16);
  view.setBigUint64(directory, BigInt(tags.length), littleEndian);
  tags.forEach(([tag, type, values], i) => {
    const at = directory + 8 + 20 * i;
    view.setUint16(at, tag, littleEndian);
    view.setUint16(at + 2, type, littleEndian);
    view.setBigUint64(at + 4, BigInt(values.length), littleEndian);
    if (type === 16) view.setBigUint64(at + 12, BigInt(values[0]), littleEndian);
    else values.forEach((value, n) => view.setUint16(at + 12 + 2 * n, value, littleEndian));
  });
  return file;
}

Deno.test("a BigTIFF is a TIFF, in both orders of bytes, of red, green and blue or of luma and chroma", async () => {
  for (const littleEndian of [true, false]) {
    const pixels = [250, 3, 100, 0, 90, 255];
    const plain = await decodePicture(bigTiff(pixels, 2, littleEndian));
    assert.deepEqual([plain.width, plain.height, [...plain.data]], [2, 1, pixels]);
    // Pure red as JPEG stores it.
    const red = await decodePicture(bigTiff([76, 85, 255, 76, 85, 255], 6, littleEndian));
    assert.ok(worst(red.data, Uint8Array.of(254, 0, 0, 254, 0, 0)) <= 1, `${red.data}`);
  }
});

Deno.test("a TIFF's extra samples are transparency where it says so, and else are none", async () => {
  const colours = [[250, 3, 100], [0, 90, 255]], pixels = colours.flatMap((colour) => [...colour, 51]);
  const infrared = await decodePicture(bigTiff(pixels, 2, true, 0));
  assert.deepEqual([...infrared.data], colours.flat());
  const transparent = await decodePicture(bigTiff(pixels, 2, true, 2));
  assert.ok(worst(transparent.data, Uint8Array.from(colours.flat(), (value) => 204 + value / 5)) <= 1);
  const grey = await decodePicture(bigTiff([200, 51, 40, 51], 1, false, 0));
  assert.deepEqual([...grey.data], [200, 200, 200, 40, 40, 40]);
});

Deno.test("a reason that the library repeats for each strip is told once", async () => {
  const { data } = gradient(64, 64), size = { width: 64, height: 64, channels: 3 } as const;
  const file = new Uint8Array(await draw({ ...size, data }).tiff({ compression: "deflate" }).toBuffer());
  // Of no known kind.
  const view = new DataView(file.buffer), directory = view.getUint32(4, true);
  for (let i = 0, at = directory + 2; i < view.getUint16(directory, true); i++, at += 12) {
    if (view.getUint16(at, true) === 259) view.setUint16(at + 8, 34925, true);
  }
  await assert.rejects(decodePicture(file), ({ message }: Error) => {
    const reasons = message.replace("TIFF cannot be decoded: ", "").split("; ");
    assert.equal(new Set(reasons).size, reasons.length, message);
    return true;
  });
});
