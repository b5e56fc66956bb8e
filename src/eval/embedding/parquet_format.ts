import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from "npm:hyparquet@1.31.5";
import { ByteWriter, ParquetWriter, type SchemaElement } from "npm:hyparquet-writer@0.17.0";
import { PARQUET_KEY } from "../../data/sources/embeddings.ts";
import { publishPieces } from "../../files/publish.ts";
import { checkLabels, damaged, named, parseInfo } from "./check.ts";
import type { EmbeddingContent, EmbeddingFormat } from "./format.ts";
import { NAMES, requireToken } from "./format.ts";
import { type EmbeddingInfo, sizeOfShape, type TokenName } from "./info.ts";

/** Bytes of numbers in a row group: a reader takes one at a time. */
const GROUP_BYTES = 16 * 2 ** 20;

/** The column of a token. A file of one kind has `vector`. */
const columnOf = ({ tokens }: EmbeddingInfo, token: TokenName) =>
  Object.keys(tokens).length === 1 ? "vector" : token;

function schemaOf(info: EmbeddingInfo): SchemaElement[] {
  const tokens = Object.keys(info.tokens) as TokenName[];
  const vectors = tokens.flatMap((token): SchemaElement[] => [
    { name: columnOf(info, token), repetition_type: "REQUIRED", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
  ]);
  return [
    { name: "schema", num_children: 2 + tokens.length },
    { name: "key", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: "label", type: "INT32", repetition_type: "OPTIONAL" },
    ...vectors,
  ];
}

async function* pieces({ info, labels, parts }: EmbeddingContent): AsyncGenerator<Uint8Array> {
  const tokens = Object.keys(info.tokens) as TokenName[];
  const writer = new ByteWriter();
  const take = () => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  const file = new ParquetWriter({
    writer,
    schema: schemaOf(info),
    statistics: false,
    kvMetadata: [{ key: PARQUET_KEY, value: JSON.stringify(info) }],
    createdBy: PARQUET_KEY,
  });
  const widths = tokens.map((token) => sizeOfShape(info.tokens[token]!));
  const group = Math.max(1, Math.floor(GROUP_BYTES / 4 / widths.reduce((a, b) => a + b)));
  // Row groups do not depend on the parts, so that an embedding that was interrupted gives the same file.
  let rows: { key: string; label: number | null; vectors: number[][] }[] = [], at = 0;
  const write = async () => {
    const vectors = tokens.map((token, t) => ({
      name: columnOf(info, token),
      data: rows.map((row) => row.vectors[t]),
      codec: "UNCOMPRESSED" as const,
      encoding: "PLAIN" as const,
    }));
    const key = { name: "key", data: rows.map((row) => row.key) };
    const label = { name: "label", data: rows.map((row) => row.label) };
    await file.write({ columnData: [key, label, ...vectors], rowGroupSize: group });
    rows = [];
    return take();
  };
  for (const part of parts) {
    const keys = await part.keys(), features = await Promise.all(tokens.map((token) => part.rows(token)));
    for (let i = 0; i < part.count; i++) {
      const label = labels[at++] < 0 ? null : labels[at - 1];
      const vectors = features.map((all, t) => Array.from(all.subarray(i * widths[t], (i + 1) * widths[t])));
      if (rows.push({ key: keys[i], label, vectors }) === group) yield await write();
    }
  }
  if (rows.length > 0) yield await write();
  await file.finish();
  yield take();
}

/** A label as it is stored; another program may have made fractions of them, with NaN for none. */
function labelOf(value: unknown, row: number, path: string): number {
  const label = value === null || value === undefined || Number.isNaN(value) ? -1 : Number(value);
  return label === (label | 0) ? label : damaged(path, `picture ${row} has the label ${value}`);
}

/** A name as it is stored. */
const keyOf = (value: unknown, row: number, path: string): string =>
  typeof value === "string" ? value : damaged(path, `picture ${row} has no name`);

/** The numbers of a picture as they are stored. */
function vectorOf(value: unknown, row: number, width: number, path: string): number[] {
  if (Array.isArray(value) && value.length === width && value.every((x) => typeof x === "number")) {
    return value;
  }
  const found = Array.isArray(value) ? `${value.length} values` : "nothing";
  return damaged(path, `picture ${row} has ${found} instead of ${width} numbers`);
}

/** A file as hyparquet reads it. */
async function openBuffer(path: string): Promise<AsyncBuffer & { close(): void }> {
  const file = await Deno.open(path), { size } = await file.stat();
  let busy: Promise<unknown> = Promise.resolve(), closed = false;
  return {
    byteLength: size,
    // One after the other: they share the file's position.
    slice(start, end = size) {
      if (closed) throw new Error(`${path}: already closed`);
      const read = busy.then(async () => {
        const bytes = new Uint8Array(end - start);
        await file.seek(start, Deno.SeekMode.Start);
        for (let at = 0; at < bytes.length;) {
          const got = await file.read(bytes.subarray(at));
          if (got === null) throw new Error(`${path}: ended while it was read`);
          at += got;
        }
        return bytes.buffer;
      });
      busy = read.catch(() => {});
      return read;
    },
    close() {
      if (!closed) file.close();
      closed = true;
    },
  };
}

/** Parquet: columns `key`, `label`, and `vector` (or one for each token); what the file is stands in its metadata. */
export const parquetFormat: EmbeddingFormat = {
  ending: ".parquet",
  several: true,
  help: "columns key, label, vector",
  write: (path, content) => publishPieces(path, pieces(content)),
  async open(path) {
    const file = await openBuffer(path);
    try {
      const metadata = await parquetMetadataAsync(file).catch((cause) => {
        throw new Error(`${path}: not a usable Parquet file: ${(cause as Error).message}`, { cause });
      });
      const info = parseInfo(
        metadata.key_value_metadata?.find(({ key }) => key === PARQUET_KEY)?.value,
        path,
      );
      let first = 0;
      const groups = metadata.row_groups.map(({ num_rows }) => {
        const group = { from: first, to: first + Number(num_rows) };
        first = group.to;
        return group;
      });
      // Programs that leave rows out keep what the file says of itself.
      if (first !== info.count) damaged(path, `it has ${first} rows of ${info.count} pictures`);
      type Take = (value: unknown, row: number) => void;
      /** Gives each value of a column in one row group. */
      const groupColumn = (name: string, { from, to }: { from: number; to: number }, take: Take) =>
        named(path, () =>
          parquetRead({
            file,
            metadata,
            columns: [name],
            parsers: { stringFromBytes: (bytes) => bytes && NAMES.decode(bytes) },
            rowStart: from,
            rowEnd: to,
            onComplete: (rows) => (rows as unknown[][]).forEach(([value], i) => take(value, from + i)),
          }));
      /** Gives each value of a column, a row group at a time. */
      const column = async (name: string, take: Take) => {
        for (const group of groups) await groupColumn(name, group, take);
      };
      let kept: { name: string; from: number; data: Promise<Float32Array> } | undefined;
      /** The numbers of a row group; the last one is kept, because parts are mostly asked for in order. */
      const groupNumbers = (name: string, width: number, group: { from: number; to: number }) => {
        if (kept?.name === name && kept.from === group.from) return kept.data;
        const read = async () => {
          const data = new Float32Array((group.to - group.from) * width);
          await groupColumn(
            name,
            group,
            (value, row) => data.set(vectorOf(value, row, width, path), (row - group.from) * width),
          );
          return data;
        };
        kept = { name, from: group.from, data: read() };
        return kept.data;
      };
      const labels = new Int32Array(info.count).fill(-1);
      await column("label", (value, row) => labels[row] = labelOf(value, row, path));
      checkLabels(labels, info, path);
      return {
        path,
        info,
        labels,
        async keys() {
          const keys: string[] = [];
          await column("key", (value, row) => keys.push(keyOf(value, row, path)));
          return keys;
        },
        async rows(token) {
          const width = sizeOfShape(requireToken({ path, info }, token));
          const data = new Float32Array(info.count * width);
          await column(
            columnOf(info, token),
            (value, row) => data.set(vectorOf(value, row, width, path), row * width),
          );
          return { rows: info.count, width, data };
        },
        async part(token, from, count) {
          const width = sizeOfShape(requireToken({ path, info }, token)), to = from + count;
          const data = new Float32Array(count * width), name = columnOf(info, token);
          for (const group of groups.filter((one) => one.from < to && one.to > from)) {
            const numbers = await groupNumbers(name, width, group), start = Math.max(from, group.from);
            const [begin, end] = [start - group.from, Math.min(to, group.to) - group.from];
            data.set(numbers.subarray(begin * width, end * width), (start - from) * width);
          }
          return { rows: count, width, data };
        },
        close: () => file.close(),
      };
    } catch (error) {
      file.close();
      throw error;
    }
  },
};
