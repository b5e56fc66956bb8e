import * as tf from "../tf.ts";
import type { XlaBackend } from "../backend.ts";
import { donation, type Origin, within } from "./donate.ts";
import { parameter } from "../ir/build.ts";
import { countFlops } from "../ir/flops.ts";
import { printProgram, reachable } from "../ir/print.ts";
import { partsOf } from "../ir/sharding.ts";
import type { Lay, Mesh, TensorType, Value } from "../ir/types.ts";
import { requireCurrent } from "../register.ts";
import { dropTape } from "./tape.ts";
import { withoutEffects } from "./once.ts";
import { newTrace, type Trace, valueOf } from "./trace.ts";
import { typeOfEntry } from "../storage.ts";
import { leaves, mapTree, paths, requireTensors, type Tree } from "../tree.ts";
import type { JitOptions } from "../types.ts";

/** Data that a function used but did not get as an argument: always the same, or what a variable holds at each call. */
export type Capture = { readonly dataId: tf.DataId } | {
  readonly variable: tf.Variable;
  /** Its type on the device when the function was recorded. */
  readonly type: TensorType;
};

/** A function as a program. */
export interface Recorded {
  readonly text: string;
  /** Data that the function used but did not get as arguments; their buffers follow the arguments. */
  readonly captures: readonly Capture[];
  readonly origins: Origin[];
  readonly shapes: number[][];
  /** The result's tree, with the results' numbers instead of tensors. */
  readonly form: unknown;
  readonly donated: number[];
  /** By argument: how it lies over the devices. */
  readonly given: Lay[];
  /** By result of the program: the same. */
  readonly made: Lay[];
  /** Floating-point operations of one call, in products and convolutions. */
  readonly flops: number;
  readonly traceSeconds: number;
}

/** A tree's form: its keys, with the leaves' numbers at the leaves. */
export function formOf(tree: Tree): unknown {
  let number = 0;
  const walk = (node: Tree): unknown => {
    if (typeof (node as tf.Tensor).dataId === "object") return number++;
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([key, branch]) => [key, walk(branch as Tree)]));
  };
  return walk(tree);
}

/** Puts tensors into a form. */
export function fill(form: unknown, tensors: tf.Tensor[]): Tree {
  if (typeof form === "number") return tensors[form];
  if (Array.isArray(form)) return form.map((branch) => fill(branch, tensors));
  return Object.fromEntries(
    Object.entries(form as Record<string, unknown>).map(([key, branch]) => [key, fill(branch, tensors)]),
  );
}

/** Releases what a recorded function had captured. */
export function releaseCaptures(backend: XlaBackend, captures: readonly Capture[]): void {
  for (const capture of captures) if ("dataId" in capture) backend.disposeData(capture.dataId);
}

/** What a recorded function has captured. */
function capturesOf({ captures }: Trace): Capture[] {
  return Array.from(
    captures,
    ([key, { type }]) => key instanceof tf.Variable ? { variable: key, type } : { dataId: key },
  );
}

/**
 * What a capture holds now.
 *
 * @throws {Error} A variable has been disposed of, or holds another type.
 */
export function heldBy(backend: XlaBackend, capture: Capture): tf.DataId {
  if ("dataId" in capture) return capture.dataId;
  const { variable: { name, dataId, isDisposed }, type } = capture;
  if (isDisposed) throw new Error(`xla: the function reads the variable ${name}, which has been disposed of`);
  const now = typeOfEntry(backend.entries.get(dataId));
  if (now.element === type.element && `${now.shape}` === `${type.shape}`) return dataId;
  throw new Error(
    `xla: the variable ${name} holds ${now.element}[${now.shape}] on the device now, and held ${type.element}[${type.shape}] ` +
      "when the function was recorded; call dispose() of the function, which records it anew",
  );
}

/**
 * Runs a function on traced stand-ins for its arguments.
 *
 * @param types The arguments' types on the device, in order.
 * @param mesh The devices to split over, if there are several.
 * @throws {Error} When another function is being traced, another backend is current, or the function returns no tensor,
 * draws at random, or makes or assigns to a variable.
 */
