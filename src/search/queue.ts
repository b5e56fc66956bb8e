/** There are too many waiting. */
export class BusyError extends Error {
  override name = "BusyError";
}

/**
 * Does pieces of work one after another, in the order in which they come.
 *
 * @param most How many may wait.
 * @returns Takes a piece of work; what is not wanted any more when its turn comes is not done. Its promise fails with a
 * {@linkcode BusyError} where too many wait already, or with the signal's reason.
 */
export function workQueue(most: number): <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve(), waiting = 0;
  return (signal, work) => {
    if (waiting >= most) {
      return Promise.reject(new BusyError(`${waiting} searches are waiting; try again later`));
    }
    waiting++;
    const turn = last.then(async () => {
      signal.throwIfAborted();
      return await work();
    }).finally(() => waiting--);
    last = turn.catch(() => {});
    return turn;
  };
}
