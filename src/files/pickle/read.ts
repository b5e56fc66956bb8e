/** Python pickles, read as data: nothing that they name is ever imported or called. */
import { Machine, MARK } from "./machine.ts";
import { littleEndian, type PickleOptions, PythonName } from "./values.ts";

/** A picture with a class takes a few dozen instructions. */
const MOST_STEPS = 100_000;

/** Bytes of a whole number. */
const MOST_DIGITS = 1024;

/** What an instruction does. */
type Instruction = (m: Machine) => void;

const push = (value: (m: Machine) => unknown): Instruction => (m) => void m.stack.push(value(m));

/** A number or a truth from its decimals. */
function decimal(m: Machine, text: string): number | boolean {
  if (text === "00" || text === "01") return text === "01";
  if (text.length > MOST_DIGITS || !/^-?\d+$/.test(text)) throw m.damaged("no whole number");
  return Number(text);
}

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
  // INT and LONG, the decimals of protocol 1; truth is 00 and 01
  I: push((m) => decimal(m, m.line())),
  L: push((m) => decimal(m, m.line().replace(/L$/, ""))),
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
    if (typeof module !== "string" || typeof name !== "string") throw m.damaged("a name that is no text");
    return new PythonName(module, name);
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
 * Reads a Python pickle of protocol 1 to 5 as far as pictures and weights are stored in it: bytes, texts, numbers, tuples,
 * lists, sets, dicts, NumPy arrays. Nothing is executed: objects of classes are named with their arguments. The number of
 * instructions is bounded, and so is what calls make, so that time and memory are. (npm's pickleparser runs in circles on a negative length.)
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
