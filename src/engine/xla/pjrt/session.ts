import type { Api } from "./api.ts";
import { Buffer_Type } from "./layouts.ts";
import { type Address, Struct } from "./memory.ts";
import type { Counts, Device, ElementType } from "./types.ts";

/** The native number of each element type. */
export const NATIVE_TYPES: Readonly<Record<ElementType, number>> = {
  pred: Buffer_Type.PRED,
  i8: Buffer_Type.S8,
  i16: Buffer_Type.S16,
  i32: Buffer_Type.S32,
  i64: Buffer_Type.S64,
  u8: Buffer_Type.U8,
  u16: Buffer_Type.U16,
  u32: Buffer_Type.U32,
  u64: Buffer_Type.U64,
  f16: Buffer_Type.F16,
  bf16: Buffer_Type.BF16,
  f32: Buffer_Type.F32,
  f64: Buffer_Type.F64,
  c64: Buffer_Type.C64,
};

/**
 * The element type of a native number.
 *
 * @throws {Error} When the element type is not computed with.
 */
export function elementType(native: number): ElementType {
  for (const [type, number] of Object.entries(NATIVE_TYPES)) {
    if (number === native) return type as ElementType;
  }
  const name = Object.entries(Buffer_Type).find(([, n]) => n === native)?.[0] ?? `number ${native}`;
  throw new Error(
    `The program returns element type ${name}, which has no place here. Convert it in the program.`,
  );
}

interface Held {
  handle: Address;
  bytes: number;
}

/** A buffer, as far as the account of what is alive is concerned. */
interface Counted {
  readonly handle: Address;
  readonly byteLength: number;
}

/**
 * What a client's buffers and executables share: the plugin, the waits, and the account of what is alive.
 *
 * Native handles are held in sets, so that closing can free what nobody deleted; a finalizer frees buffers and
 * executables that were dropped without being deleted.
 */
export class Session {
  readonly #buffers = new Map<Address, number>();
  /** Loaded executables and the program behind each. */
  readonly #executables = new Map<Address, Address>();
  readonly #pins = new Set<unknown>();
  readonly #lost: FinalizationRegistry<Held>;
  readonly #lostExecutables: FinalizationRegistry<Address>;
  readonly #destroyBuffer = new Struct("Buffer_Destroy_Args");
  readonly #eventAwait = new Struct("Event_Await_Args");
  readonly #eventDestroy = new Struct("Event_Destroy_Args");
  readonly #eventReady = new Struct("Event_IsReady_Args");
  #bytes = 0;
  #pending = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(readonly api: Api, readonly client: Address, readonly deviceHandles: Map<number, Address>) {
    this.#lost = new FinalizationRegistry((held) => this.#destroy(held.handle, held.bytes));
    this.#lostExecutables = new FinalizationRegistry((handle) => this.dropExecutable(handle));
  }

  /** Throws when the client is closed. */
  open(): void {
    if (this.#closed) {
      throw new Error("The PJRT client is closed; what lay on its devices, tensors and programs, is gone");
    }
  }

  counts(): Counts {
    return { buffers: this.#buffers.size, bytes: this.#bytes, executables: this.#executables.size };
  }

  deviceHandle(device: Device): Address {
    const handle = this.deviceHandles.get(device.id);
    if (handle === undefined) {
      throw new Error(
        `This client has no device ${device.id} (${device.description}); it has ${[
          ...this.deviceHandles.keys(),
        ]}.`,
      );
    }
    return handle;
  }

  keepBuffer(buffer: Counted): void {
    this.#buffers.set(buffer.handle, buffer.byteLength);
    this.#bytes += buffer.byteLength;
    this.#lost.register(buffer, { handle: buffer.handle, bytes: buffer.byteLength }, buffer);
  }

  dropBuffer(buffer: Counted): void {
    this.#lost.unregister(buffer);
    this.#destroy(buffer.handle, buffer.byteLength);
  }

  #destroy(handle: Address, bytes: number): void {
    // After close() the handles are gone, and finalizers may still come.
    if (!this.#buffers.delete(handle)) return;
    this.#bytes -= bytes;
    this.#destroyBuffer.set("buffer", handle);
    this.api.call("Buffer_Destroy", this.#destroyBuffer);
  }

  keepExecutable(owner: object, handle: Address, program: Address): void {
    this.#executables.set(handle, program);
    this.#lostExecutables.register(owner, handle, owner);
  }

  dropExecutable(handle: Address, owner?: object): void {
    if (owner) this.#lostExecutables.unregister(owner);
    const program = this.#executables.get(handle);
    if (program === undefined) return;
    this.#executables.delete(handle);
    this.api.call("Executable_Destroy", new Struct("Executable_Destroy_Args").set("executable", program));
    this.api.call(
      "LoadedExecutable_Destroy",
      new Struct("LoadedExecutable_Destroy_Args").set("executable", handle),
    );
  }

  /** Blocks until the event fires, frees it, and throws the error it carries. */
  awaitSync(event: Address): void {
    try {
      this.#eventAwait.set("event", event);
      this.api.call("Event_Await", this.#eventAwait);
    } finally {
      this.destroyEvent(event);
    }
  }

  /** As `awaitSync` without blocking the event loop; `pin` is kept alive until then. */
  async await(event: Address, pin: unknown): Promise<void> {
    this.#eventReady.set("event", event);
    this.api.call("Event_IsReady", this.#eventReady);
    if (this.#eventReady.get("is_ready")) return this.awaitSync(event);
    const done = { pin };
    await this.during(done, async () => {
      try {
        await this.api.callLater("Event_Await", new Struct("Event_Await_Args").set("event", event));
      } finally {
        this.destroyEvent(event);
      }
    });
  }

  destroyEvent(event: Address): void {
    this.#eventDestroy.set("event", event);
    this.api.call("Event_Destroy", this.#eventDestroy);
  }

  /** Runs work on another thread: what it uses is kept alive, and closing waits for it. */
  async during<T>(uses: unknown, work: () => Promise<T>): Promise<T> {
    this.#pins.add(uses);
    this.#pending++;
    try {
      return await work();
    } finally {
      this.#pins.delete(uses);
      if (--this.#pending === 0) this.#onIdle?.();
    }
  }

  /** Frees all that is alive, then the client; later, when other threads still work for it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const free = () => {
      for (const [handle, bytes] of [...this.#buffers]) this.#destroy(handle, bytes);
      for (const handle of [...this.#executables.keys()]) this.dropExecutable(handle);
      this.api.call("Client_Destroy", new Struct("Client_Destroy_Args").set("client", this.client));
    };
    if (this.#pending === 0) free();
    else this.#onIdle = free;
  }
}
