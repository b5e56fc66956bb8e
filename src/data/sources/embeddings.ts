/** Files of features that `embed` has written: of the same formats as pictures, and perhaps beside them. */
import { withFileReader } from "../io/reader/file.ts";
import { HEADER_BYTES, lmdbVersion, readLmdbHeader } from "./lmdb/format.ts";
import { findRecord } from "./lmdb/leaves.ts";
import { startOf } from "./right_files.ts";

/** Under this key an LMDB of features says what it is, and in the metadata of a Parquet file. */
export const LMDB_KEY = "embedding", PARQUET_KEY = "semantic-ae";

/** What such a file is, where pictures were looked for. */
export const IS_EMBEDDING =
  "holds features that deno task embed has written, no pictures; name the pictures, or move it out of their folder";

/** Whether an LMDB is one of features; also false for what cannot be read, of which its reader says so. */
export async function isLmdbEmbedding(file: string): Promise<boolean> {
  // Our shards are of the other version: they need not be looked into.
  if (lmdbVersion(await startOf(file)) !== 1) return false;
  const look = withFileReader(file, async (reader) => {
    const start = await reader.read(0, Math.min(HEADER_BYTES, reader.length));
    const header = readLmdbHeader(start, reader.length);
    const found = await findRecord(reader, header, header, new TextEncoder().encode(LMDB_KEY));
    if (!found) return false;
    const { offset, size } = found.extent, said = await reader.read(offset, Math.min(size, 64));
    return new TextDecoder().decode(said).includes("semantic-ae embedding");
  });
  return await look.catch(() => false);
}
