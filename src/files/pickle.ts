/** Python pickles, read as data: nothing that they name is ever imported or called. */

/** A pickle that is cut short, damaged, or holds what is not read here. */
export class PickleError extends Error {
  override name = "PickleError";
}

/** A class or function, by its name alone. */
export class PythonName {
  constructor(readonly module: string, readonly name: string) {}

  /** Such as `torch._utils._rebuild_tensor_v2`. */
  get full(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An object of a Python class, never made: what it was called with, its state, and what was added to it. */
export class PythonObject {
  constructor(readonly name: string, readonly parts: unknown[], readonly module = "") {}
}

/** How a pickle is read. */
export interface PickleOptions {
  /** Where it begins. Default 0. */
  at?: number;
  /** Instructions that it may have; each makes at most one value. Default 100,000. */
  mostSteps?: number;
  /** Gives the value of a persistent id. Default: such ids are refused. */
  persistent?: (id: unknown) => unknown;
  /** Gives the value of a call, instead of an inert object; undefined leaves it inert. */
  call?: (callee: PythonName, args: readonly unknown[]) => unknown;
}

const MARK = Symbol("mark");

/** A picture with a class takes a few dozen instructions. */
const MOST_STEPS = 100_000;

/** Bytes of a whole number. */
const MOST_DIGITS = 1024;

/** Standard classes whose values are plain data. */
const DICTS = ["collections.OrderedDict", "collections.defaultdict"];
const SETS = ["builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"];

/** The stack of a pickle's machine, and what every instruction needs of it. */
class Machine {
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array, public at: number, readonly options: PickleOptions) {
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
    this.stack.push(valueOf(callee, args, this.options));
  }

  /** A state for an object; that of a dict is about its class and is passed over. */
  build(): void {
    const state = this.pop(), object = this.top();
    if (object instanceof PythonObject) object.parts.push(state);
  }
}

/** What a call gives: plain data where it is known to, else an inert object. */
function valueOf(callee: unknown, args: unknown, { call }: PickleOptions): unknown {
  if (!(callee instanceof PythonName)) return new PythonObject("?", [args]);
  const { full, name, module } = callee, list = Array.isArray(args) ? args : [];
  const made = call?.(callee, list);
  if (made !== undefined) return made;
  // How Python 3 writes bytes in protocol 2: as a text of which each character is a byte.
  if (name === "encode" && typeof list[0] === "string") {
    const latin = list[0];
    return Uint8Array.from({ length: latin.length }, (_, i) => latin.charCodeAt(i));
  }
  if (DICTS.includes(full)) {
    const pairs = full.endsWith("OrderedDict") && Array.isArray(list[0]) ? list[0] : [];
    return new Map(pairs.filter(Array.isArray).map(([key, value]) => [key, value]));
  }
  if (SETS.includes(full)) return Array.isArray(list[0]) ? [...list[0]] : [];
  return new PythonObject(name, [args], module);
}

/** What an instruction does. */
type Instruction = (m: Machine) => void;

const push = (value: (m: Machine) => unknown): Instruction => (m) => void m.stack.push(value(m));

/** The instructions by their letters, but for STOP. */
const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  // PROTO
  "\x80": (m) => {
    if (m.number(1) > 5) throw m.damaged("a newer protocol");
  },
  // FRAME
  "\x95": (m) => void m.take(8),
  "(": push(() => MARK),
  // POP, POP_MARK
  "0": (m) => {
    if (m.stack.length === 0) throw m.damaged("nothing to take");
    m.stack.pop();
  },
  "1": (m) => void m.marked(),
  N: push(() => null),
  // NEWTRUE, NEWFALSE
  "\x88": push(() => true),
  "\x89": push(() => false),
  K: push((m) => m.number(1)),
  M: push((m) => m.number(2)),
  // BININT
  J: push((m) => m.number(4) | 0),
  // LONG1
  "\x8a": push((m) => littleEndian(m.take(m.number(1)))),
  // LONG4, whose length has a sign
  "\x8b": push((m) => {
    const length = m.number(4) | 0;
    if (length < 0 || length > MOST_DIGITS) throw m.damaged(`a number of ${length} bytes`);
    return littleEndian(m.take(length));
  }),
  // BINFLOAT
  G: push((m) => m.float()),
  // SHORT_BINBYTES, SHORT_BINSTRING (Python 2's bytes), BINBYTES, BINSTRING, BINBYTES8, BYTEARRAY8
  C: push((m) => m.take(m.number(1))),
  U: push((m) => m.take(m.number(1))),
  B: push((m) => m.take(m.number(4))),
  T: push((m) => m.take(m.number(4))),
  "\x8e": push((m) => m.take(m.number(8))),
  "\x96": push((m) => m.take(m.number(8))),
  // SHORT_BINUNICODE, BINUNICODE
  "\x8c": push((m) => m.text(m.number(1))),
  X: push((m) => m.text(m.number(4))),
  // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET, EMPTY_DICT
  ")": push(() => []),
  "]": push(() => []),
  "\x8f": push(() => []),
  "}": push(() => new Map()),
  // TUPLE, LIST, FROZENSET, TUPLE1 … TUPLE3
  t: push((m) => m.marked()),
  l: push((m) => m.marked()),
  "\x91": push((m) => m.marked()),
  "\x85": push((m) => m.last(1)),
  "\x86": push((m) => m.last(2)),
  "\x87": push((m) => m.last(3)),
  // DICT
  d: (m) => {
    const items = m.marked();
    m.stack.push(new Map());
    m.setItems(items);
  },
  // APPEND, APPENDS, ADDITEMS
  a: (m) => {
    const item = m.pop();
    m.append([item]);
  },
  e: (m) => {
    const items = m.marked();
    m.append(items);
  },
  "\x90": (m) => {
    const items = m.marked();
    m.append(items);
  },
  // SETITEM, SETITEMS
  s: (m) => {
    const pair = m.last(2);
    m.setItems(pair);
  },
  u: (m) => {
    const items = m.marked();
    m.setItems(items);
  },
  // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
  q: (m) => m.remember(m.number(1)),
  r: (m) => m.remember(m.number(4)),
  "\x94": (m) => m.remember(m.memo.size),
  h: push((m) => m.recall(m.number(1))),
  j: push((m) => m.recall(m.number(4))),
  // GLOBAL, STACK_GLOBAL
  c: push((m) => {
    const module = m.line();
    return new PythonName(module, m.line());
  }),
  "\x93": push((m) => {
    const [module, name] = m.last(2);
    return new PythonName(String(module), String(name));
  }),
  // BINPERSID
  Q: push((m) => {
    const id = m.pop(), { persistent } = m.options;
    if (!persistent) throw m.damaged("a persistent id");
    return persistent(id);
  }),
  // REDUCE, NEWOBJ, BUILD
  R: (m) => m.call(),
  "\x81": (m) => m.call(),
  b: (m) => m.build(),
};

