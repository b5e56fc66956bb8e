import type { ParameterNote } from "../ir/print.ts";
import { type Lay, sameShape, type Value } from "../ir/types.ts";
import type { Buffer } from "../pjrt/types.ts";

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

/**
 * Makes sure that nobody else needs what is given up.
 *
 * @param given Each argument's buffers by device.
 * @param captured Those of what the function uses besides.
 * @throws {Error} When the values of a donated argument are another argument's, or the function's own, too.
 */
export function requireOwn(
  names: readonly string[],
  given: readonly (readonly Buffer[])[],
  captured: readonly (readonly Buffer[])[],
  donate?: readonly string[],
): void {
  const all = [...given, ...captured].map(([first]) => first);
  if (!donate?.length || new Set(all).size === all.length) return;
  for (const [i, name] of names.entries()) {
    const other = within(name, donate) ? all.findIndex((buffer, k) => k !== i && buffer === all[i]) : -1;
    if (other < 0) continue;
    throw new Error(
      `xla: ${name} is given up (donated), but ${
        names[other] ?? "what the function uses besides its arguments"
      } is the ` +
        "same tensor, or shares its values: give a copy of its own, such as tf.add(x, 0), or do not donate it",
    );
  }
}
