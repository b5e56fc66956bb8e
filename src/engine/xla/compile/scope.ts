import { XlaBackend } from "../backend.ts";
import * as tf from "../tf.ts";
import { tape, type TapeNode } from "./tape.ts";

/** Runs a function while what is recorded belongs to a part of the program. */
function within<T>(graph: { scope: string }, scope: string, fn: () => T): T {
  const before = graph.scope;
  graph.scope = scope;
  try {
    return fn();
  } finally {
    graph.scope = before;
  }
}

/** Derivatives that already belong to a part: the innermost one counts. */
const placed = new WeakSet<TapeNode>();

/**
 * Names the part of a model that a piece of code computes, such as `block3`: while a function is traced for a compiler,
 * its operations get the names of all parts around them, as in `encoder/block3/attention`, and those of their derivatives
 * the same with `gradient` behind. The names stand in the program (`loc`), in what the compiler makes of it (`op_name`)
 * and in profilers. They change no number, and nothing where no function is traced.
 *
 * @param name A word, or several with slashes between them.
 * @param fn Computes the part.
 * @returns What it returns.
 */
export function scope<T>(name: string, fn: () => T): T {
  const backend = tf.backend(), trace = backend instanceof XlaBackend ? backend.trace : null;
  if (!trace) return fn();
  const { graph } = trace, whole = graph.scope === "" ? name : `${graph.scope}/${name}`;
  const nodes = tape(), first = nodes?.length ?? 0;
  const result = within(graph, whole, fn);
  // What has been put on the tape meanwhile is differentiated later, when other parts are under way.
  if (nodes && tape() === nodes) {
    for (const node of nodes.slice(first)) {
      const { gradient } = node;
      if (!gradient || placed.has(node)) continue;
      placed.add(node);
      const back = `${whole}/gradient`;
      node.gradient = (dys) =>
        Object.fromEntries(
          Object.entries(within(graph, back, () => gradient(dys)))
            .map(([input, part]) => [input, () => within(graph, back, part)]),
        );
    }
  }
  return result;
}
