/** Batches of bags: some pictures of each of some bags, mirrored and erased at random. */
import { permutation } from "../../data/epoch/permutation.ts";
import { prefetch } from "../../data/iter.ts";
import { decodePicture } from "../../data/picture/decode.ts";
import { holdJpegLibrary } from "../../data/picture/jpeg.ts";
import { resize } from "../../data/picture/resize.ts";
import type { BagList } from "../../data/sources/people/bags.ts";
import type { FolderedSource } from "../../data/sources/people/numbered_folders.ts";
import { BadRecordError, type Batch, type Cursor, PictureError } from "../../data/types.ts";
import { requireWhole } from "../../text/whole.ts";
import { type RandomStream, randomStream } from "../../random.ts";
import { MEAN } from "../../views/render.ts";
import { checkBags, type Ranges, recordsOf } from "./bags.ts";

/** What batches are made of. */
export interface BagBatchOptions {
  /** Sides of the encoder's input in pixels. */
  height: number;
  width: number;
  /** Bags in a batch, and pictures of each. */
  bags: number;
  perBag: number;
  seed: number;
  /** Chances that a picture is mirrored, and that a part of it is erased. */
  flip: number;
  erase: number;
  /** Where to begin: a batch's `next`; its position counts bags. Default: the beginning. */
  from?: Cursor;
  /** Bad pictures that were met before. Default 0. */
  bad?: number;
  /** Told of each bad picture; another of its bag takes its place. */
  onBad?: (bad: BadRecordError) => void;
}

/** Share of a picture that is erased, and height / width of that part (random erasing, Zhong et al., AAAI 2020). */
const AREA = [0.02, 0.4] as const, RATIO = [0.3, 1 / 0.3] as const, TRIES = 100;

/** Bad pictures that never stop a run, and the share above which more do. */
const MOST_BAD = 10, MOST_SHARE = .01;

/** Mirrors a picture in place. */
function mirror(data: Uint8Array, width: number): void {
  for (let row = 0; row < data.length; row += width * 3) {
    for (let x = 0; x < width >> 1; x++) {
      const a = row + x * 3, b = row + (width - 1 - x) * 3;
      for (let c = 0; c < 3; c++) [data[a + c], data[b + c]] = [data[b + c], data[a + c]];
    }
  }
}

/** Fills a random part with the mean colour, which is 0 after normalising. */
function erasePart(data: Uint8Array, height: number, width: number, random: RandomStream): void {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const area = random.uniform(...AREA) * height * width, ratio = random.uniform(...RATIO);
    const h = Math.round(Math.sqrt(area * ratio)), w = Math.round(Math.sqrt(area / ratio));
    if (h < 1 || w < 1 || h >= height || w >= width) continue;
    const top = random.integer(0, height - h), left = random.integer(0, width - w);
    const colour = MEAN.map((mean) => Math.round(mean * 255));
    for (let y = top; y < top + h; y++) {
      for (let x = left; x < left + w; x++) data.set(colour, (y * width + x) * 3);
    }
    return;
  }
}

/** Draws places of a bag, none twice before all were drawn. */
function* places(count: number, random: RandomStream): Generator<number, never, void> {
  const drawn = new Set<number>();
  while (true) {
    if (drawn.size === count) drawn.clear();
    let place = random.integer(0, count - 1);
    while (drawn.has(place)) place = (place + 1) % count;
    drawn.add(place);
    yield place;
  }
}

/**
 * Batches of bags, epoch after epoch without end. In each epoch each bag comes once, in an order of the epoch's own; the
 * last ones that fill no batch are left out. What a batch holds depends on source, bags, seed and cursor alone.
 *
 * @param source The training pictures. Not closed.
 * @param list Bags of its folders.
 * @returns Batches whose `base` is B × H × W × 3 bytes, without views; `labels` has the number of each picture's bag.
 * @throws {TypeError} At once, when the source or the list is none.
 * @throws {RangeError} At once, when there are fewer bags than a batch takes, a bag has no picture or no person of the list, or an
 * option cannot be used.
 * @throws {Error} While iterating, when a bag has no picture that can be read, or more than 1 % cannot.
 */
