/** What PyTorch's pickles are made of: storages, views of them as tensors, and dicts of those. */
import { isCount } from "../../files/json_values.ts";
import { type PickleOptions, PythonName } from "../../files/pickle/values.ts";
import { BYTES, type Dtype, sizeOf } from "../../files/safetensors_header.ts";
import { type StoredTensor, storedView } from "../../files/stored_tensor.ts";
import { type FileTensor, type TensorSet, WeightsError } from "./types.ts";

/** Memory that tensors are views of. */
export class Storage {
  /**
   * @param dtype Undefined for element types that no weights have.
   * @param bytes Of an element; undefined for types that are not known here.
   * @param count Elements.
   */
  constructor(
    readonly key: string,
    readonly dtype: Dtype | undefined,
    readonly bytes: number | undefined,
    readonly count: number,
  ) {}
}

/** A tensor as a pickle describes it. Offset and strides are in elements. */
export class TorchTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

const DTYPES: Readonly<Record<string, Dtype>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** Bytes of elements that no weights have. */
const OTHER_BYTES: Readonly<Record<string, number>> = {
  ShortStorage: 2,
  CharStorage: 1,
  ComplexFloatStorage: 8,
  ComplexDoubleStorage: 16,
};

/** More axes than PyTorch's tensors can have: a list that is kept could be looked through again and again. */
const MOST_AXES = 64;
const wholes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount);

/** A shape in a message. What should be numbers may be lists of lists, whose text would never end. */
const shownAxes = (value: unknown) =>
  Array.isArray(value) && value.length <= MOST_AXES ? `[${value.map(shownNumber)}]` : "no list of axes";
const shownNumber = (value: unknown) => typeof value === "number" ? String(value) : "no number";

/** A storage from its persistent id: ("storage", its class, key, device, elements), in old files also a view. */
function storageOf(id: unknown, where: string): Storage {
  if (!Array.isArray(id) || id[0] !== "storage" || !(id[1] instanceof PythonName)) {
    throw new WeightsError(`${where}: refers to something else than a tensor's memory`);
  }
  const [, type, key, , count, view] = id;
  if (!isCount(count) || (typeof key !== "string" && !isCount(key))) {
    throw new WeightsError(
      `${where}: a tensor's memory has ${
        typeof count === "number" ? count : "an unknown number of"
      } elements`,
    );
  }
  if (view !== undefined && view !== null) {
    throw new WeightsError(`${where}: holds views of memory as PyTorch before 0.4 wrote them; save it again`);
  }
  const dtype = Object.hasOwn(DTYPES, type.name) ? DTYPES[type.name] : undefined;
  const other = Object.hasOwn(OTHER_BYTES, type.name) ? OTHER_BYTES[type.name] : undefined;
  return new Storage(String(key), dtype, dtype ? BYTES[dtype] : other, count);
}

/** A view of a storage, from the arguments of PyTorch's function. */
function tensorOf(args: readonly unknown[], where: string): TorchTensor {
  const [storage, offset, shape, strides] = args;
  if (
    !(storage instanceof Storage) || !isCount(offset) || !wholes(shape) || !wholes(strides) ||
    shape.length !== strides.length
  ) {
    throw new WeightsError(
      `${where}: a tensor has no valid shape: ${shownAxes(shape)}, strides ${shownAxes(strides)}, ` +
        `from ${shownNumber(offset)}`,
    );
  }
  const size = sizeOf(shape);
  const last = size === 0
    ? 0
    : offset + shape.reduce((sum, length, i) => sum + (length - 1) * strides[i], 0) + 1;
  if (!(size <= storage.count && last <= storage.count)) {
    throw new WeightsError(
      `${where}: a tensor of shape [${shape}], strides [${strides}], from ${offset} on claims more than the ` +
        `${storage.count} elements of its memory`,
    );
  }
  return new TorchTensor(storage, offset, shape, strides);
}

/**
 * How PyTorch's pickles are read: storages and tensors become descriptions, all other classes stay inert.
 *
 * @param where The file, for messages.
 * @param storages Receives each storage that a pickle names, by its key.
 */
