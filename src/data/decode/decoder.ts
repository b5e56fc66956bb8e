import { decodePicture, MAX_PIXELS } from "../picture/decode.ts";
import { basePicture } from "../picture/resize.ts";
import type { RecordPlace } from "../types.ts";
import { filePool, SMALL } from "./file_pool.ts";

/** Makes base pictures of picture files, on several threads. */
export interface Decoder {
  /**
   * Decodes a file and resizes it to the base picture (docs/spec.md §1.1). A JPEG is decoded at the smallest fast scale that still
   * covers the base picture, which changes no byte by more than 2 on average.
   *
   * @returns A view of memory that is used again after {@linkcode Decoder.reuse}.
   * @throws {PictureError} As {@linkcode decodePicture}.
   */
  base(bytes: Uint8Array): Promise<Uint8Array>;
  /**
   * The same of a record that a thread reads itself: nothing but the result crosses threads.
   *
   * @returns Null if this does not work, also for bad records: then read the record through its source.
   */
  baseAt(place: RecordPlace): Promise<{ key?: string; base: Uint8Array } | null>;
  /** False while {@linkcode Decoder.baseAt} would be slower, because a disk keeps threads waiting or pictures are no JPEGs. */
  readonly reads: boolean;
  /** Takes back a base picture that is no longer needed; its memory is used again. */
  reuse(base: Uint8Array): void;
  /**
   * The base pictures side by side without a copy, if they were stored in this order; else null. Reusing the result
   * reuses all of them.
   */
  together(bases: readonly Uint8Array[]): Uint8Array | null;
  /** Begins a new row of pictures for {@linkcode Decoder.together}. */
  align(): void;
  /** Ends the threads. Nothing may be running. */
  close(): void;
}

/** How a decoder works. */
export interface DecoderOptions {
  /** Side of the base pictures in pixels. */
  size: number;
  /** Threads. Default, also for 0: as many as cores. They are started when the first picture comes. */
  workers?: number;
  /** Pictures that may be used {@linkcode Decoder.together}. Default 16. */
  group?: number;
  /** Larger pictures are refused. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
}

/** A read that takes more milliseconds counts as waiting for the disk. */
const SLOW_READ = 0.3;
/** How much the last record counts in the share of those that were waited for or could not be done. */
const LAST = 1 / 64;
/** Pictures after which it is tried again. */
const AGAIN = 2000;

/**
 * Opens a decoder. What it gives depends on the file and the size only, not on the number of threads.
 *
 * Plain JPEGs are decoded and resized in workers. Other formats are decoded by libvips, on threads of its own, and only
 * their pixels go to the workers.
 */
export function openDecoder(options: DecoderOptions): Decoder {
  const { size, maxPixels = MAX_PIXELS } = options;
  const { workers, group = 16 } = options;
  const pool = filePool({ how: { kind: "base", size }, quick: true, maxPixels, workers, group });
  const { memory } = pool;
  let slow = 0, since = 0;

  const reads = () => {
    if (!pool.decodes) return false;
    // If most reads wait for the disk, many asynchronous reads at once are faster than one per thread.
    if (slow < 0.5) return true;
    if (++since < AGAIN) return false;
    since = slow = 0;
    return true;
  };
  return {
    async base(bytes) {
      const jpeg = await pool.jpeg(bytes);
      if (jpeg) return jpeg.bytes;
      const picture = await decodePicture(bytes, { maxPixels });
      const { width, height } = picture;
      // Packed as base pictures: there is nothing to do, and nothing is copied.
      if (width === size && height === size) return picture.data;
      if (width * height >= SMALL) return (await pool.made(picture))!;
      return basePicture(picture, size, memory.view(memory.take()));
    },
    async baseAt(place) {
      const { good, slot, key, reading } = await pool.run(place);
      slow += LAST * (Number(!good || reading > SLOW_READ) - slow);
      if (good) return { key, base: memory.view(slot) };
      memory.free(slot);
      return null;
    },
    get reads() {
      return reads();
    },
    reuse: (base) => memory.give(base),
    together: (bases) => memory.whole(bases),
    align: () => memory.align(),
    close: pool.close,
  };
}
