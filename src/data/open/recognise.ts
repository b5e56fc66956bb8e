import { pathError } from "../io/paths.ts";
import { withFileReader } from "../io/reader/file.ts";
import { NoPicturesError } from "../sources/folder.ts";
import type { PathLook, SourceFormat } from "../sources/format.ts";
import { describeFile, START_BYTES } from "../sources/file_kinds.ts";
import { isPictureName } from "../sources/picture_file.ts";
import { formatByEnding, formatNamed } from "../sources/registry.ts";

/** A folder with more entries is one of pictures; shards are fewer. */
const MOST_ENTRIES = 100_000;

/**
 * Finds out what is at a local path.
 *
 * @param path A file or folder.
 * @param formats The kinds of source that there are.
 * @returns The format that recognises it; for a folder that none claims the one of pictures.
 * @throws {Error} When there is nothing, or a file of no known kind.
 */
export async function recognise(path: string, formats: readonly SourceFormat[]): Promise<SourceFormat> {
  const look = await lookAt(path);
  for (const format of formats) if (await format.recognise?.(look)) return format;
  const pictures = formatNamed("folder", formats);
  if (look.entries !== null && pictures) return pictures;
  if (isPictureName(path)) throw new Error(`${path}: a single picture; name the folder that it is in`);
  const kind = describeFile(look.start), known = formats.map(({ title }) => title).join(", ");
  throw new Error(
    kind
      ? `${path}: ${kind.what}, which is not read as data: ${kind.advice}. Data can be ${known}`
      : `${path}: no data of a known kind (it begins with bytes ${
        look.start.subarray(0, 8).toHex()
      }). Data can be ${known}`,
  );
}

async function lookAt(path: string): Promise<PathLook> {
  try {
    if (!(await Deno.stat(path)).isDirectory) {
      const start = await withFileReader(path, (file) => file.read(0, Math.min(START_BYTES, file.length)));
      return { path, entries: null, start };
    }
    const entries: string[] = [];
    for await (const { name } of Deno.readDir(path)) if (entries.push(name) === MOST_ENTRIES) break;
    return { path, entries, start: new Uint8Array() };
  } catch (error) {
    throw error instanceof Error && error.constructor === Error ? error : pathError(error, path, "read");
  }
}

/**
 * The format of the files that a folder without pictures holds, where one can read them: of several that of most files, for
 * shards often have lists or tables beside them; of as many, the one that is tried first.
 */
export function formatInside(error: unknown, formats: readonly SourceFormat[]): SourceFormat | undefined {
  if (!(error instanceof NoPicturesError)) return undefined;
  const counts = new Map<SourceFormat, number>(formats.map((format) => [format, 0]));
  for (const { what, count } of error.passedOver) {
    const format = formatByEnding(what, formats);
    if (format) counts.set(format, counts.get(format)! + count);
  }
  const most = Math.max(...counts.values());
  return most === 0 ? undefined : formats.find((format) => counts.get(format) === most);
}
