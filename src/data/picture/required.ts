/** Whether what a program hands over is a picture, or a picture's file. */
import type { Picture } from "../types.ts";

/** What a value is, for people who have put it in the place of another. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "string" ? "a text" : `a ${typeof value}`;
  const { name } = value.constructor ?? {};
  return name && name !== "Object" ? `of type ${name}` : "another object";
}

/**
 * Refuses what is no Uint8Array, such as a path, an ArrayBuffer, a Response or a promise.
 *
 * @param what What the bytes are of, in an error's words.
 * @throws {TypeError} Says what was given, and how bytes are had.
 */
export function requireBytes(bytes: Uint8Array, what: string): void {
  if (bytes instanceof Uint8Array) return;
  throw new TypeError(
    `${what} must be a Uint8Array, not ${
      kindOf(bytes)
    }: await Deno.readFile(PATH), await response.bytes(), ` +
      "new Uint8Array(buffer)",
  );
}

/**
 * Refuses what is no picture of RGB bytes.
 *
 * @throws {TypeError} When it is none: a file's bytes, or a promise of a picture.
 * @throws {RangeError} When it has not three bytes a pixel, as a canvas's ImageData, which has four.
 */
export function requirePicture(picture: Picture): void {
  const { width, height, data } = picture ?? {};
  if (width === undefined || height === undefined || data?.length === undefined) {
    throw new TypeError(
      `a picture is needed, { width, height, data } such as \`await decodePicture(BYTES)\` gives, not ${
        kindOf(picture)
      }`,
    );
  }
  const bytes = width * height * 3;
  if (data.length === bytes) return;
  const alpha = data.length === width * height * 4 ? "; leave out each fourth, which is no colour" : "";
  throw new RangeError(`a picture of ${width} × ${height} has ${bytes} bytes, not ${data.length}${alpha}`);
}
