import type { ParameterNote } from "../ir/print.ts";
import { type Lay, sameShape, type Value } from "../ir/types.ts";

/** Where a result comes from: a number of the program's results, or an argument that is handed through. */
export type Origin = { readonly result: number } | { readonly argument: number };

/** A value with its path in the tree that it belongs to. */
export interface Placed {
  readonly value: Value;
  readonly path: string;
  /** How it lies over the devices. */
  readonly lay: Lay;
}

/** What becomes of donated arguments. */
export interface Donation {
  /** By result of the function. */
  readonly origins: Origin[];
  /** What the program itself returns. */
  readonly results: Value[];
  /** How each of these lies over the devices. */
  readonly lays: Lay[];
  /** Numbers of the arguments whose memory the program takes over. */
  readonly donated: number[];
  /** By parameter of the program. */
  readonly notes: ParameterNote[];
}

/** True when a path is one of those named, or lies within one. */
export function within(path: string, names: readonly string[] = []): boolean {
  return names.some((name) => path === name || path.startsWith(`${name}/`));
}

/**
 * Decides which result takes over the memory of which argument: state/params/x goes to the result of the same path;
 * the others go wherever they fit. A donated argument that comes back unchanged keeps its buffer and never enters the
 * program's results.
 *
 * @param parameters The arguments.
 * @param values The function's results.
 * @param donate Names of the arguments that are given up.
 */
export function donation(parameters: Placed[], values: Placed[], donate: readonly string[] = []): Donation {
  const given = parameters.map(({ path }) => within(path, donate));
  const results: Placed[] = [], handed = new Set<number>();
  const origins = values.map((placed): Origin => {
    const argument = parameters.findIndex(({ value }) => value === placed.value);
    if (argument >= 0 && given[argument] && !handed.has(argument)) {
      handed.add(argument);
      return { argument };
    }
    return { result: results.push(placed) - 1 };
  });
  const notes: ParameterNote[] = parameters.map(() => ({}));
  const taken = new Set<number>();
  const donated = parameters.map((_, i) => i).filter((i) => given[i] && !handed.has(i));
  const alias = (i: number, wanted: (path: string) => boolean) => {
    const { value: { type }, lay } = parameters[i];
    const k = results.findIndex(({ value, path, lay: own }, k) =>
      wanted(path) && !taken.has(k) && own === lay && value.type.element === type.element &&
      sameShape(value.type.shape, type.shape)
    );
    if (k < 0) return;
    taken.add(k);
    notes[i].aliases = k;
  };
  for (const i of donated) alias(i, (path) => path === parameters[i].path);
  for (const i of donated) if (notes[i].aliases === undefined) alias(i, () => true);
  return {
    origins,
    results: results.map(({ value }) => value),
    lays: results.map(({ lay }) => lay),
    donated,
    notes,
  };
}
