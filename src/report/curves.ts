import type { Curves } from "./types.ts";

/** Curves that grow by a line at a time and never take more memory than their limit. */
export interface CurveBuilder {
  /**
   * Takes a line. What is no finite number in it is left out.
   *
   * @returns False for a step that is not after the last one; the line is then left out. Where a step may come `again`, its
   * new line takes the place of the one before.
   */
  add(step: number, values: Record<string, unknown>): boolean;
  /** The curves as they stand. */
  curves(): Curves;
}

/** A value over the points: the least and the most of each, and which of them came first. */
interface Extremes {
  least: number[];
  most: number[];
  rising: boolean[];
}

/** More names than this in one file are left out. */
const MOST_NAMES = 100;

const short = (value: number) => Number(value.toPrecision(6));

/** Takes a value into a point. */
function takeValue({ least, most, rising }: Extremes, at: number, value: number): void {
  if (least[at] === undefined) {
    least[at] = most[at] = value;
    rising[at] = true;
  } else if (value < least[at]) {
    least[at] = value;
    rising[at] = false;
  } else if (value > most[at]) {
    most[at] = value;
    rising[at] = true;
  }
}

/** Puts every two points together, so that this many are left. */
function joinPairs({ least, most, rising }: Extremes, points: number): void {
  for (let i = 0; i < points; i++) {
    const a = 2 * i, b = a + 1;
    const low = !(least[b] < least[a]) ? a : b, high = !(most[b] > most[a]) ? a : b;
    // Of two points without a value, the other one counts.
    const [l, h] = least[a] === undefined ? [b, b] : least[b] === undefined ? [a, a] : [low, high];
    rising[i] = l === h ? rising[l] : l < h;
    least[i] = least[l];
    most[i] = most[h];
  }
  least.length = most.length = rising.length = points;
}

/** What is shown of a point: its least and its most, in the order in which they came. */
function shownPair({ least, most, rising }: Extremes, at: number): (number | null)[] {
  if (least[at] === undefined) return [null, null];
  return (rising[at] ? [least[at], most[at]] : [most[at], least[at]]).map(short);
}

/**
 * Begins curves. Lines are put together where there are more than the limit: each point then keeps the least and the most
 * of every value, so no peak is lost. The points double their width whenever they are full, so a file of any length takes
 * one pass.
 *
 * @param limit Points, an even number.
 * @param skip Names in a line that are no values.
 * @param again Whether the last step may come once more.
 */
export function curveBuilder(
  limit: number,
  skip: ReadonlySet<string> = new Set(),
  again = false,
): CurveBuilder {
  const first: number[] = [], end: number[] = [], series = new Map<string, Extremes>();
  const last = new Map<string, number>();
  let width = 1, inPoint = 0, lines = 0;

  /** Puts every two points together. */
  const halve = () => {
    const points = first.length / 2;
    for (let i = 0; i < points; i++) {
      first[i] = first[2 * i];
      end[i] = end[2 * i + 1];
    }
    first.length = end.length = points;
    for (const extremes of series.values()) joinPairs(extremes, points);
    width *= 2;
    inPoint = width;
  };

  /** Takes back what the last line said, where its point holds no other. */
  const forget = () => {
    if (inPoint > 1) return;
    for (const { least, most, rising } of series.values()) {
      least.length = most.length = rising.length = Math.min(least.length, first.length - 1);
    }
  };

  return {
    add(step, values) {
      const before = end.at(-1), same = again && step === before;
      if (before !== undefined && step <= before && !same) return false;
      if (same) forget();
      else {
        if (inPoint === width || first.length === 0) {
          if (first.length === limit) halve();
          first.push(step);
          end.push(step);
          inPoint = 0;
        }
        inPoint++;
        lines++;
      }
      const at = first.length - 1;
      end[at] = step;
      for (const name in values) {
        const value = values[name];
        if (typeof value !== "number" || !Number.isFinite(value) || skip.has(name)) continue;
        let one = series.get(name);
        if (!one) {
          if (series.size === MOST_NAMES) continue;
          series.set(name, one = { least: [], most: [], rising: [] });
        }
        last.set(name, value);
        takeValue(one, at, value);
      }
      return true;
    },
    curves() {
      const steps: number[] = [], values: Record<string, (number | null)[]> = {};
      for (let i = 0; i < first.length; i++) {
        steps.push(first[i]);
        if (end[i] !== first[i]) steps.push(end[i]);
      }
      for (const [name, extremes] of series) {
        const column: (number | null)[] = values[name] = [];
        for (let i = 0; i < first.length; i++) {
          const [one, other] = shownPair(extremes, i);
          column.push(one);
          if (end[i] !== first[i]) column.push(other);
        }
      }
      return { lines, perPoint: width, steps, values, last: Object.fromEntries(last) };
    },
  };
}
