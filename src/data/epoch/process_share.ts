import { requireWhole } from "../../text/whole.ts";

/** One process's part of an epoch's order. */
export interface Part {
  /** Records in it, the same for every process. */
  length: number;
  /** The place in the whole order of this part's record `j`, 0 ≤ j < length. */
  place(j: number): number;
}

/**
 * Splits an epoch's order for data parallel processes: disjoint parts of equal length, together the whole but for the
 * last `length mod count` places.
 *
 * Places are dealt out like cards (`j · count + index`), so that after j records of each process exactly the first
 * j · count places of the common order are consumed: a run can go on with another number of processes, and the batches
 * of all processes together are those that one process with the larger batch would take.
 *
 * @param length Records of the whole.
 * @param index This process, 0 … count − 1.
 * @param count How many processes.
 * @throws {RangeError} For a process that does not exist or more processes than records.
 * @example
 * ```ts
 * import { part } from "./process_share.ts";
 * import assert from "node:assert/strict";
 * const second = part(7, 1, 3);
 * assert.deepEqual([second.length, second.place(0), second.place(1)], [2, 1, 4]);
 * ```
 */
export function part(length: number, index: number, count: number): Part {
  requireWhole("the number of processes", count);
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
    throw new RangeError(`process ${index} of ${count} does not exist; they count from 0`);
  }
  if (!Number.isSafeInteger(length) || length < count) {
    throw new RangeError(
      `${length} records cannot be split among ${count} processes; take at most ${length}`,
    );
  }
  const each = Math.floor(length / count);
  return {
    length: each,
    place(j) {
      if (!Number.isSafeInteger(j) || j < 0 || j >= each) {
        throw new RangeError(`place ${j} is not one of this process's 0 … ${each - 1}`);
      }
      return j * count + index;
    },
  };
}

/**
 * Reads `--process i/n`, i counting from 0.
 *
 * @param text Such as `0/4`.
 * @throws {Error} For anything else.
 */
export function parseProcess(text: string): { index: number; count: number } {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim());
  const index = Number(match?.[1]), count = Number(match?.[2]);
  if (!match || count < 1 || index >= count) {
    throw new Error(`--process takes i/n with i from 0 to n − 1, such as 0/4, not "${text}"`);
  }
  return { index, count };
}
