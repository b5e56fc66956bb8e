/**
 * What a plugin tells of a compiled program, the PJRT_Executable behind a loaded one.
 *
 * @module
 */
import { type Api, PjrtError, readNamedValues } from "./api.ts";
import { type Address, addressOf, pointerTo, readBytes, readInts, readInts32, Struct } from "./memory.ts";
import { elementType } from "./session.ts";
import type { ProgramMemory, ValueType } from "./types.ts";

const FREE = { parameters: ["pointer"], result: "void" } as const;

/** The program's name. */
export function programName(api: Api, program: Address): string {
  const args = new Struct("Executable_Name_Args").set("executable", program);
  api.call("Executable_Name", args);
  return args.text("executable_name", "executable_name_size");
}

/** Types and shapes of what a run returns. */
export function outputTypes(api: Api, program: Address): ValueType[] {
  const types = new Struct("Executable_OutputElementTypes_Args").set("executable", program);
  api.call("Executable_OutputElementTypes", types);
  const dims = new Struct("Executable_OutputDimensions_Args").set("executable", program);
  api.call("Executable_OutputDimensions", dims);
  const ranks = readInts(dims.get("dim_sizes"), dims.get("num_outputs"));
  const all = readInts(dims.get("dims"), ranks.reduce((a, b) => a + b, 0));
  let at = 0;
  return readInts32(types.get("output_types"), types.get("num_output_types")).map((native, i) => ({
    type: elementType(native),
    dims: all.slice(at, at += ranks[i]),
  }));
}

/** Asks a question that plugins may not answer. */
function ask<
  F extends "Executable_GetCompiledMemoryStats" | "Executable_GetCostAnalysis" | "Executable_Fingerprint",
>(api: Api, name: F, program: Address): Struct<`${F}_Args`> | undefined {
  if (!api.has(name)) return undefined;
  const args = new Struct<`${F}_Args`>(`${name}_Args`);
  // Every struct of questions begins with the executable after the common head.
  new DataView(args.bytes.buffer).setBigUint64(16, BigInt(program), true);
  try {
    api.call(name, args);
  } catch (error) {
    if (error instanceof PjrtError && error.code === "UNIMPLEMENTED") return undefined;
    throw error;
  }
  return args;
}

/** What a run needs, or undefined where the plugin cannot tell. */
export function programMemory(api: Api, program: Address): ProgramMemory | undefined {
  const args = ask(api, "Executable_GetCompiledMemoryStats", program);
  return args && {
    arguments: args.get("argument_size_in_bytes"),
    outputs: args.get("output_size_in_bytes"),
    temporaries: args.get("temp_size_in_bytes"),
    aliased: args.get("alias_size_in_bytes"),
    code: args.get("generated_code_size_in_bytes"),
    peak: args.get("peak_memory_in_bytes") || undefined,
  };
}

/** All that XLA's cost analysis says; nothing where there is none. */
export function programCost(api: Api, program: Address): Record<string, number> {
  const args = ask(api, "Executable_GetCostAnalysis", program);
  if (!args) return {};
  const values = readNamedValues(args.get("properties"), args.get("num_properties"));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
}

/** A name of the program, where the plugin gives one. */
export function programFingerprint(api: Api, program: Address): string | undefined {
  return ask(api, "Executable_Fingerprint", program)
    ?.text("executable_fingerprint", "executable_fingerprint_size");
}

/** The program after XLA's passes, as a serialized HloModuleProto. */
export function optimizedProgram(
  api: Api,
  executable: Address,
): { format: string; code: Uint8Array<ArrayBuffer> } {
  const program = new Struct("Program");
  const args = new Struct("Executable_OptimizedProgram_Args").set("executable", executable);
  args.set("program", program.address);
  api.call("Executable_OptimizedProgram", args, program); // Without a place it says how much there is.
  const code = new Uint8Array(new ArrayBuffer(program.get("code_size")));
  program.set("code", addressOf(code));
  api.call("Executable_OptimizedProgram", args, program);
  return { format: program.text("format", "format_size"), code };
}

/** The program's machine code. */
export function serializeProgram(api: Api, program: Address): Uint8Array<ArrayBuffer> {
  const args = new Struct("Executable_Serialize_Args").set("executable", program);
  api.call("Executable_Serialize", args);
  const bytes = readBytes(args.get("serialized_bytes"), args.get("serialized_bytes_size"));
  const deleter = pointerTo<typeof FREE>(args.get("serialized_executable_deleter"))!;
  new Deno.UnsafeFnPointer(deleter, FREE).call(pointerTo(args.get("serialized_executable")));
  return bytes;
}
