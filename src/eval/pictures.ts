import { openPreparer } from "../data/decode/preparer.ts";
import { batch, map, range } from "../data/iter.ts";
import { requireSource } from "../data/open/data.ts";
import { type Preparation, preparedBytes } from "../data/picture/preparation.ts";
import {
  BadRecordError,
  type ImageRecord,
  NoPictureError,
  PictureError,
  type Source,
} from "../data/types.ts";

/** The bytes of a decoded record. */
const NONE = new Uint8Array();

/** Prepared pictures, side by side. */
export interface PictureBatch {
  /** count × rows × columns × 3. */
  bytes: Uint8Array;
  keys: string[];
  /** Where each picture stands in its source. */
  indices: number[];
  /** The size of each picture as it was decoded, in pixels. */
  sizes: { width: number; height: number }[];
  /** The pictures' classes by {@linkcode PictureOptions.labelOf}; −1 where one has none. */
  labels: number[];
}

/** How pictures are read. */
export interface PictureOptions {
  /** What is made of a picture. */
  prepare: Preparation;
  /** Pictures in a batch; the last one may be smaller. */
  batchSize: number;
  /** The number of a record's class. Default: its `label`. */
  labelOf?: (record: ImageRecord) => number | undefined;
  /** Called for a record that cannot be used and is left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
}

/**
 * Reads all pictures of a source in order, several at a time.
 *
 * @throws {TypeError} When the source is none.
 * @throws {BadRecordError} A record cannot be used and `onBad` is not there to hear of it. Those without a picture are
 * passed over.
 */
export async function* pictureBatches(source: Source, options: PictureOptions): AsyncGenerator<PictureBatch> {
  requireSource("`source`", source);
  const { batchSize, prepare, onBad, labelOf = ({ label }) => label } = options;
  const length = preparedBytes(prepare), preparer = openPreparer(prepare, source.length);
  const load = async (index: number) => {
    const record = await source.get(index);
    try {
      const made = await preparer.make(record.bytes), { key, label, className } = record;
      return { index, made, key, record: { key, label, className, bytes: NONE } };
    } catch (error) {
      if (error instanceof PictureError) throw new BadRecordError(source.uri, record.key, error.message);
      throw error;
    }
  };
  const tolerant = (index: number) =>
    load(index).catch((error) => {
      if (error instanceof NoPictureError || (onBad && error instanceof BadRecordError)) return error;
      throw error;
    });
  const good = async function* () {
    for await (const item of map(range(0, source.length), tolerant, preparer.concurrency)) {
      if (item instanceof BadRecordError) onBad?.(item);
      else yield item;
    }
  };
  try {
    for await (const items of batch(good(), batchSize)) {
      const bytes = new Uint8Array(items.length * length);
      items.forEach(({ made }, i) => {
        bytes.set(made.bytes, i * length);
        preparer.reuse(made);
      });
      // In the pictures' order, because classes may be numbered in order of appearance.
      const labels = items.map(({ record }) => labelOf(record) ?? -1), keys = items.map(({ key }) => key);
      const sizes = items.map(({ made: { width, height } }) => ({ width, height }));
      yield { bytes, keys, indices: items.map(({ index }) => index), sizes, labels };
    }
  } finally {
    preparer.close();
  }
}

/**
 * All pictures of a source in one batch: for small sources.
 *
 * @throws {Error} When no picture can be read.
 */
export async function allPictures(
  source: Source,
  options: Omit<PictureOptions, "batchSize">,
): Promise<PictureBatch> {
  for await (const all of pictureBatches(source, { ...options, batchSize: source.length })) return all;
  throw new Error(`${source.uri}: holds no picture that can be read`);
}
