/**
 * Names that Deno cannot give: on Linux a name is bytes, and where these are no UTF-8 Deno shows U+FFFD and finds no such
 * file. The C library tells what they are, so that a message can name them.
 */
import { byteText, isUtf8 } from "./byte_text.ts";

/** Where Linux keeps a name in the C library's `struct dirent`, on every 64-bit machine. */
const NAME = 19;

/** How Deno shows bytes that are no UTF-8. */
const lossy = new TextDecoder();

/** Whether a name from Deno may stand for other bytes. */
export function isLossy(name: string): boolean {
  return name.includes("\uFFFD");
}

/**
 * The names in a folder that are no UTF-8.
 *
 * @param folder Its path.
 * @returns By the name that Deno gives, the names with each foreign byte as `\xE9`. Empty where they cannot be read: on
 * another system than Linux, or without the permission to call libraries.
 */
export function rawNames(folder: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return names;
  }
  let library;
  try {
    library = Deno.dlopen("libc.so.6", {
      opendir: { parameters: ["buffer"], result: "pointer" },
      readdir: { parameters: ["pointer"], result: "pointer" },
      closedir: { parameters: ["pointer"], result: "i32" },
    });
  } catch {
    // Another C library. The name stays as Deno shows it.
    return names;
  }
  const { opendir, readdir, closedir } = library.symbols;
  const stream = opendir(new TextEncoder().encode(`${folder}\0`));
  try {
    for (let entry; stream !== null && (entry = readdir(stream)) !== null;) {
      const bytes = nameAt(new Deno.UnsafePointerView(entry));
      if (isUtf8(bytes)) continue;
      const shown = lossy.decode(bytes);
      names.set(shown, [...names.get(shown) ?? [], byteText(bytes)]);
    }
  } finally {
    if (stream !== null) closedir(stream);
    library.close();
  }
  return names;
}

function nameAt(entry: Deno.UnsafePointerView): Uint8Array {
  const bytes: number[] = [];
  for (let byte, at = NAME; at < NAME + 256 && (byte = entry.getUint8(at)) !== 0; at++) bytes.push(byte);
  return Uint8Array.from(bytes);
}
