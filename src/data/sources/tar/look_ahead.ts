/** Whether an archive's label files state classes, known before the first of its pictures is given. */
import type { TarSample } from "./samples.ts";

/** Samples that are looked at, and bytes of their pictures, before the first one is given. */
const MOST = 100, MOST_BYTES = 32 * 2 ** 20;

/**
 * Gives an archive's samples, the first of them after a look at those behind.
 *
 * @param samples The samples in order.
 * @param sizeOf Bytes that a sample keeps in memory.
 * @param decided Whether what is looked for is known already.
 * @param see Told of each sample as soon as it has been read; says whether the sample has to wait for others.
 */
export async function* lookAhead<P>(
  samples: AsyncIterable<TarSample<P>>,
  sizeOf: (sample: TarSample<P>) => number,
  decided: () => boolean,
  see: (sample: TarSample<P>) => boolean,
): AsyncGenerator<TarSample<P>, void, void> {
  const waiting: TarSample<P>[] = [];
  let bytes = 0, looks = true;
  try {
    for await (const sample of samples) {
      const waits = see(sample);
      if (!waits && waiting.length === 0) {
        yield sample;
        continue;
      }
      waiting.push(sample);
      bytes += sizeOf(sample);
      looks &&= !decided() && waiting.length < MOST && bytes < MOST_BYTES;
      if (!looks) yield* waiting.splice(0);
    }
  } catch (error) {
    // What came before the damage is whole.
    yield* waiting.splice(0);
    throw error;
  }
  yield* waiting;
}
