import { Buffer } from "node:buffer";
import { withFileReader } from "../../io/reader/file.ts";
import { PARQUET_KEY } from "../embeddings.ts";
import { hasFeatures, readMetadata } from "./metadata.ts";

/** So many bytes of a file's end are searched for the word that metadata of features have in their last part. */
const SEARCHED = 2 ** 16;

/** Whether a local Parquet file is one of features; also false for what cannot be read, of which its reader says so. */
export async function isParquetEmbedding(file: string): Promise<boolean> {
  const look = withFileReader(file, async (reader) => {
    const bytes = Math.min(SEARCHED, reader.length), end = await reader.read(reader.length - bytes, bytes);
    return Buffer.from(end).includes(PARQUET_KEY) && hasFeatures(await readMetadata(reader));
  });
  return await look.catch(() => false);
}
