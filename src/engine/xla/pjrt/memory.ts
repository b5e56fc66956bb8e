import { type FieldType, STRUCTS } from "./layouts.ts";

/** Native addresses are plain numbers here: user space ends far below 2⁵³, and numbers make no garbage. */
export type Address = number;

/** The structs whose layout is known. */
export type StructName = keyof typeof STRUCTS;
type FieldName<N extends StructName> = keyof (typeof STRUCTS)[N]["fields"] & string;

/** Where an array's bytes are. The caller keeps the array alive as long as the address is in use. */
export function addressOf(array: ArrayBufferView): Address {
  // An empty array has no address of its own, and nobody reads from it.
  if (array.byteLength === 0) return 0;
  // Asking for the buffer moves a small array out of V8's heap, whose objects move; from then on it stays put.
  const start = Deno.UnsafePointer.of(array.buffer as ArrayBuffer);
  return Number(Deno.UnsafePointer.value(start)) + array.byteOffset;
}

/** The pointer object for an address, as Deno's calls take it. */
export function pointerTo<T = unknown>(address: Address): Deno.PointerValue<T> {
  return Deno.UnsafePointer.create(BigInt(address));
}

/** A copy of native bytes. */
export function readBytes(address: Address, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (length > 0) Deno.UnsafePointerView.copyInto(pointerTo(address)!, bytes);
  return bytes;
}

/** A copy of native text of a known length. */
export function readText(address: Address, length: number): string {
  return new TextDecoder().decode(readBytes(address, length));
}

/** Native integers of 64 bits, as numbers. */
export function readInts(address: Address, count: number): number[] {
  return [...new BigInt64Array(readBytes(address, count * 8).buffer)].map(Number);
}

/** Native integers of 32 bits. */
export function readInts32(address: Address, count: number): number[] {
  return [...new Int32Array(readBytes(address, count * 4).buffer)];
}

/** An array of pointers that native code reads or fills. */
export class Pointers {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly address: Address;

  constructor(readonly length: number) {
    this.words = new Uint32Array(Math.max(length, 1) * 2);
    this.address = addressOf(this.words);
  }

  set(index: number, address: Address): void {
    this.words[2 * index] = address >>> 0;
    this.words[2 * index + 1] = address / 0x1_0000_0000;
  }

  get(index: number): Address {
    return this.words[2 * index] + this.words[2 * index + 1] * 0x1_0000_0000;
  }
}

/** Bytes that a struct may grow by in newer plugins; see Api.call. */
export const ROOM = 128;

/** One native struct of a known layout, with its size filled in and all else zero. */
export class Struct<N extends StructName> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: Address;
  readonly #view: DataView<ArrayBuffer>;
  readonly #fields: Record<string, readonly [number, FieldType]>;

  /** `bytes` places the struct in existing memory, which it overwrites. */
  constructor(readonly name: N, bytes?: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes ?? new Uint8Array(new ArrayBuffer(STRUCTS[name].size + ROOM));
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.#fields = STRUCTS[name].fields;
    this.address = addressOf(this.bytes);
    this.bytes.fill(0);
    this.size = STRUCTS[name].size;
  }

  get size(): number {
    return this.#view.getUint32(0, true);
  }

  /** What struct_size says: up to where the plugin may read and write. */
  set size(size: number) {
    this.#view.setUint32(0, size, true);
  }

  set(field: FieldName<N>, value: number | bigint | boolean): this {
    const [at, kind] = this.#fields[field];
    switch (kind) {
      case "pointer":
      case "usize":
      case "u64":
        this.#view.setBigUint64(at, BigInt(value), true);
        break;
      case "i64":
        this.#view.setBigInt64(at, BigInt(value), true);
        break;
      case "i32":
        this.#view.setInt32(at, Number(value), true);
        break;
      case "f32":
        this.#view.setFloat32(at, Number(value), true);
        break;
      case "bool":
        this.#view.setUint8(at, value ? 1 : 0);
        break;
      case "struct":
        throw new Error(`${this.name}.${field} is a struct; write its bytes.`);
      default:
        kind satisfies never;
    }
    return this;
  }

  get(field: FieldName<N>): number {
    const [at, kind] = this.#fields[field];
    switch (kind) {
      case "pointer":
      case "usize":
      case "u64":
        return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 0x1_0000_0000;
      case "i64":
        return Number(this.#view.getBigInt64(at, true));
      case "i32":
        return this.#view.getInt32(at, true);
      case "f32":
        return this.#view.getFloat32(at, true);
      case "bool":
        return this.#view.getUint8(at);
      case "struct":
        throw new Error(`${this.name}.${field} is a struct; read its bytes.`);
      default:
        return kind satisfies never;
    }
  }

  /** The text of a pair of fields, pointer and length. */
  text(pointer: FieldName<N>, length: FieldName<N>): string {
    return readText(this.get(pointer), this.get(length));
  }
}
