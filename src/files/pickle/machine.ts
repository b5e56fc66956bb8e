/** The stack machine that pickles are programs of. */
import { type PickleOptions, PythonObject, valueOf } from "./values.ts";

/** A pickle that is cut short, damaged, or holds what is not read here. */
export class PickleError extends Error {
  override name = "PickleError";
}

/** Where a list of items begins on the stack. */
export const MARK = Symbol("mark");

/** Bytes and elements that calls may make in any pickle, and beyond them for each of its bytes. */
const LEAST_MADE = 2 ** 20, MADE_A_BYTE = 4;

/** The stack of a pickle's machine, and what every instruction needs of it. */
export class Machine {
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  readonly #view: DataView;
  /** What calls may still make. One of a text that is kept takes a few bytes, however long the text is. */
  #left: number;

  constructor(readonly bytes: Uint8Array, public at: number, readonly options: PickleOptions) {
    this.#left = LEAST_MADE + MADE_A_BYTE * bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  damaged(what: string): PickleError {
    return new PickleError(`a damaged pickle: ${what} at byte ${this.at}`);
  }

  take(count: number): Uint8Array {
    if (!(count >= 0 && count <= this.bytes.length - this.at)) throw this.damaged("it ends");
    return this.bytes.subarray(this.at, this.at += count);
  }

  number(size: 1 | 2 | 4 | 8): number {
    this.take(size);
    const at = this.at - size, view = this.#view;
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, true);
    return view.getUint32(at, true) + (size === 8 ? view.getUint32(at + 4, true) * 2 ** 32 : 0);
  }

  float(): number {
    this.take(8);
    return this.#view.getFloat64(this.at - 8);
  }

  text(count: number): string {
    return new TextDecoder().decode(this.take(count));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    const found = this.text((end < 0 ? this.bytes.length : end) - this.at);
    this.take(1);
    return found;
  }

  pop(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) throw this.damaged("nothing to take");
    return this.stack.pop();
  }

  last(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  marked(): unknown[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.damaged("no mark");
    const items = this.stack.splice(mark);
    items.shift();
    return items;
  }

  top(): unknown {
    const top = this.stack.at(-1);
    if (top === undefined || top === MARK) throw this.damaged("nothing to keep");
    return top;
  }

  remember(number: number): void {
    this.memo.set(number, this.top());
  }

  recall(number: number): unknown {
    if (!this.memo.has(number)) throw this.damaged(`nothing was kept as ${number}`);
    return this.memo.get(number);
  }

  append(items: readonly unknown[]): void {
    const top = this.stack.at(-1);
    const target = top instanceof PythonObject ? top.parts : top;
    if (!Array.isArray(target)) throw this.damaged("no list");
    for (const item of items) target.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const top = this.stack.at(-1);
    if (top instanceof PythonObject) {
      this.append(items);
      return;
    }
    if (!(top instanceof Map)) throw this.damaged("no dict");
    for (let i = 0; i + 1 < items.length; i += 2) top.set(items[i], items[i + 1]);
  }

  call(): void {
    const args = this.pop(), callee = this.pop();
    const spend = (count: number) => {
      if ((this.#left -= count) < 0) throw this.damaged("calls that make far more than it holds");
    };
    this.stack.push(valueOf(callee, args, this.options, spend));
  }

  /** A state for an object; that of a dict is about its class and is passed over. */
  build(): void {
    const state = this.pop(), object = this.top();
    if (object instanceof PythonObject) object.parts.push(state);
  }
}
