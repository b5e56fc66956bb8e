import * as tf from "../tf.ts";
import type { XlaBackend } from "../backend.ts";
import type { Built, Compiler } from "./compiler.ts";
import { requireOwn, within } from "./donate.ts";
import { exchangesOf } from "./exchanges.ts";
import type { Lay } from "../ir/types.ts";
import type { Buffer, CompileOptions, Executable } from "../pjrt/types.ts";
import { byNames, inOrder, inWords } from "./key_order.ts";
import { fill, formOf, heldBy, type Recorded, recordFunction, releaseCaptures } from "./record.ts";
import { type DeviceMesh, runOn, spreadOf } from "./spread.ts";
import { isTaping } from "./tape.ts";
import { dtypeOf, typeOfEntry } from "../storage.ts";
import { leaves, paths, requireTensors, type Tree } from "../tree.ts";
import type { CallMemory, CompileReport, JitOptions, Jitted } from "../types.ts";

/** A function that XLA compiles, and that can show its program. */
export interface XlaJitted<Args extends Record<string, Tree>, Result extends Tree>
  extends Jitted<Args, Result> {
  /**
   * The recorded program for arguments of these shapes, as StableHLO, and the floating-point operations of its products
   * and convolutions.
   */
  lower(args: Args): { text: string; flops: number };
}

interface Program extends Recorded {
  /** The paths of its arguments, in their order, and the numbers of the arguments by the names of their keys. */
  readonly names: readonly string[];
  readonly order: readonly number[];
  readonly executable: Executable;
  readonly report: CompileReport;
}

/** The devices that a function is split over; undefined where it runs on one. */
function meshFor(
  { mesh }: XlaBackend,
  { shard, divide, sums = "float32" }: Pick<JitOptions<never>, "shard" | "divide" | "sums">,
): DeviceMesh | undefined {
  if (!shard?.length || !mesh) return undefined;
  const processes = divide?.length ? mesh.size / mesh.devices.length : 1;
  return { ...mesh, processes, sums: sums === "bfloat16" ? "bf16" : "f32" };
}

/** What one run needs, where the plugin can tell. */
function memoryOf(executable: Executable): CallMemory | undefined {
  const memory = executable.memory();
  if (!memory) return undefined;
  const { arguments: given, outputs, aliased, temporaries, peak = given + outputs + temporaries } = memory;
  return { arguments: given, outputs, aliased, temporaries, peak };
}

/** Gives back what a function has captured whose program cannot be compiled. */
function refuse(backend: XlaBackend, { captures }: Recorded, error: unknown): never {
  releaseCaptures(backend, captures);
  throw error;
}

/** Compiles a recorded function while everything waits. */
function compileNow(
  backend: XlaBackend,
  compiler: Compiler,
  recorded: Recorded,
  target: CompileOptions,
): Built {
  try {
    return compiler.compile(recorded.text, target);
  } catch (error) {
    return refuse(backend, recorded, error);
  }
}

/** Gives back a program and what it has captured. */
function discard(backend: XlaBackend, program: Pick<Program, "executable" | "captures">): void {
  program.executable.delete();
  releaseCaptures(backend, program.captures);
}

/** The type that each tensor has on the device, in order. */
const typesOf = (backend: XlaBackend, tensors: readonly tf.Tensor[]) =>
  tensors.map(({ dataId }) => typeOfEntry(backend.entries.get(dataId)));

/** Tensors of what a run has made or handed through: each result's buffers by device. */
function adoptResults(
  backend: XlaBackend,
  program: Program,
  given: readonly (readonly Buffer[])[],
  results: readonly (readonly Buffer[])[],
): tf.Tensor[] {
  const { origins, shapes } = program, engine = tf.engine();
  return origins.map((origin, i) => {
    const buffers = "result" in origin ? results[origin.result] : given[origin.argument];
    const lay = "result" in origin ? program.made[origin.result] : program.given[origin.argument];
    const { dataId } = backend.adopt(buffers, shapes[i], lay);
    return engine.makeTensorFromDataId(dataId, shapes[i], dtypeOf(buffers[0].type), backend);
  });
}

/** Disposes donated tensors; buffers that were handed through now belong to the result. */
function releaseDonated(
  backend: XlaBackend,
  tensors: readonly tf.Tensor[],
  { origins, names }: Program,
  donate?: readonly string[],
): void {
  const handed = new Set(origins.flatMap((origin) => "argument" in origin ? [origin.argument] : []));
  for (const [i, tensor] of tensors.entries()) {
    if (!within(names[i], donate)) continue;
    if (handed.has(i)) {
      const entry = backend.entries.get(tensor.dataId);
      entry.buffer = entry.spread = entry.host = undefined;
      entry.gone = true; // For others that share it.
    }
    tensor.dispose();
  }
}

