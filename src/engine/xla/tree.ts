import type * as tf from "./tf.ts";

/** Tensors held in nested arrays and records. Keys are visited in insertion order. */
export type Tree = tf.Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** True for a tensor, false for a branch of a tree. */
export function isTensor(tree: Tree): tree is tf.Tensor {
  return typeof (tree as tf.Tensor).dataId === "object" && typeof (tree as tf.Tensor).dispose === "function";
}

/** What stands where a tensor should, in words; undefined for a branch. */
function noTensor(node: unknown): string | undefined {
  if (node === null || node === undefined) return `${node}`;
  if (typeof node !== "object") return `a ${typeof node}`;
  if (ArrayBuffer.isView(node)) return "a typed array";
  return node instanceof Promise ? "a promise" : undefined;
}

/**
 * Makes sure that a tree has tensors alone at its ends, none of which has been disposed of.
 *
 * @param what What the tree is, such as `argument`.
 * @throws {Error} When it has something else; the message says where.
 */
export function requireTensors(tree: unknown, what: string, at = ""): void {
  const found = noTensor(tree), tensor = !found && isTensor(tree as Tree) ? tree as tf.Tensor : undefined;
  if (found || tensor?.isDisposed) {
    const wrong = found
      ? `${found}; tensors are wanted, and arrays and records of them`
      : "a tensor that has been disposed of";
    throw new Error(`xla: the function's ${what}${at === "" ? "" : ` ${at}`} is ${wrong}`);
  }
  if (tensor) return;
  for (const [key, branch] of Object.entries(tree as object)) {
    requireTensors(branch, what, at === "" ? key : `${at}/${key}`);
  }
}

/** All tensors of a tree, in order. */
export function leaves(tree: Tree): tf.Tensor[] {
  if (isTensor(tree)) return [tree];
  return (Array.isArray(tree) ? tree : Object.values(tree)).flatMap((branch) => leaves(branch));
}

/** The paths of all tensors of a tree, in the order of {@linkcode leaves}, such as `state/params/head.slp.bias`. */
export function paths(tree: Tree, at = ""): string[] {
  if (isTensor(tree)) return [at];
  return Object.entries(tree).flatMap(([key, branch]) =>
    paths(branch as Tree, at === "" ? key : `${at}/${key}`)
  );
}

/** A tree of the same form whose tensors are replaced by `change`. */
export function mapTree<T extends Tree>(tree: T, change: (leaf: tf.Tensor, path: string) => tf.Tensor): T {
  const walk = (node: Tree, at: string): Tree => {
    if (isTensor(node)) return change(node, at);
    if (Array.isArray(node)) return node.map((branch, i) => walk(branch, at === "" ? `${i}` : `${at}/${i}`));
    return Object.fromEntries(
      Object.entries(node).map((
        [key, branch],
      ) => [key, walk(branch as Tree, at === "" ? key : `${at}/${key}`)]),
    );
  };
  return walk(tree, "") as T;
}
