/** Numbers for class names that are met one after another. */
export interface Vocabulary {
  /** The provisional number of a class. */
  add(stated: number | string): number;
  /**
   * The class names, and the final number of each provisional one. Classes stated as numbers keep them; names get their
   * place in the order of their characters.
   */
  finish(): { labels: string[]; final: (provisional: number) => number };
}

/** More classes than this are no classes: every picture a name of its own. */
const MOST_CLASSES = 65_536;

/** An empty vocabulary. */
export function vocabulary(): Vocabulary {
  const known = new Map<number | string, number>();
  return {
    add(stated) {
      const number = known.get(stated) ?? known.size;
      if (known.size <= MOST_CLASSES) known.set(stated, number);
      return number;
    },
    finish() {
      const classes = [...known.keys()];
      const numbers = classes.filter((name) => typeof name === "number");
      if (numbers.length === classes.length && numbers.every((number) => number < MOST_CLASSES)) {
        const count = numbers.reduce((most, number) => Math.max(most, number + 1), 0);
        const labels = Array.from({ length: count }, (_, i) => String(i));
        return { labels, final: (provisional) => numbers[provisional] ?? -1 };
      }
      if (classes.length > MOST_CLASSES) return { labels: [], final: () => -1 };
      const labels = [...new Set(classes.map(String))].sort();
      const places = new Map(labels.map((name, place) => [name, place]));
      return { labels, final: (provisional) => places.get(String(classes[provisional])) ?? -1 };
    },
  };
}
