/**
 * The libjpeg-turbo library that npm:@julusian/jpeg-turbo brings for Linux, called directly: the package's addon offers neither
 * smaller scales nor the exact transform, whose quick stand-in takes a level off red and blue.
 */
import { type JpegHeader, MOST_SCANS } from "./jpeg_header.ts";

/** What is called of turbojpeg.h. */
export const SYMBOLS = {
  tj3Init: { parameters: ["i32"], result: "pointer" },
  tj3Set: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  tj3Get: { parameters: ["pointer", "i32"], result: "i32" },
  tj3DecompressHeader: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
  tj3SetScalingFactor: { parameters: ["pointer", { struct: ["i32", "i32"] }], result: "i32" },
  tj3Decompress8: { parameters: ["pointer", "buffer", "usize", "buffer", "i32", "i32"], result: "i32" },
  tj3DecompressToYUVPlanes8: {
    parameters: ["pointer", "buffer", "usize", "buffer", "buffer"],
    result: "i32",
  },
  tj3Destroy: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

// Names and numbers of turbojpeg.h.
const TJINIT_DECOMPRESS = 1;
/** Pixels of red, green, blue. */
export const TJPF_RGB = 0;
/** Names of parameters. */
export const PARAM = {
  STOP_ON_WARNING: 0,
  SUBSAMPLING: 4,
  JPEG_WIDTH: 5,
  JPEG_HEIGHT: 6,
  COLOUR_SPACE: 8,
  SCAN_LIMIT: 13,
} as const;

/** Never called: what is imported somewhere gets installed, and with the addon the library beside it. */
export const addon = (): Promise<unknown> => import("npm:@julusian/jpeg-turbo@3.0.1");

/** Where the library is, or null where the package brings none. Nothing is opened. */
export function turboPath(): string | null {
  if (Deno.build.os !== "linux") return null;
  try {
    const index = new URL(import.meta.resolve("npm:@julusian/jpeg-turbo@3.0.1"));
    if (index.protocol !== "file:") return null;
    const cpu = Deno.build.arch === "x86_64" ? "x64" : "arm64";
    return decodeURIComponent(
      new URL(`./prebuilds/jpeg-turbo-linux-${cpu}/libturbojpeg.so.0`, index).pathname,
    );
  } catch {
    return null;
  }
}

type Setup = Pick<
  Deno.DynamicLibrary<typeof SYMBOLS>["symbols"],
  "tj3Init" | "tj3Set" | "tj3Get" | "tj3DecompressHeader"
>;

/** A decompressor that takes every warning for an error, or null where memory is short. The caller destroys it. */
export function decompressor(c: Setup): Deno.PointerObject | null {
  const handle = c.tj3Init(TJINIT_DECOMPRESS);
  if (handle === null) return null;
  c.tj3Set(handle, PARAM.STOP_ON_WARNING, 1);
  // A file with more scans is made to take time.
  c.tj3Set(handle, PARAM.SCAN_LIMIT, MOST_SCANS);
  return handle;
}

/**
 * Reads a JPEG's header, which every decompression begins with. Memory is taken by the header that was checked, never by what the
 * library makes of damaged bytes.
 *
 * @returns "other" where the two do not agree, "bad" where the library finds none.
 */
export function sameHeader(
  c: Setup,
  handle: Deno.PointerObject,
  file: Uint8Array<ArrayBuffer>,
  header: JpegHeader,
): "same" | "other" | "bad" {
  if (c.tj3DecompressHeader(handle, file, BigInt(file.length)) !== 0) return "bad";
  const same = c.tj3Get(handle, PARAM.JPEG_WIDTH) === header.width &&
    c.tj3Get(handle, PARAM.JPEG_HEIGHT) === header.height;
  return same ? "same" : "other";
}
