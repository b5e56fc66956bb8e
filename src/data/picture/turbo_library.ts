/**
 * The libjpeg-turbo library that npm:@julusian/jpeg-turbo brings for Linux, called directly: the package's addon offers neither
 * smaller scales nor the exact transform, whose quick stand-in takes a level off red and blue.
 */
import { type JpegHeader, MOST_SCANS, reachesEnd } from "./jpeg_header.ts";

/** What is called of turbojpeg.h. */
export const SYMBOLS = {
  tj3Init: { parameters: ["i32"], result: "pointer" },
  tj3Set: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  tj3Get: { parameters: ["pointer", "i32"], result: "i32" },
  tj3GetErrorCode: { parameters: ["pointer"], result: "i32" },
  tj3GetErrorStr: { parameters: ["pointer"], result: "pointer" },
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
const TJERR_WARNING = 0;
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

/** Never called. The import makes the package manager install the addon, and the library with it. */
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
  "tj3Init" | "tj3Set" | "tj3Get" | "tj3GetErrorCode" | "tj3GetErrorStr" | "tj3DecompressHeader"
>;

/**
 * A decompressor for one file, or null where memory is short. The caller destroys it. It is not for a second file: after a
 * bad header it does not find back to its beginning, and it would lend that file the tables of the first.
 */
export function decompressor(c: Setup): Deno.PointerObject | null {
  const handle = c.tj3Init(TJINIT_DECOMPRESS);
  if (handle === null) return null;
  // A file with more scans is made to take time.
  c.tj3Set(handle, PARAM.SCAN_LIMIT, MOST_SCANS);
  return handle;
}

/** How libjpeg's warnings begin (jerror.h); its errors begin otherwise. */
const WARNINGS =
  /^(Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|Invalid SOS param|Unknown Adobe|Warning:)/;

/**
 * Whether a call that did not give 0 has done its work, with warnings. The library's error code does not tell: it says
 * "warning" as well where an error came after one. But its message is the first warning's or the error's.
 *
 * @param c The library. The call must have been made on this thread.
 */
function onlyWarned(c: Setup, handle: Deno.PointerObject): boolean {
  if (c.tj3GetErrorCode(handle) !== TJERR_WARNING) return false;
  const message = c.tj3GetErrorStr(handle);
  return message !== null && WARNINGS.test(Deno.UnsafePointerView.getCString(message));
}

/**
 * Prepares for the first of the two tries that a JPEG gets, which takes warnings for errors. Nearly all files decode without
 * one. Of the others most are pictures all the same: phones write wrong scan parameters, editors leave bytes between
 * segments, and browsers and Pillow show what comes.
 */
export function firstTry(c: Setup, handle: Deno.PointerObject): void {
  c.tj3Set(handle, PARAM.STOP_ON_WARNING, 1);
}

/**
 * Makes the second try, in which warnings are none, where it is worth it: after a warning, unless the file is cut short, of
 * which the library only warns, too.
 *
 * @param run Decompresses on this thread.
 * @returns Whether there is a picture.
 */
export function secondTry(
  c: Setup,
  handle: Deno.PointerObject,
  file: Uint8Array,
  header: JpegHeader,
  run: () => number,
): boolean {
  if (c.tj3GetErrorCode(handle) !== TJERR_WARNING || !reachesEnd(file, header)) return false;
  c.tj3Set(handle, PARAM.STOP_ON_WARNING, 0);
  return run() === 0 || onlyWarned(c, handle);
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
  // There is no first try: the library would go on where it ended. The picture's own tries come later.
  c.tj3Set(handle, PARAM.STOP_ON_WARNING, 0);
  const result = c.tj3DecompressHeader(handle, file, BigInt(file.length));
  if (result !== 0 && !onlyWarned(c, handle)) return "bad";
  const same = c.tj3Get(handle, PARAM.JPEG_WIDTH) === header.width &&
    c.tj3Get(handle, PARAM.JPEG_HEIGHT) === header.height;
  return same ? "same" : "other";
}
