import { pathError } from "../io/paths.ts";
import { BadRecordError } from "../types.ts";

/** Endings of pictures' names, small or capital letters, the usual first. */
export const PICTURE_ENDINGS: readonly string[] = [
  "jpg",
  "jpeg",
  "png",
  "webp",
  "gif",
  "avif",
  "tif",
  "tiff",
  "jfif",
  "jpe",
  "pjpeg",
  "pjp",
  "bmp",
  "dib",
  "ppm",
  "pgm",
  "pbm",
  "pnm",
];

/** True for a name with one of {@linkcode PICTURE_ENDINGS}. */
export function isPictureName(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot > 0 && PICTURE_ENDINGS.includes(name.slice(dot + 1).toLowerCase());
}

/** Larger files are taken for mistakes: reading one would fill the memory. */
const MOST_BYTES = 512 * 2 ** 20;

/** Whether a name from a list stays inside the folder that it is joined to. */
export function safeRelative(name: string): boolean {
  return name !== "" && !/^[/\\]|^[a-z]:/i.test(name) && !name.split(/[/\\]/).includes("..") &&
    !name.includes("\0");
}

/** Whether a file is worth looking at by a thread that decodes JPEGs. Whether it is one, its bytes tell. */
export function isJpegName(name: string): boolean {
  return /\.(jpe?g|jpe|jfif|pjpe?g|pjp)$/i.test(name);
}

/**
 * Reads a picture's file.
 *
 * @param source The source's uri, for messages.
 * @param key The record's key.
 * @param path The file.
 * @throws {BadRecordError} When the file cannot be read or is far too large.
 * @throws {Error} Where the machine is at fault.
 */
export async function readPicture(source: string, key: string, path: string): Promise<Uint8Array> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MOST_BYTES) throw new BadRecordError(source, key, `a file of ${size} bytes is no picture`);
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof BadRecordError || isExhausted(error)) throw error;
    throw new BadRecordError(source, key, pathError(error, path, "read").message);
  }
}

/** True when the machine, not the file, is at fault: too many open files, say. Such an error must not drop pictures. */
function isExhausted(error: unknown): boolean {
  return error instanceof Error && /EMFILE|ENFILE|ENOMEM|too many open files/i.test(error.message);
}
