/** JPEGs in full, for whatever is no base picture: on another thread, by libjpeg-turbo's library. */
import { isPlain, type JpegHeader } from "./jpeg_header.ts";
import {
  decompressor,
  firstTry,
  sameHeader,
  secondTry,
  SYMBOLS,
  TJPF_RGB,
  turboPath,
} from "./turbo_library.ts";
import type { Picture } from "../types.ts";

const NONBLOCKING = {
  ...SYMBOLS,
  decompressElsewhere: { ...SYMBOLS.tj3Decompress8, name: "tj3Decompress8", nonblocking: true },
} as const;

type Library = Deno.DynamicLibrary<typeof NONBLOCKING>;

/** The library while pictures are decoded or it is held, by how many. */
let library: Library | null = null, users = 0;

function open(): Library | null {
  const path = turboPath();
  if (path === null) return null;
  try {
    library ??= Deno.dlopen(path, NONBLOCKING);
  } catch {
    return null;
  }
  users++;
  return library;
}

function release(): void {
  if (--users > 0) return;
  library?.close();
  library = null;
}

/**
 * Keeps the library loaded, once it is, until the result is disposed of. To load it takes longer than to decode a
 * photograph; whoever decodes many pictures, with pauses in between, holds it meanwhile.
 */
export function holdJpegLibrary(): Disposable {
  let held = true;
  users++;
  return {
    [Symbol.dispose]() {
      if (held) release();
      held = false;
    },
  };
}

/**
 * Decodes a grey or YCbCr JPEG. Orientation is not applied.
 *
 * @param bytes The file. Must not change meanwhile.
 * @param header As read from it.
 * @returns RGB bytes; null where the library is missing, may not be loaded, or cannot decode the file.
 */
export async function decodeJpeg(bytes: Uint8Array, header: JpegHeader): Promise<Picture | null> {
  const file = bytes as Uint8Array<ArrayBuffer>, opened = isPlain(header) ? open() : null;
  if (opened === null) return null;
  try {
    const c = opened.symbols, handle = decompressor(c);
    if (handle === null) return null;
    try {
      if (sameHeader(c, handle, file, header) !== "same") return null;
      const data = new Uint8Array(header.width * header.height * 3);
      const args = [handle, file, BigInt(file.length), data, 0, TJPF_RGB] as const;
      firstTry(c, handle);
      const good = await c.decompressElsewhere(...args) === 0 ||
        secondTry(c, handle, file, header, () => c.tj3Decompress8(...args));
      return good ? { width: header.width, height: header.height, data } : null;
    } finally {
      c.tj3Destroy(handle);
    }
  } finally {
    release();
  }
}
