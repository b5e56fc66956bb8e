/** Threads that pictures' files go to, with the memory for what becomes of them. */
import { refuseLarge, sniff } from "../picture/decode.ts";
import { holdJpegLibrary } from "../picture/jpeg.ts";
import { isPlain, type JpegHeader, readJpegHeader } from "../picture/jpeg_header.ts";
import { type Preparation, preparedBytes } from "../picture/preparation.ts";
import { turboPath } from "../picture/turbo_library.ts";
import type { Picture, RecordPlace } from "../types.ts";
import { type Slots, slots } from "./batch_memory.ts";
import { type Made, threads } from "./threads.ts";

/** Smaller pictures are worked on by the calling thread: sending them to another would take longer. */
export const SMALL = 128 * 128;

/** Threads for picture files. */
export interface FilePool {
  memory: Slots;
  /** False where the JPEG library is missing, so that threads can decode hardly anything. */
  readonly decodes: boolean;
  /** Gives the picture, or where its record stands, to a thread. */
  run(picture: Uint8Array | Picture | RecordPlace): Promise<Made>;
  /** What a thread makes of a picture; null for what must be looked at in another way. */
  made(picture: Uint8Array | Picture): Promise<Uint8Array | null>;
  /**
   * What a thread makes of a plain JPEG; null for other files, and for what libvips may still accept or say more of.
   *
   * @throws {PictureError} It is larger than allowed, or has no header.
   */
  jpeg(file: Uint8Array): Promise<{ bytes: Uint8Array; header: JpegHeader } | null>;
  /** Ends the threads. Nothing may be running. */
  close(): void;
}

/** How the pool works. */
export interface FilePoolOptions {
  /** What is made of pictures. */
  how: Preparation;
  /** JPEGs are decoded at a smaller scale, where that covers a base picture; else in full. */
  quick: boolean;
  maxPixels: number;
  /** Threads. Default, also for 0: as many as cores. */
  workers?: number;
  /** Results in a piece of memory. */
  group: number;
}

/** Opens it. Threads start when there is work for them. */
export function filePool({ how, quick, maxPixels, workers, group }: FilePoolOptions): FilePool {
  const turbo = turboPath(), library = holdJpegLibrary(), memory = slots(preparedBytes(how), group);
  const pool = threads(
    workers || navigator.hardwareConcurrency,
    { turbo, how, quick, maxPixels },
    memory,
  );
  const made = async (picture: Uint8Array | Picture): Promise<Uint8Array | null> => {
    const { good, slot } = await pool.run(picture);
    if (good) return memory.view(slot);
    memory.free(slot);
    return null;
  };
  return {
    memory,
    decodes: turbo !== null,
    run: pool.run,
    made,
    async jpeg(file) {
      if (turbo === null || sniff(file) !== "jpeg") return null;
      const header = readJpegHeader(file);
      refuseLarge(header, maxPixels);
      const bytes = isPlain(header) ? await made(file) : null;
      return bytes && { bytes, header };
    },
    close() {
      pool.close();
      library[Symbol.dispose]();
    },
  };
}
