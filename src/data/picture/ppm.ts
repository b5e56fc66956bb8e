import { type Picture, PictureError } from "../types.ts";

/** Encodes RGB bytes as they are, behind a line of text: the format that shards of decoded pictures hold. */
export function encodePpm({ width, height, data }: Picture): Uint8Array {
  const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const out = new Uint8Array(header.length + data.length);
  out.set(header);
  out.set(data, header.length);
  return out;
}

/**
 * Reads a PPM as {@linkcode encodePpm} writes it.
 *
 * @returns A picture in the file's own memory; nothing is copied.
 * @throws PictureError when it is another kind of PPM, or cut short.
 */
export function decodePpm(bytes: Uint8Array): Picture {
  const header = /^P6\n(\d{1,6}) (\d{1,6})\n255\n/.exec(String.fromCharCode(...bytes.subarray(0, 24)));
  if (!header) throw new PictureError("a PPM with a header of another kind");
  const width = Number(header[1]), height = Number(header[2]), start = header[0].length;
  const length = width * height * 3;
  if (length === 0 || bytes.length !== start + length) {
    throw new PictureError(
      `a PPM of ${width} × ${height} has ${length} bytes of pixels, not ${bytes.length - start}`,
    );
  }
  return { width, height, data: bytes.subarray(start) };
}
