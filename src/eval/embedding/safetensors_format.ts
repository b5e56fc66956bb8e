import {
  openSafetensors,
  safetensorsHead,
  type SafetensorsHeader,
  type TensorShape,
} from "../../files/safetensors.ts";
import { publishPieces } from "../../files/publish.ts";
import { checkLabels, damaged, parseInfo } from "./check.ts";
import type { EmbeddingContent, EmbeddingFormat } from "./format.ts";
import { NAMES, requireToken } from "./format.ts";
import { type EmbeddingInfo, sizeOfShape, type TokenName } from "./info.ts";

/** Ends each key among the bytes of all keys. No name of a file holds it. */
const END = "\0";
const joined = (keys: readonly string[]) => keys.map((key) => key.replaceAll(END, "\\0") + END).join("");
const bytesOf = (data: ArrayBufferView<ArrayBuffer>) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The file's bytes in order. Parts are read once for each tensor. */
async function* pieces({ info, labels, parts }: EmbeddingContent): AsyncGenerator<Uint8Array> {
  const { count } = info, encoder = new TextEncoder();
  let keyBytes = 0;
  for (const part of parts) keyBytes += encoder.encode(joined(await part.keys())).length;
  const tensors: Record<string, TensorShape> = {};
  for (const [token, shape] of Object.entries(info.tokens)) {
    tensors[token] = { dtype: "F32", shape: [count, ...shape] };
  }
  tensors.labels = { dtype: "I32", shape: [count] };
  tensors.keys = { dtype: "U8", shape: [keyBytes] };
  const { head, order } = safetensorsHead(tensors, { format: "pt", embedding: JSON.stringify(info) });
  yield head;
  for (const name of order) {
    if (name === "labels") {
      yield bytesOf(labels as Int32Array<ArrayBuffer>);
      continue;
    }
    for (const part of parts) {
      if (name === "keys") yield encoder.encode(joined(await part.keys()));
      else yield bytesOf(await part.rows(name as TokenName) as Float32Array<ArrayBuffer>);
    }
  }
}

/** Refuses a file whose tensors are not those that it speaks of: another program may have left rows out or halved numbers. */
function checkTensors(path: string, info: EmbeddingInfo, { entries }: SafetensorsHeader): void {
  const { count, tokens } = info, wanted: Record<string, TensorShape> = {};
  for (const [token, shape] of Object.entries(tokens)) {
    wanted[token] = { dtype: "F32", shape: [count, ...shape] };
  }
  wanted.labels = { dtype: "I32", shape: [count] };
  wanted.keys = { dtype: "U8", shape: entries.keys?.shape.length === 1 ? entries.keys.shape : [0] };
  const words = ({ dtype, shape }: TensorShape) => `${dtype} of shape [${shape}]`;
  for (const [name, tensor] of Object.entries(wanted)) {
    const found = Object.hasOwn(entries, name) ? words(entries[name]) : "missing";
    if (found !== words(tensor)) damaged(path, `tensor "${name}" is ${found}, not ${words(tensor)}`);
  }
}

/**
 * Safetensors: a tensor for each token, `labels` (int32, −1 for none), `keys` (bytes; each key ends with a zero), and in
 * the metadata under `embedding` what the file is, as JSON.
 */
export const safetensorsFormat: EmbeddingFormat = {
  ending: ".safetensors",
  several: true,
  help: "tensors by token, labels, keys",
  write: (path, content) => publishPieces(path, pieces(content)),
  async open(path) {
    const file = await openSafetensors(path);
    try {
      const info = parseInfo(file.metadata.embedding, path);
      checkTensors(path, info, file);
      const labels = checkLabels((await file.read("labels")).data as Int32Array, info, path);
      return {
        path,
        info,
        labels,
        async keys() {
          const keys = NAMES.decode((await file.read("keys")).data).split(END);
          if (keys.pop() !== "" || keys.length !== info.count) {
            damaged(path, `${keys.length} names of ${info.count} pictures`);
          }
          return keys;
        },
        async rows(token) {
          const width = sizeOfShape(requireToken({ path, info }, token));
          return { rows: info.count, width, data: (await file.read(token)).data as Float32Array };
        },
        async part(token, from, count) {
          const width = sizeOfShape(requireToken({ path, info }, token));
          const { data } = await file.readRows(token, from, count);
          return { rows: count, width, data: data as Float32Array };
        },
        close: () => file.close(),
      };
    } catch (error) {
      file.close();
      throw error;
    }
  },
};
