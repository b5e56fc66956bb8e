/** Formats that can be read. */
export type PictureFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif" | "bmp" | "ppm";

/** Both orders of bytes, of TIFF and of BigTIFF. */
const TIFF: readonly string[] = ["II*\0", "MM\0*", "II+\0", "MM\0+"];

/** Some bytes as letters, a byte each. */
export const letters = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

/**
 * Tells a picture's format by its first bytes; names and endings are not looked at.
 *
 * @param bytes The file, or at least its first 32 bytes.
 * @returns The format, or null for anything else.
 */
export function sniff(bytes: Uint8Array): PictureFormat | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "jpeg";
  if (letters(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (letters(bytes, 0, 4) === "RIFF" && letters(bytes, 8, 12) === "WEBP") return "webp";
  if (letters(bytes, 0, 6) === "GIF87a" || letters(bytes, 0, 6) === "GIF89a") return "gif";
  if (TIFF.includes(letters(bytes, 0, 4))) return "tiff";
  if (letters(bytes, 4, 8) === "ftyp" && /avif|avis/.test(letters(bytes, 8, 32))) return "avif";
  if (letters(bytes, 0, 2) === "BM" && isBmp(bytes)) return "bmp";
  if (/^P[1-6][\s#][\s\d#]/.test(letters(bytes, 0, 4))) return "ppm";
  return null;
}

/** Two letters are few: a bitmap's next bytes say how long its second header is. */
function isBmp(bytes: Uint8Array): boolean {
  const size = bytes[14] + 256 * bytes[15];
  return bytes.length >= 18 && bytes[16] === 0 && bytes[17] === 0 &&
    (size === 12 || (size >= 16 && size <= 256));
}