export function torchOptions(where: string, storages: Map<string, Storage>): PickleOptions {
  return {
    // A dict of a thousand tensors, and an optimiser's state of each, take some 10⁵ instructions.
    mostSteps: 2_000_000,
    persistent: (id) => {
      const storage = storageOf(id, where);
      storages.set(storage.key, storage);
      return storage;
    },
    call: ({ full }, args) => {
      if (full === "torch._utils._rebuild_tensor_v2" || full === "torch._utils._rebuild_tensor") {
        return tensorOf(args, where);
      }
      // A parameter of a tensor that is no plain one stays as inert as that.
      if (
        full === "torch._utils._rebuild_parameter" || full === "torch._utils._rebuild_parameter_with_state"
      ) {
        return args[0];
      }
      return undefined;
    },
  };
}

/**
 * The numbers of a tensor, row by row, from those of its memory.
 *
 * @param bytes The elements from `tensor.offset` to the last that it uses.
 */
function gather(tensor: TorchTensor, bytes: Uint8Array, dtype: Dtype): Uint8Array {
  const { shape, strides } = tensor, size = BYTES[dtype];
  let dense = 1;
  const isDense = shape.map((_, i) => i).reverse().every((i) => {
    const fits = shape[i] === 1 || strides[i] === dense;
    dense *= shape[i];
    return fits;
  });
  if (isDense) return bytes;
  const out = new Uint8Array(sizeOf(shape) * size);
  const index = new Array<number>(shape.length).fill(0);
  for (let to = 0; to < out.length; to += size) {
    const from = index.reduce((sum, place, i) => sum + place * strides[i], 0) * size;
    for (let byte = 0; byte < size; byte++) out[to + byte] = bytes[from + byte];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return out;
}

/** Reads `length` bytes of a storage from byte `offset` on. */
export type ReadStorage = (storage: Storage, offset: number, length: number) => Promise<Uint8Array>;

/** A described tensor as one that can be read. */
function readable(tensor: TorchTensor, name: string, where: string, readStorage: ReadStorage): FileTensor {
  const { storage, offset, shape, strides } = tensor;
  return {
    shape,
    async read(): Promise<StoredTensor> {
      const { dtype } = storage;
      if (!dtype) throw new WeightsError(`${where}: "${name}" is of an element type that no weights have`);
      const size = sizeOf(shape);
      const used = size === 0 ? 0 : shape.reduce((sum, length, i) => sum + (length - 1) * strides[i], 0) + 1;
      const bytes = await readStorage(storage, offset * BYTES[dtype], used * BYTES[dtype]);
      return { dtype, shape, data: storedView(gather(tensor, bytes, dtype), dtype) };
    },
  };
}

/** The tensors that a dict holds itself. */
function tensorsIn(
  dict: ReadonlyMap<unknown, unknown>,
  where: string,
  readStorage: ReadStorage,
): Map<string, FileTensor> {
  const found = new Map<string, FileTensor>();
  for (const [name, value] of dict) {
    if (typeof name === "string" && value instanceof TorchTensor) {
      found.set(name, readable(value, name, where, readStorage));
    }
  }
  return found;
}

/** Files that people write have a handful of levels; paths into those that never end would fill the memory. */
const MOST_LEVELS = 16;

/**
 * The sets of tensors that a pickle's value holds: the value itself, and the dicts in it and in its lists, as in
 * `{"model": …}` (`model`) and `{"states": [{"model": …}]}` (`states.0.model`).
 */
export function setsIn(value: unknown, where: string, readStorage: ReadStorage): Map<string, TensorSet> {
  const sets = new Map<string, TensorSet>(), seen = new Set<unknown>();
  const look = (inner: unknown, path: string, levels: number) => {
    // What holds others may hold itself, or be held a million times.
    if (!(inner instanceof Map || Array.isArray(inner)) || seen.has(inner)) return;
    seen.add(inner);
    const tensors = inner instanceof Map ? tensorsIn(inner, where, readStorage) : undefined;
    if (tensors && tensors.size > 0) sets.set(path, tensors);
    if (levels === 0) return;
    for (const [name, part] of inner.entries()) {
      if (typeof name !== "string" && !Array.isArray(inner)) continue;
      look(part, path === "" ? String(name) : `${path}.${name}`, levels - 1);
    }
  };
  look(value, "", MOST_LEVELS);
  return sets;
}
