/** Options that a program may give by mistake: an error at once that names them, not a hang or another picture. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { closeData, type Data, dataLength, dataUri } from "../../src/data/open/data.ts";
import { decodePicture } from "../../src/data/picture/decode.ts";
import { evaluationPicture, resize } from "../../src/data/picture/resize.ts";
import { openData, openSource } from "../../src/data/open/open_data.ts";
import { reportData } from "../../src/data/report.ts";
import { select } from "../../src/data/sources/select.ts";
import { streamBatches, type StreamOptions } from "../../src/data/stream.ts";
import type { Source } from "../../src/data/types.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { type Purpose, randomStream } from "../../src/random.ts";
import { DEFAULT_VIEWS, sampleView, type ViewOptions } from "../../src/views/sample.ts";
import { withFolder } from "../with_folder.ts";
import { png } from "./pictures.ts";

const file = await png(7, 20, 14);
const source: Source = {
  ...{ uri: "memory", length: 4, labels: [] },
  get: (index) => Promise.resolve({ key: `${index}`, bytes: file }),
  key: (index) => Promise.resolve(`${index}`),
  close: () => Promise.resolve(),
};
const views: ViewOptions = { ...DEFAULT_VIEWS, imageSize: 16 };
const options: StreamOptions = { imageSize: 16, batchSize: 2, seed: 0, views };

Deno.test("views: each option that is missing or out of its bounds is named, before anything is read", () => {
  const wrong: [Partial<Record<keyof ViewOptions, unknown>>, RegExp][] = [
    [{ flip: NaN }, /^flip of views is NaN; it must be a number from 0 to 1$/],
    [{ cropScale: [0.5, NaN] }, /^cropScale of views is \[0\.5, NaN\]; it must be two numbers from 0 to 1$/],
    [{ cropScale: 0.5 }, /^cropScale of views is 0\.5; it must be two numbers/],
    [{ cropRatio: [0, 1] }, /^cropRatio of views .* from 0\.01 to 100$/],
    [{ brightness: 5 }, /^brightness of views is 5/],
    [{ hue: 0.6 }, /^hue of views is 0\.6; it must be a number from 0 to 0\.5$/],
    [{ blurRadius: [-1, 2] }, /^blurRadius of views is \[-1, 2\]; it must be two numbers from 0 up$/],
    [{ solarise: undefined }, /^solarise of views is undefined/],
    [{ imageSize: NaN }, /^views need an imageSize, a whole number of at least 1, not NaN$/],
  ];
  for (const [given, message] of wrong) {
    const views = { ...options.views, ...given } as ViewOptions;
    assert.throws(() => sampleView(views, 0, 0, 0, 0), { name: "RangeError", message });
    assert.throws(() => streamBatches(source, { ...options, views }), { name: "RangeError", message });
  }
  assert.throws(() => sampleView(views, 0, 0, 0, 2 as 1), /view number 2 is neither 0 nor 1/);
});

Deno.test("a stream's other options, and a source without pictures or with fewer than processes", () => {
  const refuses = (given: Partial<StreamOptions>, message: RegExp) =>
    assert.throws(() => streamBatches(source, { ...options, ...given }), { name: "RangeError", message });
  refuses({ views: undefined }, /^views need an imageSize/);
  for (const cacheBytes of [NaN, -1]) refuses({ cacheBytes }, /^cache bytes must be a number from 0 up/);
  for (const maxPixels of [NaN, -1]) refuses({ maxPixels }, /^max pixels must be a number from 0 up/);
  refuses({ bad: NaN }, /^bad records so far must be a whole number/);
  refuses({ process: "0/5" }, /^memory: the data set of 4 pictures cannot be divided among 5 processes$/);
  assert.throws(
    () => streamBatches(select(source, []), options),
    /^RangeError: memory: the data set has no picture$/,
  );
});

Deno.test("data is named by a path or an address, and a stream takes what was opened", () =>
  withFolder(async (folder) => {
    const photos = join(folder, "a b");
    await Deno.mkdir(photos);
    await Deno.writeFile(join(photos, "1.png"), file);
    for (const open of [openData, openSource] as ((uri: unknown) => Promise<Data>)[]) {
      for (const uri of [photos, pathToFileURL(photos), pathToFileURL(photos).href]) {
        const data = await open(uri);
        assert.deepEqual([dataLength(data), dataUri(data)], [1, photos]);
        await closeData(data);
      }
      for (const uri of [undefined, null, 5]) {
        await assert.rejects(open(uri), new RegExp(`^TypeError: .*, not by ${uri}$`));
      }
    }
    for (const data of ["photos", Promise.resolve(source), undefined, null]) {
      assert.throws(
        () => streamBatches(data as unknown as Source, options),
        /^TypeError: opened data is needed here/,
      );
    }
  }));

Deno.test("random numbers have a purpose, and a seed and a place of 32 bits", () => {
  for (const seed of [-1, NaN, 0.5, 2 ** 32]) {
    assert.throws(
      () => randomStream(seed, "view"),
      /^RangeError: .*seed and place are whole numbers from 0 to 4294967295$/,
    );
    assert.throws(() => randomStream(0, "view", 0, seed), RangeError);
  }
  assert.throws(() => randomStream(0, "nothing" as Purpose), /^RangeError: random numbers for "nothing"/);
});

Deno.test("pictures: sides that are no whole numbers, unknown filters, limits that are none", async () => {
  const picture = { width: 4, height: 3, data: new Uint8Array(36) };
  assert.throws(() => evaluationPicture(picture, 2.5), /^RangeError: size must be a whole number of pixels/);
  for (const shorter of [NaN, 3.5]) {
    assert.throws(
      () => evaluationPicture(picture, 2, shorter),
      /^RangeError: the shorter side must be a whole number/,
    );
  }
  assert.throws(
    () => resize(picture, 2, 2, "nearest" as "bicubic"),
    /^RangeError: there is no filter "nearest"/,
  );
  for (const maxPixels of [NaN, -1]) {
    await assert.rejects(decodePicture(file, { maxPixels }), /^RangeError: maxPixels is/);
  }
  for (const given of [{ count: NaN }, { count: -1 }, { sheet: -1 }, { sheet: 0.5 }]) {
    await assert.rejects(
      reportData(source, given),
      /^RangeError: (count|sheet) must be a whole number of at least 0/,
    );
  }
  const tensor = { dtype: "F32", shape: [2], data: new Int32Array(2) } as const;
  assert.throws(
    () => encodeSafetensors({ a: tensor }),
    /tensor "a" is said to be F32, but its data are a Int32Array/,
  );
});
