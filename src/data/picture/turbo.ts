/** Base pictures of JPEGs, by libjpeg-turbo's library. Where there is none, libvips decodes in full. */
import { inWholeBlocks } from "./jpeg_blocks.ts";
import { isPlain, type JpegHeader } from "./jpeg_header.ts";
import { orient } from "./orient.ts";
import { MOST_TIMES, type Planes, planesBasePicture, quickBasePicture } from "./resize.ts";
import { decompressor, PARAM, sameHeader, SYMBOLS, TJPF_RGB } from "./turbo_library.ts";
import { PictureError } from "../types.ts";

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
   * @throws {PictureError} On anything that libjpeg-turbo warns of, too.
   */
  base(bytes: Uint8Array, header: JpegHeader, size: number, out: Uint8Array): void;
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
  const c = library.symbols, handle = decompressor(c);
  if (handle === null) {
    library.close();
    return null;
  }
  const check = (result: number) => {
    if (result !== 0) throw new PictureError("JPEG cannot be decoded");
  };
  const planes = new BigUint64Array(3), pitches = new Int32Array(3);
  let memory: ArrayBuffer | null = null, address = 0n;
  /** In full size, before colours are mixed. */
  const fromPlanes = (
    file: Uint8Array<ArrayBuffer>,
    header: JpegHeader,
    sizes: Planes,
    size: number,
    out: Uint8Array,
  ) => {
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
        inWholeBlocks(
          file,
          header,
          block,
          () => check(c.tj3DecompressToYUVPlanes8(handle, file, BigInt(file.length), planes, pitches)),
        );
      },
      size,
      out,
    );
  };
  return {
    base(bytes, header, size, out) {
      if (!isPlain(header)) throw new PictureError("an unusual JPEG");
      const file = bytes as Uint8Array<ArrayBuffer>, length = BigInt(bytes.length);
      const stored = sameHeader(c, handle, file, header);
      if (stored === "other") throw new PictureError("JPEG with two headers");
      check(Number(stored === "bad"));
      const scale = decodeScale(header.width, header.height, size);
      check(c.tj3SetScalingFactor(handle, new Uint8Array(Int32Array.of(1, 8 / scale).buffer)));
      const halved = c.tj3Get(handle, PARAM.COLOUR_SPACE) === YCBCR
        ? HALVED[c.tj3Get(handle, PARAM.SUBSAMPLING)]
        : undefined;
      if (scale === 8 && halved && Math.max(header.width, header.height) <= MOST_TIMES * size) {
        fromPlanes(file, header, { width: header.width, height: header.height, ...halved }, size, out);
      } else {
        const width = Math.ceil(header.width * scale / 8), height = Math.ceil(header.height * scale / 8);
        const extent = { width: header.width * scale / 8, height: header.height * scale / 8 };
        const decode = (pixels: Uint8Array<ArrayBuffer>) =>
          check(c.tj3Decompress8(handle, file, length, pixels, 0, TJPF_RGB));
        quickBasePicture(width, height, extent, decode, size, out);
      }
      // The square is smaller than the picture, and turning it is the same.
      const turned = orient({ width: size, height: size, data: out }, header.orientation);
      if (turned.data !== out) out.set(turned.data);
    },
    close() {
      c.tj3Destroy(handle);
      library.close();
    },
  };
}
