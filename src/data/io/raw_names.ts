/**
 * Names that Deno cannot give: on Linux a name is bytes, and where these are no UTF-8 Deno shows U+FFFD and finds no such
 * file. The C library tells what they are, so that a message can name them.
 */
import { byteText, isUtf8 } from "./byte_text.ts";

/** Where Linux keeps a name in the C library's `struct dirent`, on every 64-bit machine. */
const NAME = 19;

/** How Deno shows bytes that are no UTF-8. */
const lossy = new TextDecoder();

/**
 * Tells what a folder's names are where they are not UTF-8, so that there is no such file for Deno.
 *
 * @param folder Its path.
 * @returns For a name as Deno gives it: the name with each foreign byte as `\xE9`, as far as the system tells; null for
 * a name that is UTF-8.
 */
export function foreignNames(folder: string): (name: string) => Promise<string | null> | null {
  const own = new Set<string>();
  let raw: ReturnType<typeof rawNames> | undefined;
  const look = async (name: string) => {
    // A file may really be called so; of the same name there is only one.
    if (!own.has(name) && !await isMissing(`${folder}/${name}`)) {
      own.add(name);
      return null;
    }
    raw ??= rawNames(folder);
    return raw.get(name)?.shift() ?? name;
  };
  // Nearly all names are plain, and there may be millions: they are not waited for.
  return (name) => name.includes("\uFFFD") ? look(name) : null;
}

const isMissing = (path: string) =>
  Deno.lstat(path).then(() => false, (error) => error instanceof Deno.errors.NotFound);

/**
 * The names in a folder that are no UTF-8.
 *
 * @param folder Its path.
 * @returns By the name that Deno gives, the names with each foreign byte as `\xE9`. Empty where they cannot be read: on
 * another system than Linux, or without the permission to call libraries.
 */
function rawNames(folder: string): Map<string, string[]> {
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
