import type { StoredTensor } from "../../files/stored_tensor.ts";

/** Weights that cannot be used; the message says what is wrong, where, and what to do. */
export class WeightsError extends Error {
  override name = "WeightsError";
}

/** A tensor in a file: its shape is known, its numbers are read when asked for. */
export interface FileTensor {
  shape: readonly number[];
  /** Reads its numbers, row-major. Do not run two reads of a file at once. */
  read(): Promise<StoredTensor>;
}

/** Tensors by their names, in the file's order. */
export type TensorSet = ReadonlyMap<string, FileTensor>;

/** A file of weights that is open. */
export interface WeightsFile {
  path: string;
  /** What it is, for people, such as `a PyTorch file`. */
  what: string;
  /** The sets of tensors in it by where they are: "" for the file itself, else such as `teacher`, or `model`. */
  sets: ReadonlyMap<string, TensorSet>;
  /** Texts and numbers that its writer left beside the tensors, such as `args.arch`. */
  facts: ReadonlyMap<string, string | number>;
  close(): void;
}

/** An open file of bytes that is read at any place. */
export interface Bytes {
  path: string;
  size: number;
  /** Reads exactly so many bytes. Do not run two at once. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): void;
}
