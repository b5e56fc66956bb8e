import { type Golden, numbers } from "./golden.ts";

/** What kind of number is compared; decides how, and how close it must be. */
export type Kind =
  | "losses"
  | "maps"
  | "gradients"
  | "vanishing gradients"
  | "gradient sums"
  | "buffers"
  | "cells"
  | "update losses"
  | "gradient norms"
  | "weights after updates"
  | "buffers after updates"
  | "probe"
  | "accuracy"
  | "resized pictures"
  | "boxes"
  | "normalised"
  | "whole levels"
  | Rendered
  | `${Rendered}, all but 1 %`;

/** Kinds of pictures that the engine makes, in levels of 255; compared by their mean and by their 99th percentile. */
type Rendered = "crops" | "colours" | "blur";

/** How a kind is measured and the largest error that passes. Ours computes in float32. */
export const TOLERANCE: Readonly<Record<Kind, { measure: Measure; limit: number }>> = {
  "losses": { measure: "relative", limit: 1e-5 },
  "maps": { measure: "relative to the largest", limit: 1e-4 },
  "gradients": { measure: "relative L2", limit: 1e-3 },
  // Exactly 0 in theory (docs/spec.md §10 D18), so there is nothing to be relative to.
  "vanishing gradients": { measure: "absolute", limit: 1e-4 },
  // Relative to the gradient's norm. Errors may add up in a sum, so more is allowed than for the elements.
  "gradient sums": { measure: "relative to the first", limit: 3e-3 },
  "buffers": { measure: "relative L2", limit: 1e-4 },
  "cells": { measure: "absolute", limit: 0 },
  "update losses": { measure: "relative", limit: 1e-4 },
  // Not required; updates amplify rounding, because AdamW gives the smallest gradients steps of full size.
  "gradient norms": { measure: "relative", limit: 1e-2 },
  "weights after updates": { measure: "relative L2", limit: 1e-2 },
  "buffers after updates": { measure: "relative L2", limit: 1e-3 },
  "probe": { measure: "relative L2", limit: 1e-4 },
  "accuracy": { measure: "absolute", limit: 1e-3 },
  // On the processor, bit for bit.
  "resized pictures": { measure: "absolute", limit: 0 },
  "boxes": { measure: "absolute", limit: 0 },
  "normalised": { measure: "absolute", limit: 2e-6 },
  "whole levels": { measure: "absolute", limit: 0 },
  // The engine rounds once where PIL rounds to 8 bits after each pass.
  "crops": { measure: "mean", limit: 0.5 },
  "crops, all but 1 %": { measure: "99th percentile", limit: 2 },
  "colours": { measure: "mean", limit: 0.1 },
  "colours, all but 1 %": { measure: "99th percentile", limit: 1 },
  "blur": { measure: "mean", limit: 1 },
  "blur, all but 1 %": { measure: "99th percentile", limit: 3 },
};

/** How two lists of numbers are compared. */
export type Measure =
  | "absolute"
  | "relative"
  | "relative to the largest"
  | "relative to the first"
  | "relative L2"
  | "mean"
  | "99th percentile";

/** One compared tensor. */
export interface Comparison {
  name: string;
  kind: Kind;
  /** By the kind's measure; infinite where ours is not finite or of another size. */
  error: number;
  pass: boolean;
}

/** The error of `ours` against `theirs`. Anything that is not finite gives infinity. */
export function errorOf(measure: Measure, ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Infinity;
  const gaps = new Float64Array(theirs.length);
  let largest = 0, squares = 0, size = 0, total = 0, relative = 0;
  for (let i = 0; i < theirs.length; i++) {
    const difference = Math.abs(ours[i] - theirs[i]), scale = Math.abs(theirs[i]);
    if (!Number.isFinite(difference)) return Infinity;
    gaps[i] = difference;
    largest = Math.max(largest, difference);
    size = Math.max(size, scale);
    squares += difference * difference;
    total += scale * scale;
    if (difference > 0) relative = Math.max(relative, difference / scale);
  }
  const over = (error: number, scale: number) => (error === 0 ? 0 : error / scale);
  switch (measure) {
    case "absolute":
      return largest;
    case "relative":
      return relative;
    case "relative to the largest":
      return over(largest, size);
    case "relative to the first":
      return over(largest, Math.abs(theirs[0]));
    case "relative L2":
      return over(Math.sqrt(squares), Math.sqrt(total));
    case "mean":
      return over(gaps.reduce((sum, gap) => sum + gap, 0), gaps.length);
    case "99th percentile":
      return gaps.sort()[Math.floor(0.99 * (gaps.length - 1))] ?? 0;
    default:
      return measure satisfies never;
  }
}

/** Which elements of a tensor are compared. */
export type Select = (index: number, length: number) => boolean;

/** Collects comparisons with the tensors of one file. */
export interface Comparer {
  readonly results: Comparison[];
  /** Compares with a stored tensor, or only the elements that `select` picks; one that the file lacks is passed over. */
  check(kind: Kind, name: string, ours: ArrayLike<number>, select?: Select): void;
  /** True where the file has this tensor. */
  has(name: string): boolean;
  /** Elements of a stored tensor. */
  sizeOf(name: string): number;
  /** Stored results under these prefixes that nothing was compared with. */
  untouched(prefixes: readonly string[]): string[];
}

/** A collector for one file. */
export function comparer(golden: Golden): Comparer {
  const results: Comparison[] = [];
  const seen = new Set<string>();
  const has = (name: string) => Object.hasOwn(golden.tensors, name);
  return {
    results,
    has,
    sizeOf: (name) => golden.tensors[name].data.length,
    check: (kind, name, ours, select) => {
      if (!has(name)) return;
      seen.add(name);
      const { measure, limit } = TOLERANCE[kind];
      const picked = (values: ArrayLike<number>) =>
        select ? Array.from(values).filter((_, i) => select(i, values.length)) : values;
      const error = errorOf(measure, picked(ours), picked(numbers(golden.tensors[name])));
      results.push({ name, kind, error, pass: error <= limit });
    },
    untouched: (prefixes) =>
      Object.keys(golden.tensors).filter((name) =>
        !seen.has(name) && prefixes.some((prefix) => name.startsWith(prefix))
      ),
  };
}
