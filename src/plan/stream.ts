/** What feeds a step with pictures. */

/**
 * Pictures that one core decodes and samples in a second, as docs/performance.md measures them on an AMD server
 * processor: photographs of 500×375 as JPEG, and shards that hold base pictures of 224×224 as they are.
 */
export const DECODED = { jpeg: 1440, raw: 9700 } as const;

/** Bytes of a photograph of 500×375 as JPEG, the mean of ImageNet's training set. */
export const JPEG_BYTES = 110_000;

/** What the stream needs, to keep the devices busy. */
export interface StreamNeed {
  /** Cores of all nodes together that decode JPEGs; that read raw shards. */
  cores: number;
  rawCores: number;
  /** Bytes a second from disk or network: of JPEGs, of raw shards. */
  bytes: number;
  rawBytes: number;
}

/**
 * What the stream of pictures needs.
 *
 * @param imagesPerSecond Pictures that the steps take.
 * @param imageSize Side of the base pictures.
 */
export function streamNeed(imagesPerSecond: number, imageSize: number): StreamNeed {
  const raw = 3 * imageSize ** 2;
  return {
    cores: Math.ceil(imagesPerSecond / DECODED.jpeg),
    rawCores: Math.ceil(imagesPerSecond / (DECODED.raw * 3 * 224 ** 2 / raw)),
    bytes: imagesPerSecond * JPEG_BYTES,
    rawBytes: imagesPerSecond * raw,
  };
}
