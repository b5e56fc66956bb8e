/** Files that PyTorch's `torch.save` wrote: `.pth`, `.pt`, `.bin`. Nothing in them is executed. */
import { PickleError } from "../../files/pickle/machine.ts";
import { readPickleAt } from "../../files/pickle/read.ts";
import { PythonObject } from "../../files/pickle/values.ts";
import { setsIn, type Storage, torchOptions } from "./torch_values.ts";
import { type Bytes, WeightsError, type WeightsFile } from "./types.ts";
import { dataOf, readZip, type ZipEntry } from "./zip.ts";

/** Pickles of larger models' states stay below some megabytes. */
const MOST_PICKLE = 64 * 2 ** 20;

/**
 * How files before PyTorch 1.6 begin: a pickle of a number that stands for them, in hexadecimal digits. Protocol 1 writes
 * its decimals, later ones its bytes, from protocol 4 on in a frame.
 */
const OLD =
  /^(4c3131393534373033373134363033383830313333333335364c0a|800[2-5](95.{16})?8a0a6cfc9c46f9206aa85019)2e/;

/** Whether a file's first bytes are those of PyTorch's format before version 1.6. */
export function isOldPth(start: Uint8Array): boolean {
  return OLD.test(start.subarray(0, 32).toHex());
}

/** The value of a pickle; its own errors name the file. */
function pickled(
  where: string,
  bytes: Uint8Array,
  at = 0,
  storages = new Map<string, Storage>(),
): { value: unknown; end: number } {
  try {
    return readPickleAt(bytes, { ...torchOptions(where, storages), at });
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new WeightsError(
      `${where}: ${cause.message}. It is cut short or damaged: copy or download it again`,
      {
        cause,
      },
    );
  }
}

/** Texts and numbers of a training's settings: DINO's, MAE's and the reference's files have them as `args`. */
function factsIn(value: unknown): Map<string, string | number> {
  const facts = new Map<string, string | number>();
  const note = (key: unknown, inner: unknown, prefix = "") => {
    const known = typeof inner === "string" || typeof inner === "number";
    if (typeof key === "string" && known && facts.size < 1000) facts.set(prefix + key, inner);
  };
  if (!(value instanceof Map)) return facts;
  for (const [key, inner] of value) note(key, inner);
  const args: unknown = value.get("args") ?? value.get("config");
  const settings = args instanceof PythonObject ? args.parts.find((part) => part instanceof Map) : args;
  if (settings instanceof Map) { for (const [key, inner] of settings) note(key, inner, "args."); }
  return facts;
}

/** The object that a file holds instead of tensors: all that there is, or a model of PyTorch in a dict or a list. */
function wholeModel(value: unknown): PythonObject | undefined {
  if (value instanceof PythonObject) return value;
  const inside: unknown[] = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : [];
  return inside.filter((part) => part instanceof PythonObject).find(({ parts }) =>
    parts.some((state) => state instanceof Map && state.has("_modules"))
  );
}

/** Refuses what holds no tensors in dicts. */
function fileOf(bytes: Bytes, value: unknown, readStorage: Parameters<typeof setsIn>[2]): WeightsFile {
  const { path } = bytes, sets = setsIn(value, path, readStorage);
  if (sets.size === 0) {
    const model = wholeModel(value);
    throw new WeightsError(
      model
        ? `${path}: holds a whole model of the class ${model.name}, whose code is not here; in Python save its ` +
          "state_dict() instead"
        : `${path}: a PyTorch file without a dict of tensors`,
    );
  }
  return { path, what: "a PyTorch file", sets, facts: factsIn(value), close: bytes.close };
}

/**
 * Opens a file of PyTorch 1.6 or later: a zip archive of a pickle and of each tensor's memory.
 *
 * @param bytes Becomes the result's.
 * @throws {WeightsError} When it is no such file, cut short, damaged, or of another byte order.
 */
export async function openPth(bytes: Bytes): Promise<WeightsFile> {
  const { path } = bytes, entries = await readZip(bytes);
  const main = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (!main) throw new WeightsError(`${path}: a zip archive, but not PyTorch's: it has no data.pkl`);
  const folder = main.slice(0, -"data.pkl".length);
  if ([...entries.keys()].some((name) => name.startsWith(`${folder}code/`))) {
    throw new WeightsError(`${path}: a TorchScript program; in Python save the model's state_dict() instead`);
  }
  const content = async (name: string, entry: ZipEntry) =>
    await bytes.read(await dataOf(bytes, name, entry), entry.size);
  const order = entries.get(`${folder}byteorder`);
  if (order && order.size < 16 && new TextDecoder().decode(await content("byteorder", order)) !== "little") {
    throw new WeightsError(`${path}: written on a big-endian machine; save it again on another`);
  }
  const pickle = entries.get(main)!;
  if (pickle.size > MOST_PICKLE) {
    throw new WeightsError(`${path}: its data.pkl has ${pickle.size} bytes: no weights`);
  }
  const { value } = pickled(path, await content(main, pickle));
  return fileOf(bytes, value, async ({ key, bytes: size, count }, offset, length) => {
    const name = `${folder}data/${key}`, entry = entries.get(name);
    const need = count * size!;
    if (!entry || entry.size < need) {
      throw new WeightsError(
        `${path}: "${name}" ${entry ? `has ${entry.size} bytes of ${need}` : "is missing"}: it is damaged`,
      );
    }
    return await bytes.read(await dataOf(bytes, name, entry) + offset, length);
  });
}

/**
 * Opens a file of PyTorch before 1.6: pickles one behind the other, then each tensor's memory.
 *
 * @param bytes Becomes the result's.
 * @throws {WeightsError} When it is cut short, damaged, or of another byte order.
 */
export async function openOldPth(bytes: Bytes): Promise<WeightsFile> {
  const { path, size } = bytes, head = await bytes.read(0, Math.min(size, MOST_PICKLE));
  const magic = pickled(path, head), version = pickled(path, head, magic.end);
  if (version.value !== 1001) throw new WeightsError(`${path}: a PyTorch file of an unknown version`);
  const system = pickled(path, head, version.end);
  if (system.value instanceof Map && system.value.get("little_endian") === false) {
    throw new WeightsError(`${path}: written on a big-endian machine; save it again on another`);
  }
  const storages = new Map<string, Storage>();
  const object = pickled(path, head, system.end, storages), keys = pickled(path, head, object.end);
  if (!Array.isArray(keys.value)) {
    throw new WeightsError(`${path}: a damaged PyTorch file: no list of memories`);
  }
  const places = new Map<string, number>();
  let at = keys.end;
  for (const given of keys.value) {
    if (typeof given !== "string" && typeof given !== "number") {
      throw new WeightsError(`${path}: a damaged PyTorch file: a memory without a name`);
    }
    const key = String(given);
    const counted = new DataView((await bytes.read(at, 8)).buffer).getBigInt64(0, true);
    const storage = storages.get(key);
    if (storage && BigInt(storage.count) !== counted) {
      throw new WeightsError(
        `${path}: a tensor's memory has ${counted} elements, not ${storage.count}: damaged`,
      );
    }
    places.set(key, at + 8);
    // Behind memory of unknown length nothing can be found.
    if (storage?.bytes === undefined) break;
    at += 8 + storage.count * storage.bytes;
  }
  return fileOf(bytes, object.value, async ({ key }, offset, length) => {
    const begin = places.get(key);
    if (begin === undefined) {
      throw new WeightsError(
        `${path}: a tensor's memory cannot be found; save the file again with PyTorch 1.6 or later`,
      );
    }
    return await bytes.read(begin + offset, length);
  });
}
