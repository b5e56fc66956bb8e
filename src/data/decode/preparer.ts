import { decodePicture, MAX_PIXELS } from "../picture/decode.ts";
import { holdJpegLibrary } from "../picture/jpeg.ts";
import type { JpegHeader } from "../picture/jpeg_header.ts";
import { type Preparation, preparePicture } from "../picture/preparation.ts";
import type { Picture } from "../types.ts";
import { filePool, SMALL } from "./file_pool.ts";

/** A prepared picture, and its size as it was decoded, in pixels. */
export interface Prepared extends Pick<Picture, "width" | "height"> {
  bytes: Uint8Array;
}

/** Prepares picture files for an encoder. */
export interface Preparer {
  /**
   * Decodes a file in full and prepares it.
   *
   * @returns A view of memory that is used again after {@linkcode Preparer.reuse}.
   * @throws {PictureError} As {@linkcode decodePicture}.
   */
  make(file: Uint8Array): Promise<Prepared>;
  /** Takes back what is no longer needed. */
  reuse(prepared: Prepared): void;
  /** How many pictures keep it at work. */
  readonly concurrency: number;
  /** Ends its threads. Nothing may be running. */
  close(): void;
}

/** Fewer pictures are done before threads of their own have started. */
const FEW = 256;
/** Pictures in a piece of memory. */
const GROUP = 16;

/**
 * Opens what prepares pictures, one as {@linkcode decodePicture} and {@linkcode preparePicture} would, byte for byte; many
 * on as many threads as there are cores.
 *
 * @param how What is made of a picture; a function works on the calling thread.
 * @param pictures How many will come, about.
 */
export function openPreparer(
  how: Preparation | ((picture: Picture) => Uint8Array),
  pictures: number,
): Preparer {
  return typeof how === "function" || pictures < FEW
    ? ownThread(typeof how === "function" ? how : (picture) => preparePicture(picture, how))
    : onThreads(how);
}

function ownThread(prepare: (picture: Picture) => Uint8Array): Preparer {
  const library = holdJpegLibrary();
  return {
    async make(file) {
      const picture = await decodePicture(file), { width, height } = picture;
      return { bytes: prepare(picture), width, height };
    },
    reuse: () => {},
    concurrency: 2 * navigator.hardwareConcurrency,
    close: () => library[Symbol.dispose](),
  };
}

/** A JPEG's size as it is looked at. */
function uprightSize({ width, height, orientation }: JpegHeader): Pick<Picture, "width" | "height"> {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

function onThreads(how: Preparation): Preparer {
  const pool = filePool({ how, quick: false, maxPixels: MAX_PIXELS, group: GROUP });
  return {
    async make(file) {
      const jpeg = await pool.jpeg(file);
      if (jpeg) return { bytes: jpeg.bytes, ...uprightSize(jpeg.header) };
      const picture = await decodePicture(file), { width, height } = picture;
      const bytes = width * height >= SMALL ? (await pool.made(picture))! : preparePicture(picture, how);
      return { bytes, width, height };
    },
    reuse: ({ bytes }) => pool.memory.give(bytes),
    concurrency: 16 * navigator.hardwareConcurrency,
    close: pool.close,
  };
}
