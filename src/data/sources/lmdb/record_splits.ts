/** Splits that the dicts in an LMDB state beside their pictures. */
import { numberList } from "../../io/compact_lists.ts";
import type { Source } from "../../types.ts";
import type { InnerSplits } from "../inner_splits.ts";
import { passedCounter } from "../passed_over.ts";
import { select } from "../select.ts";
import type { NoSplitError } from "../splits.ts";

/** Records that are looked at to see whether records state splits at all. */
const LOOKED_AT = 20;

/**
 * The records of the split that is meant, where they state splits themselves: then each is read once.
 *
 * @param source All records.
 * @param splitAt The split that a record states.
 * @param inner Which split is meant.
 * @param missing The error where neither keys nor records state the split that was asked for.
 * @returns The source itself where records state none.
 * @throws {NoSplitError} The split is not there, or one of several must be named.
 */
export async function recordsOfSplit(
  source: Source,
  splitAt: (index: number) => Promise<string | undefined>,
  inner: InnerSplits,
  missing: NoSplitError | null,
): Promise<Source> {
  const step = Math.max(1, Math.floor(source.length / LOOKED_AT));
  let states = false;
  for (let at = 0; at < source.length && !states; at += step) states = await splitAt(at) !== undefined;
  if (!states) {
    if (missing) throw missing;
    return source;
  }
  const kept = numberList(Uint32Array), passed = passedCounter();
  for (let at = 0; at < source.length; at++) {
    const split = await splitAt(at), key = await source.key(at), why = inner.whyNot(key, true, split);
    if (why === null) kept.push(at);
    else passed.add("picture", why, key);
  }
  if (kept.length === 0) throw inner.missing() ?? missing;
  if (kept.length === source.length) return source;
  const part = select(source, kept.values());
  return { ...part, passedOver: () => [...passed.list(), ...source.passedOver?.() ?? []] };
}
