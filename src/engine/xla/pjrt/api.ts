import { API_VERSION, Error_Code, FUNCTIONS, NamedValue_Type, STRUCTS } from "./layouts.ts";
import { type Address, addressOf, pointerTo, readBytes, readInts, readText, ROOM, Struct } from "./memory.ts";
import { loadCompanions } from "./companions.ts";
import { endWithoutDestructors, keepLoaded } from "./lifetime.ts";
import { quietLog } from "./quiet.ts";
import type { NamedValues } from "./types.ts";

/** Functions of the C API whose argument struct is known. */
export type FunctionName = {
  [N in keyof typeof FUNCTIONS]: `${N}_Args` extends keyof typeof STRUCTS ? N : never;
}[keyof typeof FUNCTIONS];

/** A struct of any known layout. */
export type AnyStruct = Pick<Struct<keyof typeof STRUCTS>, "name" | "size">;

/** Names of the status codes, as in `INVALID_ARGUMENT`. */
export type ErrorCode = keyof typeof Error_Code;

/** A failure that the plugin reported. */
export class PjrtError extends Error {
  override name = "PjrtError";
  constructor(message: string, readonly code: ErrorCode, readonly call: string) {
    super(message);
  }
}

/** A file that is no plugin for this program; the message says why. */
export class PluginLoadError extends Error {
  override name = "PluginLoadError";
}

const CALL = { parameters: ["buffer"], result: "pointer" } as const;
const LATER = { parameters: ["buffer"], result: "pointer", nonblocking: true } as const;

/** A loaded plugin: its function table. */
export interface Api {
  readonly path: string;
  /** Such as "0.115". */
  readonly version: string;
  /** Calls a function, which throws a PjrtError when the plugin reports one. `inner`: structs that `args` points at. */
  call<F extends FunctionName>(name: F, args: Struct<`${F}_Args`>, ...inner: AnyStruct[]): void;
  /** As `call` on a thread of its own; the struct is kept alive meanwhile, what it points at is the caller's. */
  callLater<F extends FunctionName>(name: F, args: Struct<`${F}_Args`>, ...inner: AnyStruct[]): Promise<void>;
  /** The error of a native PJRT_Error, which is freed. */
  takeError(error: Deno.PointerObject, call: string): PjrtError;
  /** True when the plugin has the function. */
  has(name: FunctionName): boolean;
}

const loaded = new Map<string, Api>();

/**
 * Loads a PJRT plugin. A plugin stays loaded until the process ends, because its threads may outlive any client.
 *
 * @throws {PluginLoadError} When the file is no PJRT plugin, or speaks another major version of the API
 */
export function loadApi(path: string): Api {
  const known = loaded.get(path);
  if (known) return known;
  quietLog();
  let table: Deno.PointerValue;
  loadCompanions(path);
  try {
    const kept = keepLoaded(path);
    const library = Deno.dlopen(path, { GetPjrtApi: { parameters: [], result: "pointer" } });
    table = library.symbols.GetPjrtApi();
    if (kept) library.close();
    endWithoutDestructors();
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\.?$/, ".");
    throw new PluginLoadError(
      `Cannot load the PJRT plugin ${path}: ${why} It must be a shared library for this system that exports ` +
        `GetPjrtApi, and the libraries it needs must be where it looks for them.`,
      { cause },
    );
  }
  if (table === null) throw new PluginLoadError(`The PJRT plugin ${path} returned no function table.`);
  const api = tableApi(path, Number(Deno.UnsafePointer.value(table)));
  if (api.has("Plugin_Initialize")) api.call("Plugin_Initialize", new Struct("Plugin_Initialize_Args"));
  loaded.set(path, api);
  return api;
}

/**
 * The API behind a native PJRT_Api struct. Split from loading so that a made-up table can be tested.
 *
 * @throws {PluginLoadError} When the plugin speaks another major version of the API.
 */
