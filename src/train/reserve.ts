/** How a reserve of batches is kept. */
export interface ReserveOptions {
  /** Batches that are read beyond the one that is given. */
  size: number;
  /** Batches that are wanted in all: no more are read. */
  most: number;
  /** Told, once, that no more can be read; those in reserve are still given. */
  failed(error: unknown): void;
}

/**
 * Batches that are read some time before they are given: a process that trains with others hears that its stream has failed while
 * it still has the batches of the steps until all can stop.
 *
 * @returns The same batches, and then the stream's error. Each waits until those behind it have been read.
 */
export function withReserve<T>(
  batches: AsyncIterator<T, void>,
  { size, most, failed }: ReserveOptions,
): AsyncIterator<T, void> {
  const read: T[] = [];
  let left = most, failure: { error: unknown } | undefined;
  const more = async () => {
    left--;
    try {
      const got = await batches.next();
      if (got.done) left = 0;
      else read.push(got.value);
    } catch (error) {
      left = 0;
      failure = { error };
      failed(error);
    }
  };
  return {
    async next() {
      while (left > 0 && read.length <= size) await more();
      if (read.length > 0) return { done: false, value: read.shift()! };
      if (failure) throw failure.error;
      return { done: true, value: undefined };
    },
  };
}
