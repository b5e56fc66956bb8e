import { openFileReader } from "../../data/io/reader/file.ts";
import type { ByteReader } from "../../data/io/reader/types.ts";
import { LMDB_KEY } from "../../data/sources/embeddings.ts";
import { HEADER_BYTES, type LmdbHeader, readLmdbHeader } from "../../data/sources/lmdb/format.ts";
import { findRecord } from "../../data/sources/lmdb/leaves.ts";
import { lmdbPieces, type LmdbRecords } from "../../data/sources/lmdb/write.ts";
import { type Extents, recordExtents } from "../../data/sources/shards/extents.ts";
import {
  decodeRecord,
  encodeRecord,
  recordKey,
  recordSize,
  withChecksum,
  withoutChecksum,
} from "../../data/sources/shards/format.ts";
import { publishPieces } from "../../files/publish.ts";
import type { Rows } from "../rows.ts";
import { checkLabels, damaged, named, parseInfo } from "./check.ts";
import type { EmbeddingContent, EmbeddingFile, EmbeddingFormat } from "./format.ts";
import { requireToken } from "./format.ts";
import { type EmbeddingInfo, sizeOfShape, type TokenName } from "./info.ts";

const encoder = new TextEncoder();
/** Keys behind those of the pictures: what the file is, and all labels in one piece, so that it opens quickly. */
const INFO = encoder.encode(LMDB_KEY), LABELS = encoder.encode("labels");
/** Bytes of a file that are read at once. */
const SPAN = 8 * 2 ** 20;

const tokensOf = ({ tokens }: EmbeddingInfo) => Object.keys(tokens) as TokenName[];
const widthOf = ({ tokens }: EmbeddingInfo, token: TokenName) => sizeOfShape(tokens[token]!);
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Records as the file is to have them; the names of all pictures are read once for their lengths. */
async function recordsOf({ info, labels, parts }: EmbeddingContent): Promise<LmdbRecords> {
  const { count } = info, tokens = tokensOf(info), widths = tokens.map((token) => widthOf(info, token));
  const bytes = 4 * widths.reduce((a, b) => a + b), sizes = new Uint32Array(count);
  let at = 0;
  for (const part of parts) for (const key of await part.keys()) sizes[at++] = recordSize(key, bytes);
  const last = [
    { key: INFO, value: withChecksum(encoder.encode(JSON.stringify(info))) },
    { key: LABELS, value: withChecksum(bytesOf(labels)) },
  ];
  return {
    count: count + last.length,
    key: (index) => index < count ? recordKey(index) : last[index - count].key,
    size: (index) => index < count ? sizes[index] : last[index - count].value.length,
    async *values() {
      let picture = 0;
      for (const part of parts) {
        const keys = await part.keys(), features = await Promise.all(tokens.map((token) => part.rows(token)));
        for (let i = 0; i < part.count; i++) {
          const vector = new Float32Array(bytes / 4);
          let to = 0;
          features.forEach((all, t) => {
            vector.set(all.subarray(i * widths[t], (i + 1) * widths[t]), to);
            to += widths[t];
          });
          yield encodeRecord({ key: keys[i], bytes: bytesOf(vector), label: labels[picture++] });
        }
      }
      for (const { value } of last) yield value;
    },
  };
}

/** Reads a note that stands behind the pictures. */
async function readNote(reader: ByteReader, header: LmdbHeader, key: Uint8Array): Promise<Uint8Array | null> {
  const found = await findRecord(reader, header, header, key);
  if (!found) return null;
  const note = withoutChecksum(await reader.read(found.extent.offset, found.extent.size));
  if (!note) throw new Error("damaged: what it says of itself does not fit its checksum; embed again");
  return note;
}

/** Gives the name and the numbers of some pictures. They lie one behind the other, so that many are read at once. */
async function eachRecord(
  reader: ByteReader,
  { offsets, sizes }: Extents,
  { from, to }: { from: number; to: number },
  take: (index: number, key: string, bytes: Uint8Array) => void,
): Promise<void> {
  for (let at = from; at < to;) {
    const first = at, start = offsets[first];
    let next = first, end = start;
    // Others may have written the file in another order.
    for (; next < to && offsets[next] >= end; next++) {
      if (next > first && offsets[next] + sizes[next] - start > SPAN) break;
      end = offsets[next] + sizes[next];
    }
    const span = await reader.read(start, end - start);
    for (; at < next; at++) {
      const value = span.subarray(offsets[at] - start, offsets[at] - start + sizes[at]);
      try {
        const { key, bytes } = decodeRecord(value);
        take(at, key, bytes);
      } catch (cause) {
        throw new Error(`picture ${at}: ${(cause as Error).message}; embed again`, { cause });
      }
    }
  }
}

/** What the file says of itself, and all labels. */
async function readNotes(path: string, reader: ByteReader) {
  const header = readLmdbHeader(await reader.read(0, Math.min(HEADER_BYTES, reader.length)), reader.length);
  const text = await readNote(reader, header, INFO);
  const info = parseInfo(text ? new TextDecoder().decode(text) : undefined, path);
  const labels = await readNote(reader, header, LABELS);
  if (labels?.length !== 4 * info.count || header.entries !== info.count + 2) {
    damaged(path, `it does not hold ${info.count} pictures and their labels`);
  }
  return { header, info, labels: checkLabels(new Int32Array(labels.slice().buffer), info, path) };
}

function openFile(
  path: string,
  reader: ByteReader,
  notes: Awaited<ReturnType<typeof readNotes>>,
): EmbeddingFile {
  const { header, info, labels } = notes, tokens = tokensOf(info);
  const bytesBefore = (end: number) =>
    4 * tokens.slice(0, end).reduce((sum, token) => sum + widthOf(info, token), 0);
  let extents: Promise<Extents> | undefined;
  const each = (range: { from: number; to: number }, take: Parameters<typeof eachRecord>[3]) =>
    named(path, async () => {
      extents ??= recordExtents(reader, header, info.count);
      await eachRecord(reader, await extents, range, take);
    });
  const part = async (token: TokenName, from: number, count: number): Promise<Rows> => {
    const width = sizeOfShape(requireToken({ path, info }, token));
    const before = bytesBefore(tokens.indexOf(token)), whole = bytesBefore(tokens.length);
    const data = new Float32Array(count * width), into = bytesOf(data);
    await each({ from, to: from + count }, (index, _, bytes) => {
      if (bytes.length !== whole) throw new Error(`has ${bytes.length} bytes instead of ${whole}`);
      into.set(bytes.subarray(before, before + 4 * width), 4 * width * (index - from));
    });
    return { rows: count, width, data };
  };
  return {
    path,
    info,
    labels,
    async keys() {
      const keys: string[] = [];
      await each({ from: 0, to: info.count }, (_, key) => void keys.push(key));
      return keys;
    },
    rows: (token) => part(token, 0, info.count),
    part,
    close: () => void reader.close(),
  };
}

/**
 * LMDB of data version 1: under 4-byte big-endian keys 0, 1, 2 … a picture each, as in our shards (checksum, label, name)
 * and then its features, float32, one token after the other; under `embedding` what the file is, under `labels` all labels.
 */
export const lmdbFormat: EmbeddingFormat = {
  ending: ".lmdb",
  several: true,
  help: "key, label and vector of each picture under its number",
  write: async (path, content) => await publishPieces(path, lmdbPieces(await recordsOf(content))),
  async open(path) {
    const reader = await openFileReader(path);
    try {
      return openFile(path, reader, await named(path, () => readNotes(path, reader)));
    } catch (error) {
      await reader.close();
      throw error;
    }
  },
};
