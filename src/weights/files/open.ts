import { openSafetensors } from "../../files/safetensors.ts";
import { openBytes } from "./bytes.ts";
import { isOldPth, openOldPth, openPth } from "./pth.ts";
import { type Bytes, type FileTensor, type TensorSet, WeightsError, type WeightsFile } from "./types.ts";

/** Beginnings of files that are taken for weights by mistake, in hexadecimal digits. */
const OTHERS: readonly (readonly [start: string, what: string])[] = [
  ["1f8b", "compressed by gzip: unpack it"],
  ["425a68", "compressed by bzip2: unpack it"],
  ["fd377a585a00", "compressed by xz: unpack it"],
  ["28b52ffd", "compressed by Zstandard: unpack it"],
  ["894844460d0a1a0a", "an HDF5 file, such as Keras writes: save the weights as safetensors"],
  ["934e554d5059", "a NumPy array: save the weights as safetensors"],
  ["89504e47", "a picture"],
  ["ffd8ff", "a picture"],
];

/** What a file is that holds no weights that can be read, and what to do. */
function whatElse(start: Uint8Array): string {
  if (start.length === 0) return "it is empty: copy or download it again";
  const hex = start.subarray(0, 16).toHex(), known = OTHERS.find(([magic]) => hex.startsWith(magic));
  if (known) return `it is ${known[1]}`;
  const text = new TextDecoder().decode(start);
  if (text.slice(257, 262) === "ustar") {
    return "it is a tar archive: unpack it and name the file of weights in it (PyTorch before 0.1.10 wrote tar files too: " +
      "save such a file again)";
  }
  if (/^\s*<(!doctype html|html|head|body)/i.test(text)) {
    return "it is an HTML page, as servers send with an error: download the file again";
  }
  if (text.startsWith("version https://git-lfs")) {
    return "it is a pointer of Git LFS and not the file itself: fetch it with `git lfs pull`";
  }
  if (start[0] === 0x80 && start[1] >= 2 && start[1] <= 5) {
    return "it is a Python pickle that torch.save did not write: in Python save a state_dict with torch.save";
  }
  if (/^\s*[[{]/.test(text)) return "it is JSON: name the file of weights or the folder that holds both";
  return "its first bytes are those of no such file";
}

const isZip = (start: Uint8Array) =>
  start[0] === 0x50 && start[1] === 0x4b && (start[2] === 3 || start[2] === 5);

/** A header's length in eight bytes, and a JSON object. */
const isSafetensors = (start: Uint8Array) => start.length >= 9 && start[8] === 0x7b;

/** Why a tensor's numbers cannot be had. */
function otherType(path: string, name: string, dtype: string): WeightsError {
  return new WeightsError(
    `${path}: "${name}" is of type ${dtype}, which is not read here; in Python save it as float32, float16 or bfloat16`,
  );
}

async function openSafe(path: string): Promise<WeightsFile> {
  // Beside an encoder there may be quantised layers, counters and the like: they matter only where they are needed.
  const file = await openSafetensors(path, { otherTypes: true });
  const set: TensorSet = new Map([
    ...Object.entries(file.entries).map(([name, { shape }]): [string, FileTensor] => [
      name,
      { shape, read: () => file.read(name) },
    ]),
    ...Object.entries(file.others).map(([name, { shape, dtype }]): [string, FileTensor] => [
      name,
      { shape, read: () => Promise.reject(otherType(path, name, dtype)) },
    ]),
  ]);
  const facts = new Map(Object.entries(file.metadata));
  return { path, what: "a safetensors file", sets: new Map([["", set]]), facts, close: file.close };
}

/**
 * Opens a file of weights of any format that is read here, told by its bytes: safetensors, or what `torch.save` wrote.
 * Only headers are read; tensors are read one by one.
 *
 * @throws {WeightsError} When it is no such file; says what it is, and what to do.
 * @throws {Error} When it cannot be read, or a safetensors file's header lies.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  const bytes = await openBytes(path);
  let keep = false;
  try {
    const start = await bytes.read(0, Math.min(512, bytes.size));
    if (isSafetensors(start)) return await openSafe(path);
    const opener: ((bytes: Bytes) => Promise<WeightsFile>) | undefined = isZip(start)
      ? openPth
      : isOldPth(start)
      ? openOldPth
      : undefined;
    if (!opener) {
      throw new WeightsError(`${path}: neither a PyTorch file (.pth) nor safetensors: ${whatElse(start)}`);
    }
    const file = await opener(bytes);
    keep = true;
    return file;
  } finally {
    if (!keep) bytes.close();
  }
}
