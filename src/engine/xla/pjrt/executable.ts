import { DeviceBuffer } from "./buffer.ts";
import { type Address, addressOf, Pointers, readInts, Struct } from "./memory.ts";
import {
  optimizedProgram,
  outputTypes,
  programCost,
  programFingerprint,
  programMemory,
  programName,
  serializeProgram,
} from "./program.ts";
import { elementType, type Session } from "./session.ts";
import type { Buffer, Device, Executable, ProgramMemory, ValueType } from "./types.ts";

/** The native memory of one kind of run, made once and written again at each run. */
interface Frame {
  args: Struct<"LoadedExecutable_Execute_Args">;
  options: Struct<"ExecuteOptions">;
  /** One list of arguments and one of results per device. */
  inputs: Pointers[];
  outputs: Pointers[];
  /** What the structs above point at. */
  keep: unknown[];
  kept?: BigInt64Array;
}

/** A compiled program of a session. */
export class LoadedExecutable implements Executable {
  readonly name: string;
  readonly outputs: readonly ValueType[];
  readonly devices: readonly Device[];
  readonly #session: Session;
  /** 0 once deleted. */
  #handle: Address;
  /** The PJRT_Executable behind the loaded one, for questions about the program. */
  #program: Address;
  #frame: Frame | undefined;
  /** Of each result on each device; with several devices known after the first run. */
  #results: readonly ValueType[] | undefined;

