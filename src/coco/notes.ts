/** What was found odd in files, counted by kind. */

/** Counts oddities that do not stop an evaluation. */
export interface Notes {
  /**
   * One more.
   *
   * @param one What is said of one, such as `1 annotation has a box without area`.
   * @param many The same of several: `N annotations have …`; `N` becomes the count.
   * @param example Where it was; the first of a kind is kept.
   */
  add(one: string, many: string, example: string): void;
  /** A line for each kind, in the order in which the kinds came. */
  list(): string[];
}

/** An empty list of notes. */
export function notes(): Notes {
  const kinds = new Map<string, { one: string; count: number; example: string }>();
  return {
    add(one, many, example) {
      const known = kinds.get(many);
      if (known) known.count++;
      else kinds.set(many, { one, count: 1, example });
    },
    list: () =>
      [...kinds].map(([many, { one, count, example }]) =>
        count === 1 ? `${one}: ${example}` : `${many.replace("N", String(count))}; the first: ${example}`
      ),
  };
}
