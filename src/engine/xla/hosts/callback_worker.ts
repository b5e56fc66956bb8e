/**
 * The functions that a plugin calls to share values between processes. They are called on any of the plugin's threads,
 * and on the main thread while it is blocked in the plugin, so they belong to a worker; and a call that waits for a key
 * must not hold up one that sets a key, so there is a worker of each.
 */
import { Error_Code, STRUCTS } from "../pjrt/layouts.ts";
import { ask, type MailRequest } from "./mailbox.ts";
import { threadScope } from "./scope.ts";

const thread = threadScope<CallbackMessage>();

/** What the main thread asks for. */
export interface CallbackMessage {
  port: MessagePort;
  box: SharedArrayBuffer;
  /** Which callbacks this worker has. */
  kinds: CallbackKind[];
}

/** The three callbacks. */
export type CallbackKind = "get" | "tryGet" | "put";

const SIGNATURE = { parameters: ["pointer"], result: "pointer" } as const;
const ERROR = { parameters: ["i32", "buffer", "usize"], result: "pointer" } as const;
const LIBC = {
  malloc: { parameters: ["usize"], result: "pointer" },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const;

const LAYOUTS = {
  get: STRUCTS.KeyValueGetCallback_Args,
  tryGet: STRUCTS.KeyValueTryGetCallback_Args,
  put: STRUCTS.KeyValuePutCallback_Args,
} as const;

const libc = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", LIBC);
// What a get returns is the plugin's to free.
const free = libc.symbols.dlsym(null, new TextEncoder().encode("free\0"));

const pointer = (address: bigint) => Deno.UnsafePointer.create(address);
const bytesAt = (address: bigint, length: number) =>
  length === 0
    ? new Uint8Array(0)
    : new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer(address)!, length).slice(0));

/** Makes one of the callbacks. */
function callback(kind: CallbackKind, { port, box }: CallbackMessage): Deno.UnsafeCallback<typeof SIGNATURE> {
  const { size, fields } = LAYOUTS[kind], at = fields as Record<string, readonly [number, string]>;
  return Deno.UnsafeCallback.threadSafe(SIGNATURE, (args) => {
    const view = new DataView(Deno.UnsafePointerView.getArrayBuffer(args!, size));
    const address = (name: string) => view.getBigUint64(at[name][0], true);
    /** The plugin's own error, made by the function that it gives for that. */
    const refuse = (code: number, message: string) => {
      const maker = new Deno.UnsafePointerView(pointer(address("callback_error"))!).getBigUint64();
      const words = new TextEncoder().encode(message);
      const make = new Deno.UnsafeFnPointer(pointer(maker) as Deno.PointerObject<typeof ERROR>, ERROR);
      return make.call(code, words, BigInt(words.length));
    };
    try {
      const key = new TextDecoder().decode(bytesAt(address("key"), Number(address("key_size"))));
      const request: MailRequest = kind === "put"
        ? { kind, key, wait: 0, value: bytesAt(address("value"), Number(address("value_size"))) }
        : { kind: "get", key, wait: kind === "get" ? view.getInt32(at.timeout_in_ms[0], true) : 0 };
      const answer = ask(box, port, request);
      if (answer.kind === "failed") return refuse(Error_Code.UNAVAILABLE, answer.message);
      if (answer.kind === "missing") {
        return kind === "get"
          ? refuse(Error_Code.DEADLINE_EXCEEDED, `no process has set ${key} within ${request.wait} ms`)
          : refuse(Error_Code.NOT_FOUND, `no process has set ${key}`);
      }
      if (kind === "put") return null;
      const { value } = answer, memory = libc.symbols.malloc(BigInt(Math.max(1, value.length)))!;
      new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(memory, Math.max(1, value.length))).set(value);
      view.setBigUint64(at.value[0], Deno.UnsafePointer.value(memory), true);
      view.setBigUint64(at.value_size[0], BigInt(value.length), true);
      view.setBigUint64(at.value_deleter_callback[0], Deno.UnsafePointer.value(free), true);
      return null;
    } catch (error) {
      return refuse(Error_Code.INTERNAL, (error as Error).message);
    }
  });
}

const made: Deno.UnsafeCallback<typeof SIGNATURE>[] = [];

thread.onmessage = ({ data }) => {
  const pointers = data.kinds.map((kind) => {
    const own = callback(kind, data);
    made.push(own);
    return [kind, Number(Deno.UnsafePointer.value(own.pointer))] as const;
  });
  thread.postMessage(Object.fromEntries(pointers));
};