/** What a program is kept by: the names, shapes and types of its arguments. */
function signatureOf(backend: XlaBackend, args: Tree): string {
  requireTensors(args, "argument");
  return JSON.stringify(inWords(args, (tensor) => {
    const [{ element, shape }] = typesOf(backend, [tensor]);
    return `${tensor.dtype}[${tensor.shape}]${element}[${shape}]`;
  }));
}

/**
 * The program of a function for arguments of certain shapes, without compiling it. See {@linkcode jit}.
 *
 * @returns StableHLO text, and the floating-point operations of its products and convolutions.
 */
export function lower<Args extends Record<string, Tree>>(
  backend: XlaBackend,
  fn: (args: Args) => Tree,
  args: Args,
  options: JitOptions<Args> = {},
): { text: string; flops: number } {
  requireTensors(args, "argument");
  const mesh = meshFor(backend, options);
  const types = typesOf(backend, leaves(args));
  const { text, flops, captures } = recordFunction(backend, fn, args, types, options, mesh);
  releaseCaptures(backend, captures);
  return { text, flops };
}

/**
 * Compiles a pure function of tensor trees: it is run once on stand-ins, which records what it computes, and from then
 * on the compiled program runs in its place. One program is kept for each combination of shapes and types; the order of keys in
 * a record plays no part.
 *
 * @param backend The device.
 * @param compiler Turns program text into an executable.
 * @param fn Takes one record of trees and returns a tree. It must not read values, branch on them, or draw at random. Tensors
 * that it uses besides its arguments stay as they are when it is recorded; variables are read at each call.
 * @param options Donation, precision and splitting over devices.
 */
export function jit<Args extends Record<string, Tree>, Result extends Tree>(
  backend: XlaBackend,
  compiler: Compiler,
  fn: (args: Args) => Result,
  options: JitOptions<Args> = {},
): XlaJitted<Args, Result> {
  const { client } = backend;
  const mesh = meshFor(backend, options);
  const target: CompileOptions = mesh
    ? { partitions: mesh.size, shardy: mesh.shardy, devices: [...mesh.ids] }
    : {};
  const programs = new Map<string, Program>();

  const record = (args: Args) => ({
    ...recordFunction(backend, fn, args, typesOf(backend, leaves(args)), options, mesh),
    names: paths(args),
    order: byNames(formOf(args)),
  });
  const complete = (
    signature: string,
    recorded: ReturnType<typeof record>,
    built: Built,
    start: number,
  ): Program => {
    const { executable, cached } = built, { traceSeconds, flops } = recorded;
    const meanwhile = programs.get(signature);
    if (meanwhile) { // Compiled twice at a time.
      discard(backend, { ...recorded, executable });
      return meanwhile;
    }
    const compileSeconds = (performance.now() - start) / 1000;
    const exchanges = exchangesOf(executable, mesh?.size ?? 1);
    const report = { traceSeconds, compileSeconds, cached, memory: memoryOf(executable), flops, exchanges };
    const program = { ...recorded, executable, report };
    programs.set(signature, program);
    return program;
  };
  /** A tensor's buffers by device. */
  const place = (dataId: tf.DataId, lay: Lay): readonly Buffer[] => {
    const entry = backend.entries.get(dataId);
    return mesh ? spreadOf(client, mesh, entry, lay) : [backend.buffer({ dataId })];
  };

  const call = (args: Args): Result => {
    // A compiled program has no gradient: the function's own operations are taken, one by one.
    if (backend.trace || isTaping()) return fn(args);
    const signature = signatureOf(backend, args);
    let program = programs.get(signature);
    if (!program) {
      const recorded = record(args), start = performance.now();
      program = complete(signature, recorded, compileNow(backend, compiler, recorded, target), start);
    }
    const { captures, donated, executable, form } = program, tensors = inOrder(args, program.order);
    const given = tensors.map(({ dataId }, i) => place(dataId, program.given[i]));
    const captured = captures.map((capture) => place(heldBy(backend, capture), "whole"));
    requireOwn(program.names, given, captured, options.donate);
    const results = runOn(executable, [...given, ...captured], donated);
    const outputs = adoptResults(backend, program, given, results);
    releaseDonated(backend, tensors, program, options.donate);
    return fill(form, outputs) as Result;
  };

  return Object.assign(call, {
    compile: async (args: Args): Promise<CompileReport> => {
      const signature = signatureOf(backend, args), known = programs.get(signature);
      if (known) return known.report;
      const recorded = record(args), start = performance.now();
      const built = await compiler.compileAsync(recorded.text, target).catch((error) =>
        refuse(backend, recorded, error)
      );
      return complete(signature, recorded, built, start).report;
    },
    lower: (args: Args) => lower(backend, fn, args, options),
    dispose: () => {
      for (const program of programs.values()) discard(backend, program);
      programs.clear();
    },
  });
}
