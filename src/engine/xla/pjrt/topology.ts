/** Compiling for devices that are described instead of present. */
import { type Api, loadApi, writeNamedValues } from "./api.ts";
import { type Address, addressOf, Struct } from "./memory.ts";
import { optimizedProgram, programMemory } from "./program.ts";
import { compileOptionsProto } from "./proto.ts";
import type { CompileOptions, ProgramMemory } from "./types.ts";

/** A program for described devices: it can be looked at, not run. */
export interface TargetProgram {
  /** What a run would need on each device, or undefined where the compiler does not tell. */
  memory(): ProgramMemory | undefined;
  /** The program after XLA's passes, as a serialized HloModuleProto with its configuration. */
  optimized(): { format: string; code: Uint8Array<ArrayBuffer> };
  /** Gives its memory back. */
  delete(): void;
}

/** Devices that are described. */
export interface Topology {
  /** The C API that the plugin speaks, such as "0.115". */
  readonly apiVersion: string;
  /**
   * Compiles StableHLO text on another thread. XLA's log goes to the error output.
   *
   * @throws {PjrtError} When the compiler refuses the text, or cannot compile without a device.
   */
  compile(stablehlo: string, options?: CompileOptions): Promise<TargetProgram>;
  close(): void;
}

/** A program that the plugin has compiled, by its native handle. */
function targetProgram(api: Api, handle: Address): TargetProgram {
  let executable = handle;
  const live = () => {
    if (executable === 0) throw new Error("xla: the compiled program was deleted");
    return executable;
  };
  return {
    memory: () => programMemory(api, live()),
    optimized: () => optimizedProgram(api, live()),
    delete: () => {
      if (executable === 0) return;
      api.call("Executable_Destroy", new Struct("Executable_Destroy_Args").set("executable", executable));
      executable = 0;
    },
  };
}

/**
 * Describes devices to a plugin, so that it compiles for them where they are not. XLA's CUDA plugin can do that: it needs
 * no card, no driver and none of the libraries that programs call, only `ptxas` and `libdevice`.
 *
 * @param plugin Path of the plugin's shared library.
 * @param options `target_config`, the text of a GpuTargetConfigProto, and `topology`, such as `1x1x8` for one slice of one
 * host with eight devices.
 * @throws {PluginLoadError} When the file is no PJRT plugin, or speaks another major version of the API.
 * @throws {PjrtError} When the plugin is too old to describe devices, or does not understand the description.
 */
export function describeTopology(
  plugin: string,
  options: { target_config: string; topology: string },
): Topology {
  const api = loadApi(plugin), native = writeNamedValues(options);
  const name = new TextEncoder().encode("described");
  const create = new Struct("TopologyDescription_Create_Args");
  create.set("topology_name", addressOf(name)).set("topology_name_size", name.length);
  create.set("create_options", native.address).set("num_options", native.count);
  const held: unknown[] = [native, name];
  api.call("TopologyDescription_Create", create);
  held.length = 0;
  let topology = create.get("topology"), pending = 0, closed = false;
  const free = () => {
    if (!closed || pending > 0 || topology === 0) return;
    const args = new Struct("TopologyDescription_Destroy_Args").set("topology", topology);
    api.call("TopologyDescription_Destroy", args);
    topology = 0;
  };
  return {
    apiVersion: api.version,
    compile: async (stablehlo, compileOptions) => {
      if (closed) throw new Error("xla: the topology is closed");
      const code = new TextEncoder().encode(stablehlo), format = new TextEncoder().encode("mlir");
      const proto = compileOptionsProto(compileOptions);
      const program = new Struct("Program");
      program.set("code", addressOf(code)).set("code_size", code.length);
      program.set("format", addressOf(format)).set("format_size", format.length);
      const args = new Struct("Compile_Args").set("topology", topology).set("program", program.address);
      args.set("compile_options", addressOf(proto)).set("compile_options_size", proto.length);
      // What native code reads on the other thread must not be collected meanwhile.
      const pin = { code, format, proto, program };
      pinned.add(pin);
      pending++;
      try {
        await api.callLater("Compile", args, program);
      } finally {
        pinned.delete(pin);
        pending--;
        free();
      }
      return targetProgram(api, args.get("executable"));
    },
    close: () => {
      closed = true;
      free();
    },
  };
}

/** What native code reads during calls on other threads. */
const pinned = new Set<unknown>();
