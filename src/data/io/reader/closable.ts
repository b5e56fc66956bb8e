/**
 * An async generator whose `return()` also works while a `next()` is still waiting: it aborts a signal first, where a
 * plain generator would finish its wait before it looks at `return()`. Whatever waits inside must listen to the signal.
 *
 * @param make Makes the generator, given the signal.
 * @param outer Aborting this has the same effect.
 */
export function closable<T>(
  make: (signal: AbortSignal) => AsyncGenerator<T, void, void>,
  outer?: AbortSignal,
): AsyncGenerator<T, void, void> {
  const controller = new AbortController();
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  outer?.addEventListener("abort", follow);
  const inner = make(controller.signal);
  let stopped = false;
  const finish = () => outer?.removeEventListener("abort", follow);
  const result: AsyncGenerator<T, void, void> = {
    async next() {
      if (stopped) return { done: true, value: undefined };
      try {
        const step = await inner.next();
        if (step.done) finish();
        return step;
      } catch (error) {
        finish();
        // The consumer has stopped: nobody wants to hear that the wait was broken off.
        if (stopped) return { done: true, value: undefined };
        throw error;
      }
    },
    async return() {
      stopped = true;
      finish();
      controller.abort(new DOMException("the reader stopped", "AbortError"));
      try {
        await inner.return();
      } catch {
        // As above.
      }
      return { done: true, value: undefined };
    },
    async throw(error) {
      await result.return();
      throw error;
    },
    async [Symbol.asyncDispose]() {
      await result.return();
    },
    [Symbol.asyncIterator]: () => result,
  };
  return result;
}
