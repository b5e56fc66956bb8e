/** Trees whose records have the same keys in another order: one program serves them all. */
import type * as tf from "../tf.ts";
import { isTensor, leaves, type Tree } from "../tree.ts";
import { formOf } from "./record.ts";

/** A tree with words in place of its tensors, and its keys sorted: the same for trees that differ in the order of keys alone. */
export function inWords(tree: Tree, words: (tensor: tf.Tensor) => string): unknown {
  if (isTensor(tree)) return words(tree);
  if (Array.isArray(tree)) return tree.map((branch) => inWords(branch, words));
  const branches: [string, Tree][] = Object.entries(tree);
  return Object.fromEntries(
    branches.sort(([a], [b]) => a < b ? -1 : 1).map(([key, branch]) => [key, inWords(branch, words)]),
  );
}

/** The numbers of a form's leaves by the names of its keys: place by place the same leaves, whatever the order of the keys. */
export function byNames(form: unknown): number[] {
  if (typeof form === "number") return [form];
  const branches = Object.entries(form as Record<string, unknown>);
  if (!Array.isArray(form)) branches.sort(([a], [b]) => a < b ? -1 : 1);
  return branches.flatMap(([, branch]) => byNames(branch));
}

/** A tree's tensors in the order of a program's arguments. */
export function inOrder(args: Tree, order: readonly number[]): tf.Tensor[] {
  const tensors = leaves(args), own = byNames(formOf(args)), sorted: tf.Tensor[] = [];
  order.forEach((at, i) => sorted[at] = tensors[own[i]]);
  return sorted;
}
