/** What becomes of a record on its way into a shard: checked, perhaps made smaller, its boxes with it. */
import { openDecoder } from "./decode/decoder.ts";
import { type BadRecord, badRecordOf, type Origin } from "./epoch/epoch.ts";
import type { Reached } from "./epoch/one_pass.ts";
import { resizedObjects } from "./objects.ts";
import { decodePicture, sniff } from "./picture/decode.ts";
import { holdJpegLibrary } from "./picture/jpeg.ts";
import { encodePpm } from "./picture/ppm.ts";
import { resize } from "./picture/resize.ts";
import { BadRecordError, type ImageRecord, PictureError, type PictureObjects } from "./types.ts";

/** What of a picture is stored. */
export interface StoreOptions {
  /** How a picture is checked before it is packed: decoded, or only its first bytes. Default decode. */
  check?: "decode" | "sniff";
  /** Larger pictures are made smaller, their longer side so many pixels, and stored as JPEG. Default: left as they are. */
  maxSide?: number;
  /** Quality of those JPEGs, 1 … 100. Default 90. */
  quality?: number;
  /** Stores the decoded base pictures of this side (docs/spec.md §1.1), instead of the files. Default: the files. */
  raw?: number;
  /** Larger pictures are bad. Default as in {@linkcode decodePicture}. */
  maxPixels?: number;
}

/**
 * Checks the sizes that pictures are packed in.
 *
 * @throws {RangeError} When one is out of range, or two exclude each other.
 */
export function checkSizes({ maxSide, quality, raw }: StoreOptions): void {
  const whole = (name: string, value: number | undefined, most: number) => {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
    throw new RangeError(`${name} must be a whole number from 1 to ${most}, not ${value}`);
  };
  whole("max side", maxSide, 65535);
  whole("quality", quality, 100);
  whole("raw", raw, 65535);
  if (raw !== undefined && maxSide !== undefined) throw new RangeError("raw and max side exclude each other");
  if (quality !== undefined && maxSide === undefined) {
    throw new RangeError("quality is for pictures that are made smaller: give max side too");
  }
}

/** What is stored of a picture, in words. */
export function describePictures({ maxSide, quality = 90, raw }: StoreOptions): string {
  if (raw !== undefined) return `decoded, ${raw} × ${raw}`;
  return maxSide === undefined
    ? "as they were"
    : `at most ${maxSide} pixels, smaller ones as JPEG ${quality}`;
}

/** What is stored of a picture; its size where that is another than the picture's own. */
interface Stored {
  bytes: Uint8Array;
  size?: { width: number; height: number };
}

/** A record that has been looked at. */
export interface Loaded {
  from: Origin;
  result: ImageRecord | BadRecord;
  objects?: PictureObjects;
}

/** Looks at records on their way into shards. */
export interface PackLoader {
  /** Checks whether a record is a picture, and makes what is stored of it and of its objects. */
  load(reached: Reached): Promise<Loaded>;
  /** Ends threads. */
  close(): void;
}

/**
 * Starts to look at records.
 *
 * @param options Checks and sizes.
 * @param withObjects Whether annotated objects are packed, which every record then has.
 */
export function openLoader(options: StoreOptions, withObjects: boolean): PackLoader {
  const { maxSide, quality = 90, raw, maxPixels } = options;
  const library = holdJpegLibrary(),
    decoder = raw === undefined ? null : openDecoder({ size: raw, maxPixels });
  const stored = async (bytes: Uint8Array): Promise<Stored> => {
    if (decoder) {
      const size = { width: raw!, height: raw! }, data = await decoder.base(bytes);
      const file = encodePpm({ ...size, data });
      decoder.reuse(data);
      return { bytes: file, size };
    }
    if (maxSide === undefined && options.check === "sniff") {
      if (sniff(bytes) === null) throw new PictureError("no picture in a known format");
      return { bytes };
    }
    const picture = await decodePicture(bytes, { maxPixels });
    const longer = Math.max(picture.width, picture.height);
    if (maxSide === undefined || longer <= maxSide) return { bytes };
    const side = (pixels: number) => Math.max(1, Math.round(pixels * maxSide / longer));
    const size = { width: side(picture.width), height: side(picture.height) };
    const { encodeJpeg } = await import("./picture/sharp.ts");
    return { bytes: await encodeJpeg(resize(picture, size.width, size.height, "bicubic"), quality), size };
  };
  return {
    async load({ read, from, objects: lookUp }: Reached): Promise<Loaded> {
      let key = "", source = "";
      try {
        const record = await read();
        ({ key, source = "" } = record);
        const { bytes, size } = await stored(record.bytes), result = { ...record, bytes };
        if (!withObjects) return { from, result };
        const objects = lookUp!();
        return { from, result, objects: size ? resizedObjects(objects, size.width, size.height) : objects };
      } catch (error) {
        if (error instanceof BadRecordError) return { from, result: badRecordOf(error) };
        if (error instanceof PictureError) return { from, result: { source, key, reason: error.message } };
        // Any other error is not the fault of one picture.
        throw error;
      }
    },
    close() {
      decoder?.close();
      library[Symbol.dispose]();
    },
  };
}
