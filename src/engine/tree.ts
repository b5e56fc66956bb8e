/** Trees of tensors, as the rest of the code sees them. */
export { isTensor, leaves, mapTree, paths, type Tree } from "./xla/tree.ts";
