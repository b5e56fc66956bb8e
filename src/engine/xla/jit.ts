import * as tf from "./tf.ts";
import { parameter } from "./ir/build.ts";
import { type ParameterNote, printProgram } from "./ir/print.ts";
import { sameShape, type Value } from "./ir/types.ts";
import type { XlaBackend } from "./backend.ts";
import type { Compiler } from "./compiler.ts";
import type { Precision } from "./kernels/types.ts";
import type { Buffer, Executable, ProgramMemory } from "./pjrt/types.ts";
import { bufferOf, dtypeOf } from "./storage.ts";
import { newTrace, typeOf, valueOf } from "./trace.ts";
import { leaves, mapTree, paths, type Tree } from "./tree.ts";

/** How a function is compiled. */
export interface JitOptions<Args> {
  /** Arguments whose memory is given up to the results; their tensors are disposed by the call. */
  donate?: readonly (keyof Args & string)[];
  /** Element type of matrix products. Default float32. */
  precision?: Precision;
}

/** What compiling a function took, and what one call needs. */
export interface Compiled {
  traceSeconds: number;
  compileSeconds: number;
  /** True when a stored executable was loaded. */
  cached: boolean;
  memory?: ProgramMemory;
  /** Floating-point operations of one call, as XLA counts them. */
  flops?: number;
}

/** A compiled function of named trees of tensors. */
export interface Jitted<Args extends Record<string, Tree>, Result extends Tree> {
  (args: Args): Result;
  /** Compiles for arguments of these shapes, without running and without holding up the event loop. */
  compile(args: Args): Promise<Compiled>;
  /** The recorded program for arguments of these shapes, as StableHLO. */
  lower(args: Args): { text: string };
  /** Frees the compiled programs and what they captured. */
  dispose(): void;
}

/** Where a result comes from: a number of the program's results, or an argument that is handed through. */
type Origin = { readonly result: number } | { readonly argument: number };

interface Recorded {
  readonly text: string;
  /** Data that the function used without being given them; their buffers follow the arguments. */
  readonly captures: tf.DataId[];
  readonly origins: Origin[];
  readonly shapes: number[][];
  /** The result's tree, with numbers of results in place of tensors. */
  readonly form: unknown;
  readonly donated: number[];
  readonly traceSeconds: number;
}

interface Program extends Recorded {
  readonly executable: Executable;
  readonly report: Compiled;
}

/** A tree's form: its keys, with the leaves' numbers at the leaves. */
function formOf(tree: Tree): unknown {
  let number = 0;
  const walk = (node: Tree): unknown => {
    if (typeof (node as tf.Tensor).dataId === "object") return number++;
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([key, branch]) => [key, walk(branch as Tree)]));
  };
  return walk(tree);
}

/** Puts tensors into a form. */
function fill(form: unknown, tensors: tf.Tensor[]): Tree {
  if (typeof form === "number") return tensors[form];
  if (Array.isArray(form)) return form.map((branch) => fill(branch, tensors));
  return Object.fromEntries(
    Object.entries(form as Record<string, unknown>).map(([key, branch]) => [key, fill(branch, tensors)]),
  );
}

function releaseCaptures(backend: XlaBackend, captures: Iterable<tf.DataId>) {
  for (const dataId of captures) backend.disposeData(dataId);
}

/** Runs a function on traced stand-ins for its arguments. */
function recordFunction<Args extends Record<string, Tree>>(
  backend: XlaBackend,
  fn: (args: Args) => Tree,
  args: Args,
  buffers: Buffer[],
  options: JitOptions<Args>,
): Recorded {
  const start = performance.now();
  if (backend.trace) {
    throw new Error("xla: a jitted function was called while another is being traced; call the plain one");
  }
  const trace = newTrace(options.precision ?? "float32");
  const parameters: Value[] = [];
  const engine = tf.engine();
  backend.trace = trace;
  engine.startScope();
  let values: Value[], form: unknown, resultPaths: string[];
  try {
    const standIns = mapTree(args as Tree, (leaf) => {
      const value = parameter(trace.graph, typeOf(buffers[parameters.length]));
      parameters.push(value);
      const { dataId } = backend.adoptValue(value);
      return engine.makeTensorFromDataId(dataId, leaf.shape, leaf.dtype, backend);
    });
    const result = fn(standIns as unknown as Args);
    form = formOf(result);
    resultPaths = paths(result);
    const found = leaves(result);
    values = found.map((leaf) => valueOf(trace, backend.client, backend.entries.get(leaf.dataId), leaf));
    // Tensors that the function marked with tf.keep outlive the scope.
    for (const leaf of found) if (leaf.kept && backend.entries.get(leaf.dataId).value) leaf.dispose();
  } catch (error) {
    releaseCaptures(backend, trace.captures.keys());
    throw error;
  } finally {
    engine.endScope();
    backend.trace = null;
  }
  return finish(trace, args, { parameters, values, form, resultPaths, start }, options.donate ?? []);
}

