/** What someone may have meant by a word that nothing is called. */

/** Hyphens, underscores and capitals are where names differ that mean the same. */
const plain = (name: string) => name.toLowerCase().replace(/[-_ ]/g, "");

/** Edits between two words: a character put in, left out or changed, or two neighbours swapped. */
function distance(a: string, b: string): number {
  let before: number[] = [], row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

/**
 * The candidate that a word most likely stands for: the one with the fewest edits, if these are few for its length; else
 * the only one that begins with the word.
 *
 * @param word What was given. Capitals, hyphens and underscores do not count.
 * @param candidates The names that there are.
 * @returns A candidate, or undefined where none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const given = plain(word.slice(0, 100));
  if (given === "") return undefined;
  const limit = given.length <= 3 ? 1 : Math.max(2, given.length / 3);
  let best: string | undefined, least = Infinity;
  for (const name of candidates) {
    const score = distance(given, plain(name));
    if (score <= limit && score < least && score < plain(name).length) [best, least] = [name, score];
  }
  if (best !== undefined || given.length < 3) return best;
  const begun = candidates.filter((name) => plain(name).startsWith(given));
  return begun.length === 1 ? begun[0] : undefined;
}

/**
 * The end of an error about an unknown name.
 *
 * @param word What was given.
 * @param candidates The names that there are.
 * @param write How a candidate is written in the sentence. Default: in double quotes.
 * @returns `; did you mean "batchSize"?`, or an empty string.
 */
export function didYouMean(
  word: string,
  candidates: readonly string[],
  write: (name: string) => string = JSON.stringify,
): string {
  const name = nearest(word, candidates);
  return name === undefined ? "" : `; did you mean ${write(name)}?`;
}
