/**
 * Waiting that an abort ends. A race against one promise of the abort would keep the result of each wait for as long as
 * the run lasts; this keeps nothing of finished waits.
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
