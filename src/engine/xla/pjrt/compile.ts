/** How programs come to a client's devices: compiled from StableHLO text, or loaded as a plugin has serialized them. */
import { donatedArguments } from "./donated.ts";
import { LoadedExecutable } from "./executable.ts";
import { addressOf, Struct } from "./memory.ts";
import { compileOptionsProto } from "./proto.ts";
import type { Session } from "./session.ts";
import type { Client, CompileOptions } from "./types.ts";

/** What of a client decides how programs for it are compiled. */
type Target = Pick<Client, "platform" | "devices" | "globalDevices">;

/**
 * True for options with which XLA's CPU compiler may give programs calls into oneDNN. Such a program serializes and
 * loads, but kills the process when it is run (bad_alloc; seen with C API 0.115), so it is never serialized.
 */
function usesOneDnn(options: CompileOptions = {}): boolean {
  return ["xla_cpu_experimental_onednn_custom_call", "xla_cpu_use_onednn"].some((flag) =>
    options.xlaFlags?.[flag]
  );
}

/** A program for one device goes to our first one; a plugin itself takes the first of all processes. */
function placed({ devices, globalDevices }: Target, options: CompileOptions = {}): CompileOptions {
  const { replicas = 1, partitions = 1 } = options;
  const ours = options.devices || replicas * partitions > 1 || globalDevices.length === devices.length;
  return ours ? options : { ...options, devices: [devices[0].id] };
}

/** A native call that compiles, and what is to be done when it has returned. `keep` must live until then. */
function compileCall(session: Session, target: Target, stablehlo: string, options?: CompileOptions) {
  session.open();
  const code = new TextEncoder().encode(stablehlo);
  const format = new TextEncoder().encode("mlir");
  const proto = compileOptionsProto(placed(target, options));
  const program = new Struct("Program");
  program.set("code", addressOf(code)).set("code_size", code.length);
  program.set("format", addressOf(format)).set("format_size", format.length);
  const args = new Struct("Client_Compile_Args").set("client", session.client).set(
    "program",
    program.address,
  );
  args.set("compile_options", addressOf(proto)).set("compile_options_size", proto.length);
  const done = () =>
    new LoadedExecutable(
      session,
      args.get("executable"),
      options?.donated ?? donatedArguments(stablehlo),
      target.devices,
      target.platform !== "cpu" || !usesOneDnn(options),
    );
  return { args, program, done, keep: [code, format, proto] };
}

/** As {@linkcode compileCall}, for one that loads. */
function loadCall(session: Session, target: Target, serialized: Uint8Array, options?: CompileOptions) {
  session.open();
  const proto = options && compileOptionsProto(placed(target, options));
  // The bytes must not change while another thread reads them, and shared memory has no fixed owner: copy.
  const bytes = new Uint8Array(serialized);
  const args = new Struct("Executable_DeserializeAndLoad_Args").set("client", session.client);
  args.set("serialized_executable", addressOf(bytes)).set("serialized_executable_size", bytes.length);
  if (proto) {
    args.set("overridden_serialized_compile_options", addressOf(proto));
    args.set("overridden_serialized_compile_options_size", proto.length);
  }
  const done = () =>
    new LoadedExecutable(
      session,
      args.get("loaded_executable"),
      options?.donated ?? [],
      target.devices,
      true,
    );
  return { args, done, keep: [bytes, proto] };
}

/** What a client does with programs. */
export function programsOf(
  session: Session,
  target: Target,
): Pick<Client, "compile" | "compileAsync" | "load" | "loadAsync"> {
  const { api } = session;
  return {
    compile: (stablehlo, options) => {
      const call = compileCall(session, target, stablehlo, options);
      api.call("Client_Compile", call.args, call.program);
      return call.done();
    },
    compileAsync: (stablehlo, options) => {
      const call = compileCall(session, target, stablehlo, options);
      return session.during(call, async () => {
        await api.callLater("Client_Compile", call.args, call.program);
        return call.done();
      });
    },
    load: (serialized, options) => {
      const call = loadCall(session, target, serialized, options);
      api.call("Executable_DeserializeAndLoad", call.args);
      return call.done();
    },
    loadAsync: (serialized, options) => {
      const call = loadCall(session, target, serialized, options);
      return session.during(call, async () => {
        await api.callLater("Executable_DeserializeAndLoad", call.args);
        return call.done();
      });
    },
  };
}
