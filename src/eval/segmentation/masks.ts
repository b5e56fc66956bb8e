/** Pictures with masks: their pixels, and the classes of these. */
import { isPathError, pathError } from "../../data/io/paths.ts";
import { decodePicture } from "../../data/picture/decode.ts";
import { basePicture } from "../../data/picture/resize.ts";
import { type Picture, PictureError } from "../../data/types.ts";
import { isTransparent, orientationOf } from "../../data/picture/sharp.ts";
import { entryColours, IGNORED, type MaskEntries, maskEntries, whyInexact } from "./mask_file.ts";
import type { MaskedFile } from "./masked_files.ts";

/** A picture and the class of each of its pixels, at the encoder's size. */
export interface Masked {
  name: string;
  /** S × S × 3 bytes, the whole picture squeezed to a square. */
  picture: Uint8Array;
  /** S × S numbers of classes; −1 where a pixel does not count. */
  classes: Int16Array;
}

/** More colours than this are no classes. */
const MOST_CLASSES = 255;

interface Decoded {
  picture: Picture;
  /** How EXIF says it is turned, 1 … 8. */
  orientation: number;
}

/** Decodes a file after a look at its bytes. */
async function decoded(
  path: string,
  look: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): Promise<Decoded> {
  try {
    const bytes = await Deno.readFile(path);
    const picture = await decodePicture(look(bytes));
    return { picture, orientation: await orientationOf(bytes) };
  } catch (error) {
    if (error instanceof PictureError) throw new Error(`${path}: ${error.message}`, { cause: error });
    throw isPathError(error) ? pathError(error, path, "read") : error;
  }
}

/** Numbers the colours of masks as they are met. */
export interface MaskClasses {
  /** The number of a colour; −1 for white, which does not count. */
  number(colour: number, path: string): number;
  /** Names by number: a grey level as `3`, another colour as `#rrggbb`. */
  names(): string[];
}

/**
 * The classes of masks, of which each colour is one.
 *
 * @param known Colours that are known already; others are refused then.
 * @returns Numbers by colour. It throws an Error for too many colours, or one that is not known.
 */
export function maskClasses(known?: readonly string[]): MaskClasses {
  const numbers = new Map<number, number>(), names: string[] = [];
  const nameOf = (colour: number) => {
    const [r, g, b] = [colour >> 16, (colour >> 8) & 255, colour & 255];
    return r === g && g === b ? String(r) : `#${colour.toString(16).padStart(6, "0")}`;
  };
  return {
    number(colour, path) {
      if (colour === IGNORED) return -1;
      const found = numbers.get(colour);
      if (found !== undefined) return found;
      const name = nameOf(colour), number = known ? known.indexOf(name) : names.length;
      if (number < 0) {
        throw new Error(
          `${path}: has the class ${name}, which no training mask has; classes are ${known!.join(", ")}`,
        );
      }
      if (number >= MOST_CLASSES) {
        throw new Error(
          `${path}: masks have more than ${MOST_CLASSES} colours, of which each is a class; store them without loss (PNG) and ` +
            "without smoothed edges",
        );
      }
      numbers.set(colour, number);
      if (!known) names.push(name);
      return number;
    },
    names: () => known ? [...known] : names,
  };
}

/** A picture and the colours of its mask, at the encoder's size. */
export interface Coloured {
  file: MaskedFile;
  /** S × S × 3 bytes, the whole picture squeezed to a square. */
  picture: Uint8Array;
  /** S × S colours, each as 0xrrggbb. */
  colours: Int32Array;
}

/** Refuses a mask of another size than its picture, or that may be turned otherwise. */
function checkFit({ mask: path }: MaskedFile, one: Decoded, mask: Decoded): void {
  const { width, height } = one.picture;
  const turned = one.orientation === mask.orientation
    ? undefined
    : [one, mask].map(({ orientation }) => orientation);
  const exif = turned ? ` (EXIF orientations: ${turned[1]} of the mask, ${turned[0]} of the picture)` : "";
  if (width !== mask.picture.width || height !== mask.picture.height) {
    throw new Error(
      `${path}: is ${mask.picture.width} × ${mask.picture.height} pixels, but its picture is ${width} × ${height}${exif}; a ` +
        "mask must have its picture's size",
    );
  }
  // A quarter of a turn shows in the sides, unless they are equal.
  const seen = width !== height && turned?.map((orientation) => orientation > 4).includes(false) &&
    turned.some((orientation) => orientation > 4);
  if (turned && !seen) {
    throw new Error(
      `${path}: nothing tells whether it was drawn on its picture as that is shown or as it is stored${exif}: store the ` +
        "picture upright, without an orientation",
    );
  }
}

/** The colours of a mask, whose pixels are entries of a palette if there is one. */
async function decodedMask(path: string): Promise<Decoded & { colourAt(pixel: number): number }> {
  let entries: MaskEntries | undefined;
  const mask = await decoded(path, (bytes) => {
    const inexact = whyInexact(bytes);
    if (inexact) throw new PictureError(inexact);
    entries = maskEntries(bytes);
    return entries.bytes;
  });
  const { bytes, palette } = entries!;
  if (await isTransparent(bytes)) {
    throw new Error(
      `${path}: has transparent pixels, which are of no class: store masks without transparency`,
    );
  }
  const { data, width, height } = mask.picture;
  if (!palette) {
    return {
      ...mask,
      colourAt: (pixel) => (data[3 * pixel] << 16) | (data[3 * pixel + 1] << 8) | data[3 * pixel + 2],
    };
  }
  const found = Uint8Array.from({ length: width * height }, (_, pixel) => data[3 * pixel]);
  const { colours, same } = entryColours(found, palette);
  if (same) {
    throw new Error(
      `${path}: entries ${same[0]} and ${
        same[1]
      } of its palette have one colour, of which each is a class: give each entry ` +
        "a colour of its own",
    );
  }
  return { ...mask, colourAt: (pixel) => colours[found[pixel]] };
}

/**
 * Reads a picture and its mask.
 *
 * @param size Side that both are brought to: the picture by averaging, the mask by its nearest pixels.
 * @throws {Error} When one cannot be read, the mask is of another size than the picture or may be turned otherwise, or its
 * colours are not exact.
 */
export async function readColoured(file: MaskedFile, size: number): Promise<Coloured> {
  const one = await decoded(file.picture), mask = await decodedMask(file.mask);
  checkFit(file, one, mask);
  const { width, height } = mask.picture, colours = new Int32Array(size * size);
  for (let y = 0; y < size; y++) {
    const row = Math.floor((y + 0.5) * height / size);
    for (let x = 0; x < size; x++) {
      colours[y * size + x] = mask.colourAt(row * width + Math.floor((x + 0.5) * width / size));
    }
  }
  return { file, picture: basePicture(one.picture, size), colours };
}

/**
 * A picture with the classes of its colours. Call it in the files' order, for classes are numbered as they are met.
 *
 * @throws {Error} For too many colours, or one that is not known.
 */
export function withClasses({ file, picture, colours }: Coloured, classes: MaskClasses): Masked {
  const found = Int16Array.from(colours, (colour) => classes.number(colour, file.mask));
  return { name: file.name, picture, classes: found };
}
