import { pathError } from "../../files/path_error.ts";
import { readAt } from "../../files/read_at.ts";
import { type Bytes, WeightsError } from "./types.ts";

/**
 * Opens a file to read any part of it.
 *
 * @throws {Error} When it is not there, is a folder, or may not be read; names the path.
 */
export async function openBytes(path: string): Promise<Bytes> {
  let file: Deno.FsFile, size: number;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    throw pathError(error, path, "read");
  }
  try {
    const info = await file.stat();
    if (!info.isFile) throw new WeightsError(`${path}: not a file`);
    size = info.size;
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    path,
    size,
    read: (offset, length) => {
      if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
        throw new WeightsError(
          `${path}: bytes ${offset} to ${offset + length} are wanted, but it has ${size}: cut short?`,
        );
      }
      return readAt(file, offset, length, (at) => {
        throw new WeightsError(`${path}: it ended at byte ${at} while being read`);
      });
    },
    close: () => file.close(),
  };
}
