/** Base pictures of JPEGs, by libjpeg-turbo's library. Where there is none, libvips decodes in full. */
import { inWholeBlocks } from "./jpeg_blocks.ts";
import { isPlain, type JpegHeader } from "./jpeg_header.ts";
import { orient } from "./orient.ts";
import { MOST_TIMES, type Planes, planesBasePicture, quickBasePicture } from "./resize.ts";
import { decompressor, firstTry, PARAM, sameHeader, secondTry, SYMBOLS, TJPF_RGB } from "./turbo_library.ts";
import { type Picture, PictureError } from "../types.ts";

type Library = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Of {@linkcode PARAM}.COLOUR_SPACE. */
const YCBCR = 1;
/** Which sides of the chroma planes are halved, by libjpeg-turbo's number for the kind of subsampling. */
const HALVED: Record<number, { halfColumns: boolean; halfRows: boolean }> = {
  0: { halfColumns: false, halfRows: false },
  1: { halfColumns: true, halfRows: false },
  2: { halfColumns: true, halfRows: true },
  4: { halfColumns: false, halfRows: true },
};

/** A decoder of one thread. */
export interface Turbo {
  /**
   * The base picture of a grey or YCbCr JPEG, decoded at the {@linkcode decodeScale} for `size` and turned as its EXIF
   * orientation says.
   *
   * @param out Receives size × size × 3 bytes.
   * @throws {PictureError} It cannot be decoded, is cut short, or is no plain JPEG.
   */
  base(bytes: Uint8Array, header: JpegHeader, size: number, out: Uint8Array): void;
  /**
   * A grey or YCbCr JPEG in full, turned as its EXIF orientation says: the bytes of {@linkcode decodePicture}.
   *
   * @throws {PictureError} As {@linkcode Turbo.base}.
   */
  whole(bytes: Uint8Array, header: JpegHeader): Picture;
  close(): void;
}

/**
 * The scale that a JPEG is decoded at, in eighths: the smallest of 1, 2, 4 and 8 at which neither side of the picture is
 * shorter than `size`. Those in between exist too, but their transforms are not vectorised and take longer than decoding
 * in full: 500 × 375 pixels take 1.4 ms at 5/8, 1.0 ms at 8/8 and 0.9 ms at 4/8.
 */
export function decodeScale(width: number, height: number, size: number): 1 | 2 | 4 | 8 {
  const covers = (eighths: number) => Math.ceil(Math.min(width, height) * eighths / 8) >= size;
  return ([1, 2, 4] as const).find(covers) ?? 8;
}

/**
 * Opens the library.
 *
 * @param path As {@linkcode turboPath} gives it.
 * @returns A decoder, or null where the library is missing or may not be loaded.
 */
export function openTurbo(path: string | null): Turbo | null {
  if (path === null) return null;
  let library: Deno.DynamicLibrary<typeof SYMBOLS>;
  try {
    library = Deno.dlopen(path, SYMBOLS);
  } catch {
    return null;
  }
  const c = library.symbols;
  const planes = new BigUint64Array(3), pitches = new Int32Array(3);
  let memory: ArrayBuffer | null = null, address = 0n;
  /** In full size, before colours are mixed. */
  const fromPlanes = (one: Opened, sizes: Planes, size: number, out: Uint8Array) => {
    const { handle, file, header } = one;
    const block = { width: sizes.halfColumns ? 16 : 8, height: sizes.halfRows ? 16 : 8 };
    planesBasePicture(
      sizes,
      (buffer, layout) => {
        if (memory !== buffer) {
          memory = buffer;
          address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer))));
        }
        layout.offsets.forEach((offset, i) => planes[i] = address + BigInt(offset));
        pitches.set(layout.pitches);
        const run = () => c.tj3DecompressToYUVPlanes8(handle, file, BigInt(file.length), planes, pitches);
        inWholeBlocks(file, header, block, () => decompress(c, one, run));
      },
      size,
      out,
    );
  };
  const decode = (one: Opened, size: number, out: Uint8Array) => {
    const { handle, header } = one;
    const scale = decodeScale(header.width, header.height, size);
    check(c.tj3SetScalingFactor(handle, new Uint8Array(Int32Array.of(1, 8 / scale).buffer)) === 0);
    const halved = c.tj3Get(handle, PARAM.COLOUR_SPACE) === YCBCR
      ? HALVED[c.tj3Get(handle, PARAM.SUBSAMPLING)]
      : undefined;
    if (scale === 8 && halved && Math.max(header.width, header.height) <= MOST_TIMES * size) {
      return fromPlanes(one, { width: header.width, height: header.height, ...halved }, size, out);
    }
    const width = Math.ceil(header.width * scale / 8), height = Math.ceil(header.height * scale / 8);
    const extent = { width: header.width * scale / 8, height: header.height * scale / 8 };
    quickBasePicture(width, height, extent, (pixels) => intoPixels(c, one, pixels), size, out);
  };
  return {
    base(bytes, header, size, out) {
      opened(c, bytes, header, (one) => decode(one, size, out));
      // The square is smaller than the picture, and turning it is the same.
      const turned = orient({ width: size, height: size, data: out }, header.orientation);
      if (turned.data !== out) out.set(turned.data);
    },
    whole(bytes, header) {
      const { width, height, orientation } = header, data = new Uint8Array(width * height * 3);
      opened(c, bytes, header, (one) => intoPixels(c, one, data));
      return orient({ width, height, data }, orientation);
    },
    close: () => library.close(),
  };
}

/** A file that is being decoded. */
interface Opened {
  handle: Deno.PointerObject;
  file: Uint8Array<ArrayBuffer>;
  header: JpegHeader;
}

/** Runs a function on a file, which the library then has open. */
function opened(c: Library, bytes: Uint8Array, header: JpegHeader, run: (one: Opened) => void): void {
  if (!isPlain(header)) throw new PictureError("an unusual JPEG");
  // One for each file, which takes some microseconds: the library keeps tables for files that have none of their own.
  const handle = decompressor(c), file = bytes as Uint8Array<ArrayBuffer>;
  if (handle === null) throw new PictureError("no memory to decode a JPEG");
  try {
    const stored = sameHeader(c, handle, file, header);
    if (stored === "other") throw new PictureError("JPEG with two headers");
    check(stored === "same");
    run({ handle, file, header });
  } finally {
    c.tj3Destroy(handle);
  }
}

/** Decodes into pixels of the picture, at the scale that was set. */
function intoPixels(c: Library, one: Opened, pixels: Uint8Array<ArrayBuffer>): void {
  const { handle, file } = one;
  decompress(c, one, () => c.tj3Decompress8(handle, file, BigInt(file.length), pixels, 0, TJPF_RGB));
}

function check(good: boolean): void {
  if (!good) throw new PictureError("JPEG cannot be decoded");
}

/** Runs a function of the library on a file, twice if need be. */
function decompress(c: Library, { handle, file, header }: Opened, run: () => number): void {
  firstTry(c, handle);
  check(run() === 0 || secondTry(c, handle, file, header, run));
}