export function recordFunction<Args extends Record<string, Tree>>(
  backend: XlaBackend,
  fn: (args: Args) => Tree,
  args: Args,
  types: readonly TensorType[],
  options: JitOptions<Args>,
  mesh?: Mesh,
): Recorded {
  const start = performance.now();
  if (backend.trace) {
    throw new Error("xla: a jitted function was called while another is being traced; call the plain one");
  }
  requireCurrent(backend);
  const argumentPaths = paths(args);
  const given = laysOf(argumentPaths, types, options, mesh);
  const trace = newTrace(options.precision ?? "float32", { ...backend.target, mesh });
  const parameters: Value[] = [];
  const engine = tf.engine();
  backend.trace = trace;
  engine.startScope();
  let values: Value[], form: unknown, resultPaths: string[];
  try {
    const standIns = mapTree(args as Tree, (leaf) => {
      const value = parameter(trace.graph, types[parameters.length]);
      parameters.push(value);
      const { dataId } = backend.adoptValue(value);
      return engine.makeTensorFromDataId(dataId, leaf.shape, leaf.dtype, backend);
    });
    const result = withoutEffects(() => fn(standIns as unknown as Args));
    requireTensors(result, "result");
    form = formOf(result);
    resultPaths = paths(result);
    const found = leaves(result);
    if (found.length === 0) {
      throw new Error("xla: the function returned no tensor, so there is nothing to compute");
    }
    values = found.map((leaf) => valueOf(trace, backend.entries.get(leaf.dataId), leaf));
    // Tensors that the function marked with tf.keep outlive the scope.
    for (const leaf of found) if (leaf.kept && backend.entries.get(leaf.dataId).value) leaf.dispose();
  } catch (error) {
    dropTape();
    releaseCaptures(backend, capturesOf(trace));
    throw error;
  } finally {
    engine.endScope();
    backend.trace = null;
  }
  const { origins, results, lays, donated, notes } = donation(
    parameters.map((value, i) => ({ value, path: argumentPaths[i], lay: given[i] })),
    values.map((value, i) => {
      const path = resultPaths[i];
      return { value, path, lay: within(path, options.divide) ? shareOf(value.type, mesh) : "whole" };
    }),
    options.donate,
  );
  return {
    text: printProgram(trace.graph, results, notes.map((note, i) => ({ ...note, lay: given[i] })), lays),
    captures: capturesOf(trace),
    origins,
    shapes: values.map((value) => [...value.type.shape]),
    form,
    donated,
    given,
    made: lays,
    flops: countFlops(reachable(results)),
    traceSeconds: (performance.now() - start) / 1000,
  };
}

/** How a value lies that is to be divided: whole where its first axis cannot be. */
function shareOf({ shape }: TensorType, mesh?: Mesh): Lay {
  const parts = mesh ? partsOf("share", mesh) : 1;
  return parts > 1 && shape.length > 0 && shape[0] % parts === 0 ? "share" : "whole";
}

/** How the arguments lie over the devices. */
function laysOf(
  argumentPaths: string[],
  types: readonly TensorType[],
  { shard = [], divide }: { shard?: readonly string[]; divide?: readonly string[] },
  mesh?: Mesh,
): Lay[] {
  for (const name of shard) {
    if (!argumentPaths.some((path) => within(path, [name]))) {
      throw new Error(
        `xla: shard names ${name}, but the function's arguments are ${argumentPaths.join(", ")}`,
      );
    }
  }
  return argumentPaths.map((path, i) => {
    if (mesh && within(path, divide)) return shareOf(types[i], mesh);
    if (!mesh || !within(path, shard)) return "whole";
    const { shape } = types[i];
    if (shape.length > 0 && shape[0] % mesh.size === 0) return "rows";
    throw new Error(
      `xla: ${path} of shape [${shape}] cannot be split over ${mesh.size} devices: its first axis must be divisible ` +
        `by ${mesh.size}`,
    );
  });
}