export function bagBatches(
  source: FolderedSource,
  list: BagList,
  options: BagBatchOptions,
): AsyncGenerator<Batch, void, void> {
  checkBags(source, list);
  for (const name of ["height", "width", "bags", "perBag"] as const) requireWhole(name, options[name]);
  for (const name of ["flip", "erase"] as const) {
    const chance = options[name];
    if (!(chance >= 0 && chance <= 1)) {
      throw new RangeError(`${name} is ${chance}; it must be a chance from 0 to 1`);
    }
  }
  if (list.bags.length < options.bags) {
    throw new RangeError(
      `${source.uri}: a batch takes ${options.bags} bags, but there are ${list.bags.length}`,
    );
  }
  return prefetch(batchesOf(source, list, options), 2);
}

async function* batchesOf(
  source: FolderedSource,
  list: BagList,
  options: BagBatchOptions,
): AsyncGenerator<Batch> {
  const { bags: count, perBag, seed, onBad } = options, total = list.bags.length;
  let { epoch, position } = options.from ?? { epoch: 0, position: 0 }, bad = options.bad ?? 0;
  const size = options.height * options.width * 3, perEpoch = Math.floor(total / count);
  const ranges = new Map(source.folders.map((folder) => [folder.name, folder]));
  using _library = holdJpegLibrary();
  while (true) {
    const order = permutation(total, seed, epoch);
    const numbers = Array.from({ length: count }, (_, i) => order(position + i));
    const loaded = await Promise.all(
      numbers.map((bag) => loadBag(source, ranges, list, bag, epoch, options)),
    );
    const pictures = loaded.flatMap(({ pictures }) => pictures);
    // Told in the bags' order, whichever came first.
    for (const one of loaded.flatMap((one) => one.bad)) {
      bad++;
      onBad?.(one);
    }
    // All of the run's, those before it was resumed among them.
    const read = (epoch * perEpoch + position / count + 1) * count * perBag;
    if (bad > Math.max(MOST_BAD, MOST_SHARE * (read + bad))) {
      throw new Error(
        `${source.uri}: ${bad} pictures cannot be read, more than ${100 * MOST_SHARE} % of those drawn`,
      );
    }
    const base = new Uint8Array(pictures.length * size);
    pictures.forEach(({ data }, i) => base.set(data, i * size));
    const after = position + count, whole = after + count <= total;
    const next = whole ? { epoch, position: after } : { epoch: epoch + 1, position: 0 };
    yield {
      epoch,
      indices: pictures.map(({ index }) => index),
      keys: pictures.map(({ key }) => key),
      base,
      views: new Float32Array(0),
      labels: Int32Array.from({ length: pictures.length }, (_, i) => numbers[Math.floor(i / perBag)]),
      next,
      bad,
      came: [],
      shards: [],
    };
    ({ epoch, position } = next);
  }
}

/** One prepared picture. */
interface Loaded {
  index: number;
  key: string;
  data: Uint8Array;
}

/** Draws and prepares the pictures of a bag for an epoch. */
async function loadBag(
  source: FolderedSource,
  ranges: Ranges,
  { bags }: BagList,
  bag: number,
  epoch: number,
  { perBag, seed, height, width, flip, erase }: BagBatchOptions,
): Promise<{ pictures: Loaded[]; bad: BadRecordError[] }> {
  const records = recordsOf(ranges, bags[bag].folders),
    draws = places(records.count, randomStream(seed, "bag", epoch, bag));
  const pictures: Loaded[] = [], bad: BadRecordError[] = [];
  const load = async (index: number, n: number): Promise<Loaded | BadRecordError> => {
    try {
      const { key, bytes } = await source.get(index);
      try {
        const { data } = resize(await decodePicture(bytes), width, height, "bicubic");
        const random = randomStream(seed, "person", epoch, bag, n);
        if (random.uniform() < flip) mirror(data, width);
        if (random.uniform() < erase) erasePart(data, height, width, random);
        return { index, key, data };
      } catch (error) {
        if (error instanceof PictureError) return new BadRecordError(source.uri, key, error.message);
        throw error;
      }
    } catch (error) {
      if (error instanceof BadRecordError) return error;
      throw error;
    }
  };
  for (let drawn = 0; pictures.length < perBag;) {
    if (drawn >= records.count + perBag && pictures.length === 0) {
      throw new Error(`${source.uri}: ${bags[bag].id} has no picture that can be read`);
    }
    const wanted = Array.from({ length: perBag - pictures.length }, () => records.at(draws.next().value));
    const loaded = await Promise.all(wanted.map((index, i) => load(index, drawn + i)));
    drawn += wanted.length;
    for (const one of loaded) one instanceof BadRecordError ? bad.push(one) : pictures.push(one);
  }
  return { pictures, bad };
}
