import { redact } from "../../files/redact.ts";
import { isRemote } from "./paths.ts";

/** Names of files, and what they stand for. */
export interface ShownNames {
  /** The names under which the files are spoken of and stored, in their order; each one once. */
  shown: string[];
  /** The path or address that a shown name stands for. */
  real(shown: string): string;
}

/**
 * Names for files without the secrets in their addresses. Where files differ in a secret alone, a number tells their names
 * apart.
 *
 * @param names Paths and addresses, each one once.
 */
export function shownNames(names: readonly string[]): ShownNames {
  const reals = new Map<string, string>();
  const shown = names.map((name) => {
    // A local file may be called anything.
    const plain = isRemote(name) ? redact(name) : name;
    let free = plain;
    for (let i = 2; reals.has(free) && reals.get(free) !== name; i++) free = `${plain} (${i})`;
    reals.set(free, name);
    return free;
  });
  return { shown, real: (name) => reals.get(name) ?? name };
}