  constructor(
    session: Session,
    handle: Address,
    readonly donated: readonly number[],
    devices: readonly Device[],
    readonly serializable: boolean,
  ) {
    this.#session = session;
    this.#handle = handle;
    const get = new Struct("LoadedExecutable_GetExecutable_Args").set("loaded_executable", handle);
    try {
      session.api.call("LoadedExecutable_GetExecutable", get);
    } catch (error) {
      session.api.call(
        "LoadedExecutable_Destroy",
        new Struct("LoadedExecutable_Destroy_Args").set("executable", handle),
      );
      throw error;
    }
    this.#program = get.get("executable");
    session.keepExecutable(this, handle, this.#program);
    this.name = programName(session.api, this.#program);
    this.outputs = outputTypes(session.api, this.#program);
    const list = new Struct("LoadedExecutable_AddressableDevices_Args").set("executable", handle);
    session.api.call("LoadedExecutable_AddressableDevices", list);
    const handles = readInts(list.get("addressable_devices"), list.get("num_addressable_devices"));
    this.devices = handles.map((h) => devices.find((d) => session.deviceHandles.get(d.id) === h)!);
    if (this.devices.length === 1) this.#results = this.outputs;
  }

  execute(args: readonly Buffer[], donated: readonly number[] = this.donated): Buffer[] {
    if (this.devices.length !== 1) {
      throw new Error(`${this.name} runs on ${this.devices.length} devices: use executeSharded.`);
    }
    return this.#run([args], donated)[0];
  }

  executeSharded(
    args: readonly (readonly Buffer[])[],
    donated: readonly number[] = this.donated,
  ): Buffer[][] {
    if (args.length !== this.devices.length) {
      throw new Error(
        `${this.name} runs on ${this.devices.length} devices, but there are ${args.length} argument lists.`,
      );
    }
    return this.#run(args, donated);
  }

  #run(lists: readonly (readonly Buffer[])[], donated: readonly number[]): Buffer[][] {
    const frame = this.#prepare(lists[0].length);
    for (let d = 0; d < lists.length; d++) {
      const list = lists[d];
      const inputs = frame.inputs[d];
      if (list.length !== inputs.length) {
        throw new Error(`Device list ${d} has ${list.length} arguments, list 0 has ${inputs.length}.`);
      }
      for (let i = 0; i < list.length; i++) inputs.set(i, (list[i] as DeviceBuffer).live("run with"));
    }
    // Arguments that the program may take over but this run may not.
    const kept = donated === this.donated ? undefined : this.donated.filter((i) => !donated.includes(i));
    const keptNative = kept && BigInt64Array.from(kept, BigInt);
    frame.kept = keptNative;
    frame.options.set("non_donatable_input_indices", keptNative ? addressOf(keptNative) : 0);
    frame.options.set("num_non_donatable_input_indices", kept?.length ?? 0);
    this.#session.api.call("LoadedExecutable_Execute", frame.args, frame.options);
    // From here on the plugin holds what the run needs, so donated buffers can be let go.
    for (const list of lists) for (const i of donated) list[i]?.delete();
    return frame.outputs.map((outputs, d) => this.#wrap(outputs, this.devices[d]));
  }

  #wrap(outputs: Pointers, device: Device): Buffer[] {
    this.#results ??= this.outputs.map((_, i) => this.#typeOf(outputs.get(i)));
    const results: Buffer[] = new Array(outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const { type, dims } = this.#results[i];
      results[i] = new DeviceBuffer(this.#session, outputs.get(i), type, dims, device);
    }
    return results;
  }

  /** The frame for runs with so many arguments: always the same number, once a run went well. */
  #prepare(count: number): Frame {
    this.#live();
    if (this.#frame?.inputs[0].length === count) return this.#frame;
    const devices = this.devices.length;
    const inputs = Array.from({ length: devices }, () => new Pointers(count));
    const outputs = Array.from({ length: devices }, () => new Pointers(this.outputs.length));
    const inputLists = new Pointers(devices);
    const outputLists = new Pointers(devices);
    for (let d = 0; d < devices; d++) {
      inputLists.set(d, inputs[d].address);
      outputLists.set(d, outputs[d].address);
    }
    const options = new Struct("ExecuteOptions");
    const args = new Struct("LoadedExecutable_Execute_Args").set("executable", this.#handle);
    args.set("options", options.address).set("argument_lists", inputLists.address);
    args.set("num_devices", devices).set("num_args", count).set("output_lists", outputLists.address);
    return this.#frame = { args, options, inputs, outputs, keep: [inputLists, outputLists] };
  }

  memory(): ProgramMemory | undefined {
    return programMemory(this.#session.api, this.#live());
  }

  cost(): Record<string, number> {
    return programCost(this.#session.api, this.#live());
  }

  flops(): number | undefined {
    return this.cost()["flops"];
  }

  fingerprint(): string | undefined {
    return programFingerprint(this.#session.api, this.#live());
  }

  optimized(): { format: string; code: Uint8Array<ArrayBuffer> } {
    return optimizedProgram(this.#session.api, this.#live());
  }

  serialize(): Uint8Array<ArrayBuffer> {
    if (!this.serializable) {
      throw new Error(
        `${this.name} was compiled with calls into oneDNN, which crash after being loaded again. Compile without ` +
          `xla_cpu_experimental_onednn_custom_call and xla_cpu_use_onednn to serialize it; see "serializable".`,
      );
    }
    return serializeProgram(this.#session.api, this.#live());
  }

  delete(): void {
    if (this.#handle === 0) return;
    this.#session.dropExecutable(this.#handle, this);
    this.#handle = this.#program = 0;
    this.#frame = undefined;
  }

  /** The program behind the loaded one, for questions about it. */
  #live(): Address {
    this.#session.open();
    if (this.#handle === 0) throw new Error(`The program ${this.name} was deleted.`);
    return this.#program;
  }

  #typeOf(buffer: Address): ValueType {
    const type = new Struct("Buffer_ElementType_Args").set("buffer", buffer);
    this.#session.api.call("Buffer_ElementType", type);
    const dims = new Struct("Buffer_Dimensions_Args").set("buffer", buffer);
    this.#session.api.call("Buffer_Dimensions", dims);
    return { type: elementType(type.get("type")), dims: readInts(dims.get("dims"), dims.get("num_dims")) };
  }
}