/**
 * Reads a Python pickle of protocol 2 to 5 as far as pictures and weights are stored in it: bytes, texts, numbers, tuples,
 * lists, sets, dicts, NumPy arrays. Nothing is executed: objects of classes are named with their arguments. The number of
 * instructions is bounded, and so are time and memory. (npm's pickleparser runs in circles on a negative length.)
 *
 * @param bytes The pickle, from `options.at` on; what follows it is not looked at.
 * @returns Tuples, lists and sets as arrays, dicts as maps, bytes as parts of `bytes`, the rest as
 * {@linkcode PythonObject}. Arrays and maps may hold themselves, and one may be held many times.
 * @throws {PickleError} When it is cut short, damaged, or holds what nobody needs.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): unknown {
  return readPickleAt(bytes, options).value;
}

/**
 * As {@linkcode readPickle}, where several follow each other: tells also where the next one begins.
 *
 * @throws {PickleError} As {@linkcode readPickle}.
 */
export function readPickleAt(
  bytes: Uint8Array,
  options: PickleOptions = {},
): { value: unknown; end: number } {
  const { at = 0, mostSteps = MOST_STEPS } = options, m = new Machine(bytes, at, options);
  for (let step = 0; step < mostSteps; step++) {
    const code = m.number(1), letter = String.fromCharCode(code);
    if (letter === ".") return { value: m.pop(), end: m.at };
    const instruction = Object.hasOwn(INSTRUCTIONS, letter) ? INSTRUCTIONS[letter] : undefined;
    if (!instruction) throw m.damaged(`an instruction 0x${code.toString(16)} that is not read here`);
    instruction(m);
  }
  throw m.damaged("too many instructions");
}

/** A whole number, the least significant byte first, with a sign; above 2⁵³ the nearest one. */
export function littleEndian(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  if (bytes.length > 6) {
    const digits = Uint8Array.from(bytes).reverse().toHex();
    return Number(BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits}`)));
  }
  const sum = bytes.reduce((total, byte, i) => total + byte * 2 ** (8 * i), 0);
  return bytes[bytes.length - 1] < 0x80 ? sum : sum - 2 ** (8 * bytes.length);
}