/** Decides what is donated to what and writes the program. */
function finish<Args extends Record<string, Tree>>(
  trace: ReturnType<typeof newTrace>,
  args: Args,
  traced: { parameters: Value[]; values: Value[]; form: unknown; resultPaths: string[]; start: number },
  donate: readonly string[],
): Recorded {
  const { parameters, values, resultPaths } = traced;
  const argumentPaths = paths(args);
  const given = argumentPaths.map((path) =>
    donate.some((name) => path === name || path.startsWith(`${name}/`))
  );
  const results: Value[] = [], resultPath: string[] = [];
  // A donated argument that comes back unchanged keeps its buffer and never enters the program's results.
  const handed = new Set<number>();
  const origins = values.map((value, i): Origin => {
    const argument = parameters.indexOf(value);
    if (argument >= 0 && given[argument] && !handed.has(argument)) {
      handed.add(argument);
      return { argument };
    }
    resultPath.push(resultPaths[i]);
    return { result: results.push(value) - 1 };
  });
  const notes: ParameterNote[] = parameters.map(() => ({}));
  const taken = new Set<number>();
  const donated = parameters.map((_, i) => i).filter((i) => given[i] && !handed.has(i));
  const fits = (i: number, k: number) =>
    !taken.has(k) && results[k].type.element === parameters[i].type.element &&
    sameShape(results[k].type.shape, parameters[i].type.shape);
  const alias = (i: number, k: number) => {
    if (k < 0) return;
    taken.add(k);
    notes[i].aliases = k;
  };
  // state/params/x goes to the result of the same path; what is left goes wherever it fits.
  for (const i of donated) {
    alias(
      i,
      resultPath.findIndex((path, k) => path === argumentPaths[i] && fits(i, k)),
    );
  }
  for (const i of donated) {
    if (notes[i].aliases === undefined) {
      alias(
        i,
        results.findIndex((_, k) => fits(i, k)),
      );
    }
  }
  return {
    text: printProgram(trace.graph, results, notes),
    captures: [...trace.captures.keys()],
    origins,
    shapes: values.map((value) => [...value.type.shape]),
    form: traced.form,
    donated,
    traceSeconds: (performance.now() - traced.start) / 1000,
  };
}

/**
 * Compiles a pure function of tensor trees: it is run once on stand-ins, which records what it computes, and from then
 * on the compiled program runs in its place. One program is kept for each combination of shapes and types.
 *
 * @param backend The device.
 * @param compiler Turns program text into an executable.
 * @param fn Takes one record of trees and returns a tree. It must not read values, branch on them, or draw at random.
 * @param options Donation and precision.
 */
export function jit<Args extends Record<string, Tree>, Result extends Tree>(
  backend: XlaBackend,
  compiler: Compiler,
  fn: (args: Args) => Result,
  options: JitOptions<Args> = {},
): Jitted<Args, Result> {
  const programs = new Map<string, Program>();
  const gather = (args: Args) => {
    const tensors = leaves(args), buffers = tensors.map((tensor) => backend.buffer(tensor));
    const types = tensors.map((tensor, i) => `${tensor.dtype}[${tensor.shape}]${buffers[i].type}`);
    return { tensors, buffers, signature: `${JSON.stringify(formOf(args))}${types}` };
  };
  const complete = (
    recorded: Recorded,
    built: { executable: Executable; cached: boolean },
    start: number,
  ): Program => {
    const { executable, cached } = built;
    const report: Compiled = {
      traceSeconds: recorded.traceSeconds,
      compileSeconds: (performance.now() - start) / 1000,
      cached,
      memory: executable.memory(),
      flops: executable.flops(),
    };
    return { ...recorded, executable, report };
  };
  const programOf = (args: Args, signature: string, buffers: Buffer[]): Program => {
    const known = programs.get(signature);
    if (known) return known;
    const recorded = recordFunction(backend, fn, args, buffers, options);
    const start = performance.now();
    const program = complete(recorded, compiler.compile(recorded.text), start);
    programs.set(signature, program);
    return program;
  };

  const call = (args: Args): Result => {
    if (backend.trace) return fn(args);
    const { tensors, buffers, signature } = gather(args);
    const program = programOf(args, signature, buffers);
    const captured = program.captures.map((dataId) => bufferOf(backend.client, backend.entries.get(dataId)));
    const results = program.executable.execute([...buffers, ...captured], program.donated);
    const engine = tf.engine();
    const outputs = program.origins.map((origin, i) => {
      const buffer = "result" in origin ? results[origin.result] : buffers[origin.argument];
      const info = backend.adopt(buffer, program.shapes[i]);
      return engine.makeTensorFromDataId(info.dataId, program.shapes[i], dtypeOf(buffer.type), backend);
    });
    release(args, tensors, program);
    return fill(program.form, outputs) as Result;
  };

  /** Disposes donated tensors; a buffer that was handed through now belongs to the result. */
  const release = (args: Args, tensors: tf.Tensor[], program: Program) => {
    const names = paths(args);
    const donate = options.donate ?? [];
    const handed = new Set(
      program.origins.flatMap((origin) => "argument" in origin ? [origin.argument] : []),
    );
    for (const [i, tensor] of tensors.entries()) {
      if (!donate.some((name) => names[i] === name || names[i].startsWith(`${name}/`))) continue;
      if (handed.has(i)) {
        const entry = backend.entries.get(tensor.dataId);
        entry.buffer = undefined;
        entry.host = undefined;
      }
      tensor.dispose();
    }
  };

  return Object.assign(call, {
    compile: async (args: Args): Promise<Compiled> => {
      const { buffers, signature } = gather(args);
      const known = programs.get(signature);
      if (known) return known.report;
      const recorded = recordFunction(backend, fn, args, buffers, options);
      const start = performance.now();
      const program = complete(recorded, await compiler.compileAsync(recorded.text), start);
      programs.set(signature, program);
      return program.report;
    },
    lower: (args: Args) => {
      const { text, captures } = recordFunction(backend, fn, args, gather(args).buffers, options);
      releaseCaptures(backend, captures);
      return { text };
    },
    dispose: () => {
      for (const program of programs.values()) {
        program.executable.delete();
        releaseCaptures(backend, program.captures);
      }
      programs.clear();
    },
  });
}