export function tableApi(path: string, table: Address): Api {
  const head = new DataView(readBytes(table, 40).buffer);
  const size = head.getUint32(0, true);
  const major = head.getInt32(16 + STRUCTS.Api_Version.fields.major_version[0], true);
  const minor = head.getInt32(16 + STRUCTS.Api_Version.fields.minor_version[0], true);
  if (major !== API_VERSION.major) {
    throw new PluginLoadError(
      `The PJRT plugin ${path} speaks version ${major}.${minor} of the C API, this program ${API_VERSION.major}.` +
        `${API_VERSION.minor}. Major versions must be equal: take a plugin of version ${API_VERSION.major}.x.`,
    );
  }
  const entries = new DataView(readBytes(table, size).buffer);
  const blocking = new Map<string, Deno.UnsafeFnPointer<typeof CALL>>();
  const later = new Map<string, Deno.UnsafeFnPointer<typeof LATER>>();

  function entry<T>(name: FunctionName): Deno.PointerObject<T> {
    const at = FUNCTIONS[name];
    const pointer = at + 8 <= size ? pointerTo<T>(Number(entries.getBigUint64(at, true))) : null;
    if (pointer === null) {
      throw new PjrtError(
        `The plugin ${path} (C API ${major}.${minor}) has no ${name}.`,
        "UNIMPLEMENTED",
        name,
      );
    }
    return pointer;
  }

  function takeError(error: Deno.PointerObject, call: string): PjrtError {
    const address = Number(Deno.UnsafePointer.value(error));
    const message = new Struct("Error_Message_Args").set("error", address);
    const code = new Struct("Error_GetCode_Args").set("error", address);
    raw("Error_Message", message.bytes);
    const failed = raw("Error_GetCode", code.bytes);
    const text = message.text("message", "message_size");
    const value = failed === null ? code.get("code") : Error_Code.UNKNOWN;
    raw("Error_Destroy", new Struct("Error_Destroy_Args").set("error", address).bytes);
    const known = (Object.keys(Error_Code) as ErrorCode[]).find((c) => Error_Code[c] === value);
    return new PjrtError(text, known ?? "UNKNOWN", call);
  }

  function raw(name: FunctionName, args: Uint8Array<ArrayBuffer>): Deno.PointerValue {
    let fn = blocking.get(name);
    if (!fn) blocking.set(name, fn = new Deno.UnsafeFnPointer(entry(name), CALL));
    return fn.call(args);
  }

  return {
    path,
    version: `${major}.${minor}`,
    takeError,
    has: (name) => FUNCTIONS[name] + 8 <= size && entries.getBigUint64(FUNCTIONS[name], true) !== 0n,
    call(name, args, ...inner) {
      let error = raw(name, args.bytes);
      if (error === null) return;
      let failure = takeError(error, name);
      if (grow(failure, [args, ...inner])) {
        error = raw(name, args.bytes);
        if (error === null) return;
        failure = takeError(error, name);
      }
      throw failure;
    },
    async callLater(name, args, ...inner) {
      let fn = later.get(name);
      if (!fn) later.set(name, fn = new Deno.UnsafeFnPointer(entry(name), LATER));
      let error = await fn.call(args.bytes);
      if (error === null) return;
      let failure = takeError(error, name);
      if (grow(failure, [args, ...inner])) {
        error = await fn.call(args.bytes);
        if (error === null) return;
        failure = takeError(error, name);
      }
      throw failure;
    },
  };
}

/**
 * Plugins read structs up to the size that they were built with, and some refuse a smaller one. New fields are
 * appended and zero means "not given", so the same struct with a larger size and zeros behind it is what a newer
 * caller without wishes would send.
 */
function grow(failure: PjrtError, structs: AnyStruct[]): boolean {
  const m = /Unexpected PJRT_(\w+) size: expected (\d+), got (\d+)/.exec(failure.message);
  const args = m && structs.find((s) => s.name === m[1] && s.size === Number(m[3]));
  if (!args || Number(m[2]) <= args.size || Number(m[2]) > STRUCTS[args.name].size + ROOM) return false;
  args.size = Number(m[2]);
  return true;
}

/** A native list of named values and what it points at, to be kept as long as native code reads it. */
export interface NativeValues {
  address: Address;
  count: number;
  keep: unknown[];
}

/** Lays named values out for native code. Whole numbers go as int64, others as float. */
export function writeNamedValues(values: NamedValues): NativeValues {
  const entries = Object.entries(values);
  const stride = STRUCTS.NamedValue.size;
  const bytes = new Uint8Array(new ArrayBuffer(Math.max(entries.length * stride, 8)));
  const keep: unknown[] = [bytes];
  const text = (s: string) => {
    const encoded = new TextEncoder().encode(s + "\0");
    keep.push(encoded);
    return { at: addressOf(encoded), length: encoded.length - 1 };
  };
  entries.forEach(([key, value], i) => {
    const item = new Struct("NamedValue", bytes.subarray(i * stride, (i + 1) * stride));
    const name = text(key);
    item.set("name", name.at).set("name_size", name.length).set("value_size", 1);
    if (typeof value === "string") {
      const data = text(value);
      item.set("type", NamedValue_Type.kString).set("string_value", data.at).set("value_size", data.length);
    } else if (typeof value === "boolean") {
      item.set("type", NamedValue_Type.kBool).set("bool_value", value);
    } else if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
      item.set("type", NamedValue_Type.kInt64).set("int64_value", value);
    } else if (typeof value === "number") {
      item.set("type", NamedValue_Type.kFloat).set("float_value", value);
    } else if ("float" in value) {
      item.set("type", NamedValue_Type.kFloat).set("float_value", value.float);
    } else {
      const list = BigInt64Array.from(value, BigInt);
      keep.push(list);
      item.set("type", NamedValue_Type.kInt64List).set("int64_array_value", addressOf(list));
      item.set("value_size", list.length);
    }
  });
  return { address: addressOf(bytes), count: entries.length, keep };
}

/** Reads a native list of named values. */
export function readNamedValues(
  address: Address,
  count: number,
): Record<string, string | number | boolean | number[]> {
  const out: Record<string, string | number | boolean | number[]> = {};
  // A newer plugin's elements may be larger, and each says how large.
  for (let i = 0, at = address; i < count; i++) {
    const bytes = readBytes(at, STRUCTS.NamedValue.size);
    const item = new Struct("NamedValue");
    item.bytes.set(bytes);
    const name = item.text("name", "name_size");
    const type = item.get("type");
    if (type === NamedValue_Type.kString) {
      out[name] = readText(item.get("string_value"), item.get("value_size"));
    } else if (type === NamedValue_Type.kInt64) out[name] = item.get("int64_value");
    else if (type === NamedValue_Type.kFloat) out[name] = item.get("float_value");
    else if (type === NamedValue_Type.kBool) out[name] = item.get("bool_value") !== 0;
    else if (type === NamedValue_Type.kInt64List) {
      out[name] = readInts(item.get("int64_array_value"), item.get("value_size"));
    }
    at += Math.ceil(item.size / 8) * 8;
  }
  return out;
}
