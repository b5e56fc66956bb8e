/** Typed arrays that can grow. */
type Numbers =
  | Float64Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A list of numbers at their size in bytes each, for indexes of many millions. */
export interface NumberList<N extends Numbers = Numbers> {
  readonly length: number;
  push(value: number): void;
  get(index: number): number;
  /** All values, as a view of the list's own memory: the list must not grow or change while it is used. */
  values(): N;
  /** Replaces every value. */
  update(change: (value: number) => number): void;
}

/**
 * A growing list of numbers.
 *
 * @param kind The typed array that holds them.
 */
export function numberList<N extends Numbers>(kind: new (size: number) => N): NumberList<N> {
  let values = new kind(1024), length = 0;
  return {
    get length() {
      return length;
    },
    push(value) {
      if (length === values.length) {
        const larger = new kind(length * 2);
        larger.set(values);
        values = larger;
      }
      values[length++] = value;
    },
    get: (index) => values[index],
    values: () => values.subarray(0, length) as N,
    update(change) {
      for (let i = 0; i < length; i++) values[i] = change(values[i]);
    },
  };
}

/** A list of short texts at their length in UTF-8 plus 8 bytes each. */
export interface TextList {
  readonly length: number;
  push(text: string): void;
  get(index: number): string;
}

/** A growing list of texts; JavaScript's own strings take three times the memory. */
export function textList(): TextList {
  const ends = numberList(Float64Array), encoder = new TextEncoder();
  // A file's name may begin with what is a mark of byte order elsewhere.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let bytes = new Uint8Array(4096), used = 0;
  return {
    get length() {
      return ends.length;
    },
    push(text) {
      const most = text.length * 3;
      if (used + most > bytes.length) {
        const larger = new Uint8Array(Math.max(bytes.length * 2, used + most));
        larger.set(bytes);
        bytes = larger;
      }
      used += encoder.encodeInto(text, bytes.subarray(used)).written;
      ends.push(used);
    },
    get: (index) => decoder.decode(bytes.subarray(index === 0 ? 0 : ends.get(index - 1), ends.get(index))),
  };
}

/**
 * Makes sure that `index` is one of 0 … length − 1.
 *
 * @throws {RangeError} When it is not.
 */
export function requireIndex(uri: string, index: number, length: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= length) {
    throw new RangeError(`${uri}: record ${index} is not one of 0 … ${length - 1}`);
  }
}
