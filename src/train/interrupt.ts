/**
 * Waiting that an abort ends. Unlike a race against one promise of the abort, which would keep what each wait came to
 * for as long as the run lasts, it keeps nothing of waits that are over.
 *
 * @returns What waits for something, and gives undefined when the signal comes first.
 */
export function untilAborted(signal?: AbortSignal): <T>(wanted: Promise<T>) => Promise<T | undefined> {
  const waiting = new Set<() => void>();
  signal?.addEventListener("abort", () => waiting.forEach((stop) => stop()), { once: true });
  return (wanted) =>
    new Promise((resolve, reject) => {
      const stop = () => resolve(undefined);
      if (signal?.aborted) stop();
      waiting.add(stop);
      wanted.then(resolve, reject).finally(() => waiting.delete(stop));
    });
}
