import { Buffer_MemoryLayout_Type, STRUCTS } from "./layouts.ts";
import { type Address, addressOf, Struct } from "./memory.ts";
import type { Session } from "./session.ts";
import { type Buffer, type Device, ELEMENT_BYTES, type ElementType } from "./types.ts";

/** A buffer of a session, with its native handle. */
export class DeviceBuffer implements Buffer {
  /** 0 once deleted. */
  handle: Address;
  readonly byteLength: number;
  readonly #session: Session;

  constructor(
    session: Session,
    handle: Address,
    readonly type: ElementType,
    readonly dims: number[],
    readonly device: Device,
  ) {
    let count = ELEMENT_BYTES[type];
    for (const d of dims) count *= d;
    this.byteLength = count;
    this.handle = handle;
    this.#session = session;
    session.keepBuffer(this);
  }

  get deleted(): boolean {
    return this.handle === 0;
  }

  delete(): void {
    if (this.handle === 0) return;
    this.#session.dropBuffer(this);
    this.handle = 0;
  }

  /** The handle, for a call. */
  live(use: string): Address {
    this.#session.open();
    if (this.handle === 0) {
      throw new Error(
        `Cannot ${use} a deleted buffer (${this.type}[${this.dims}]): it was deleted, or a run that it was donated to ` +
          `took it over.`,
      );
    }
    return this.handle;
  }

  readSync(): Uint8Array<ArrayBuffer> {
    if (this.byteLength === 0) {
      this.readySync();
      return new Uint8Array(0);
    }
    const { host, event } = this.#copyOut();
    this.#session.awaitSync(event);
    return host;
  }

  async read(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.byteLength === 0) {
      await this.ready();
      return new Uint8Array(0);
    }
    const { host, event } = this.#copyOut();
    // The plugin writes into `host` until the event fires; `pin` keeps it even if the caller forgets the promise.
    await this.#session.await(event, host);
    return host;
  }

  ready(): Promise<void> {
    return this.#session.await(this.#readyEvent(), undefined);
  }

  readySync(): void {
    this.#session.awaitSync(this.#readyEvent());
  }

  copyTo(device: Device): Buffer {
    const args = new Struct("Buffer_CopyToDevice_Args").set("buffer", this.live("copy"));
    args.set("dst_device", this.#session.deviceHandle(device));
    this.#session.api.call("Buffer_CopyToDevice", args);
    return new DeviceBuffer(this.#session, args.get("dst_buffer"), this.type, this.dims, device);
  }

  #readyEvent(): Address {
    const args = new Struct("Buffer_ReadyEvent_Args").set("buffer", this.live("wait for"));
    this.#session.api.call("Buffer_ReadyEvent", args);
    return args.get("event");
  }

  #copyOut(): { host: Uint8Array<ArrayBuffer>; event: Address } {
    const host = new Uint8Array(new ArrayBuffer(this.byteLength));
    const args = new Struct("Buffer_ToHostBuffer_Args").set("src", this.live("read"));
    args.set("dst", addressOf(host)).set("dst_size", this.byteLength);
    const layout = this.dims.length > 1 ? rowMajor(this.dims.length) : undefined;
    if (layout) args.set("host_layout", layout.address);
    this.#session.api.call("Buffer_ToHostBuffer", args);
    return { host, event: args.get("event") };
  }
}

const layouts = new Map<number, Struct<"Buffer_MemoryLayout">>();
const orders: BigInt64Array[] = [];

/** The native layout whose last dimension is the fastest. Without one a plugin gives the device's own order. */
function rowMajor(rank: number): Struct<"Buffer_MemoryLayout"> {
  let layout = layouts.get(rank);
  if (!layout) {
    layout = new Struct("Buffer_MemoryLayout");
    const order = BigInt64Array.from({ length: rank }, (_, i) => BigInt(rank - 1 - i));
    orders.push(order); // the layout points at it
    const at = STRUCTS.Buffer_MemoryLayout.fields.tiled[0];
    const tiled = new Struct(
      "Buffer_MemoryLayout_Tiled",
      layout.bytes.subarray(at, at + STRUCTS.Buffer_MemoryLayout_Tiled.size),
    );
    tiled.set("minor_to_major", addressOf(order)).set("minor_to_major_size", rank);
    layout.set("type", Buffer_MemoryLayout_Type.Tiled);
    layouts.set(rank, layout);
  }
  return layout;
}
