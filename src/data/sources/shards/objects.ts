/**
 * The annotated objects of a shard's pictures as one value: columns as safetensors, so that later versions can add some.
 * `sizes` F64 [n, 2] (width, height) and `counts` I32 [n] of n pictures; `boxes` F64 [m, 4], `classes` I32 [m] and `crowd` U8 [m] of
 * their m objects, picture after picture.
 */
import { decodeSafetensors, encodeSafetensors } from "../../../files/safetensors.ts";
import type { StoredTensor } from "../../../files/stored_tensor.ts";
import { numberList } from "../../io/compact_lists.ts";
import type { PictureObjects } from "../../types.ts";

/** Bytes of a picture and of an object. */
const PICTURE_BYTES = 20, OBJECT_BYTES = 37;

/** Objects that are gathered, picture by picture. */
export interface ObjectsTable {
  /** Objects so far. */
  readonly objects: number;
  /** One more than the largest number of a class. */
  readonly classCount: number;
  /** Bytes that they take, about. */
  readonly bytes: number;
  /** The next picture's. */
  add(objects: PictureObjects): void;
  /** All of them as a value. */
  encode(): Uint8Array;
}

/** An empty table. */
export function objectsTable(): ObjectsTable {
  const sizes = numberList(Float64Array), counts = numberList(Int32Array);
  const boxes = numberList(Float64Array), classes = numberList(Int32Array), crowd = numberList(Uint8Array);
  let classCount = 0;
  return {
    get objects() {
      return classes.length;
    },
    get classCount() {
      return classCount;
    },
    get bytes() {
      return PICTURE_BYTES * counts.length + OBJECT_BYTES * classes.length;
    },
    add(objects) {
      sizes.push(objects.width);
      sizes.push(objects.height);
      counts.push(objects.classes.length);
      for (const edge of objects.boxes) boxes.push(edge);
      for (const kind of objects.classes) {
        classes.push(kind);
        classCount = Math.max(classCount, kind + 1);
      }
      for (const is of objects.crowd) crowd.push(is);
    },
    encode() {
      const n = counts.length, m = classes.length;
      return encodeSafetensors({
        sizes: { dtype: "F64", shape: [n, 2], data: sizes.values() },
        counts: { dtype: "I32", shape: [n], data: counts.values() },
        boxes: { dtype: "F64", shape: [m, 4], data: boxes.values() },
        classes: { dtype: "I32", shape: [m], data: classes.values() },
        crowd: { dtype: "U8", shape: [m], data: crowd.values() },
      });
    },
  };
}

const damaged = (what: string) => new Error(`damaged shard: its boxes ${what}`);

/** A column of the table, of the type and shape that it must have. */
function column<T>(tensors: Record<string, StoredTensor>, name: string, dtype: string, shape: number[]): T {
  const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (found?.dtype !== dtype || found.shape.join() !== shape.join()) {
    throw damaged(`lack ${name} of ${dtype} [${shape.join(", ")}]`);
  }
  return found.data as T;
}

/**
 * The objects in a value.
 *
 * @param value What {@linkcode ObjectsTable.encode} gave; kept as it is.
 * @param pictures How many pictures the shard has, and `objects` how many objects.
 * @param classCount The number of its classes.
 * @returns The objects of a picture by its number in the shard, in memory of their own.
 * @throws {Error} When columns are missing or do not belong together, or a value cannot be.
 */
export function decodeObjects(
  value: Uint8Array,
  { pictures, objects, classCount }: { pictures: number; objects: number; classCount: number },
): (index: number) => PictureObjects {
  const { tensors } = decodeSafetensors(value, "damaged shard: its boxes");
  const sizes = column<Float64Array>(tensors, "sizes", "F64", [pictures, 2]);
  const counts = column<Int32Array>(tensors, "counts", "I32", [pictures]);
  const boxes = column<Float64Array>(tensors, "boxes", "F64", [objects, 4]);
  const classes = column<Int32Array>(tensors, "classes", "I32", [objects]);
  const crowd = column<Uint8Array>(tensors, "crowd", "U8", [objects]);
  const starts = new Float64Array(pictures + 1);
  for (let i = 0; i < pictures; i++) {
    if (counts[i] < 0) throw damaged(`count ${counts[i]} in a picture`);
    starts[i + 1] = starts[i] + counts[i];
  }
  if (starts[pictures] !== objects) throw damaged(`are ${starts[pictures]} instead of ${objects}`);
  if (!sizes.every((side) => side > 0 && side < Infinity)) throw damaged("are in pictures without a size");
  if (!boxes.every(Number.isFinite)) throw damaged("are not all finite numbers");
  if (!classes.every((kind) => kind >= 0 && kind < classCount)) {
    throw damaged("have classes that are not listed");
  }
  return (index) => {
    const [from, to] = [starts[index], starts[index + 1]];
    return {
      ...{ width: sizes[2 * index], height: sizes[2 * index + 1] },
      boxes: boxes.slice(4 * from, 4 * to) as Float64Array<ArrayBuffer>,
      classes: classes.slice(from, to) as Int32Array<ArrayBuffer>,
      crowd: crowd.slice(from, to) as Uint8Array<ArrayBuffer>,
    };
  };
}
