import { DamagedError } from "../../io/reader/chunks.ts";

/** An object of a Python class, never made: what it was called with, and its state. */
export class PythonObject {
  constructor(readonly name: string, readonly parts: unknown[]) {}
}

/** A class or function, by its name alone. */
class PythonName {
  constructor(readonly name: string) {}
}

const MARK = Symbol("mark");

/** A picture with a class takes a few dozen instructions. */
const MOST_STEPS = 100_000;

/**
 * Reads a Python pickle of protocol 2 to 5 as far as pictures are stored in it: bytes, texts, numbers, tuples, lists, dicts,
 * NumPy arrays. Nothing is executed: objects of classes are named with their arguments. The number of instructions is
 * bounded, and so are time and memory. (npm's pickleparser runs in circles on a negative length.)
 *
 * @param bytes The pickle.
 * @returns Tuples and lists as arrays, dicts as maps, bytes as parts of `bytes`, the rest as {@linkcode PythonObject}.
 * @throws {DamagedError} When it is cut short, damaged, or holds what nobody needs for pictures.
 */
export function readPickle(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [], memo = new Map<number, unknown>();
  let at = 0;
  const damaged = (what: string) => new DamagedError(`a damaged pickle: ${what} at byte ${at}`);
  const take = (count: number): Uint8Array => {
    if (!(count >= 0 && count <= bytes.length - at)) throw damaged("it ends");
    return bytes.subarray(at, at += count);
  };
  const number = (size: 1 | 2 | 4 | 8): number => {
    take(size);
    if (size === 1) return view.getUint8(at - 1);
    if (size === 2) return view.getUint16(at - 2, true);
    return view.getUint32(at - size, true) + (size === 8 ? view.getUint32(at - 4, true) * 2 ** 32 : 0);
  };
  const text = (count: number) => new TextDecoder().decode(take(count));
  const line = () => {
    const end = bytes.indexOf(0x0a, at), found = text((end < 0 ? bytes.length : end) - at);
    take(1);
    return found;
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw damaged("nothing to take");
    return stack.pop();
  };
  const marked = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw damaged("no mark");
    const items = stack.splice(mark);
    items.shift();
    return items;
  };
  const list = (): unknown[] => {
    const top = stack.at(-1);
    if (!Array.isArray(top)) throw damaged("no list");
    return top;
  };
  const pairs = (items: readonly unknown[]) => {
    const dict = stack.at(-1);
    if (!(dict instanceof Map)) throw damaged("no dict");
    for (let i = 0; i + 1 < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const last = (count: number) => Array.from({ length: count }, pop).reverse();
  const call = () => {
    const args = pop(), callee = pop(), name = callee instanceof PythonName ? callee.name : "?";
    // How Python 3 writes bytes in protocol 2: as a text of which each character is a byte.
    const latin = name === "encode" && Array.isArray(args) && typeof args[0] === "string" ? args[0] : null;
    stack.push(
      latin === null
        ? new PythonObject(name, [args])
        : Uint8Array.from({ length: latin.length }, (_, i) => latin.charCodeAt(i)),
    );
  };

  for (let step = 0; step < MOST_STEPS; step++) {
    const code = number(1);
    switch (String.fromCharCode(code)) {
      case "\x80": // PROTO
        if (number(1) > 5) throw damaged("a newer protocol");
        break;
      case "\x95": // FRAME
        take(8);
        break;
      case ".": // STOP
        return pop();
      case "(":
        stack.push(MARK);
        break;
      case "0": // POP
        pop();
        break;
      case "1": // POP_MARK
        marked();
        break;
      case "N":
        stack.push(null);
        break;
      case "\x88": // NEWTRUE
      case "\x89": // NEWFALSE
        stack.push(code === 0x88);
        break;
      case "K":
        stack.push(number(1));
        break;
      case "M":
        stack.push(number(2));
        break;
      case "J": // BININT
        stack.push(number(4) | 0);
        break;
      case "\x8a": // LONG1
        stack.push(littleEndian(take(number(1))));
        break;
      case "G": // BINFLOAT
        take(8);
        stack.push(view.getFloat64(at - 8));
        break;
      case "C": // SHORT_BINBYTES
      case "U": // SHORT_BINSTRING, Python 2's bytes
        stack.push(take(number(1)));
        break;
      case "B": // BINBYTES
      case "T": // BINSTRING
        stack.push(take(number(4)));
        break;
      case "\x8e": // BINBYTES8
      case "\x96": // BYTEARRAY8
        stack.push(take(number(8)));
        break;
      case "\x8c": // SHORT_BINUNICODE
        stack.push(text(number(1)));
        break;
      case "X": // BINUNICODE
        stack.push(text(number(4)));
        break;
      case ")":
      case "]":
        stack.push([]);
        break;
      case "}":
        stack.push(new Map());
        break;
      case "t": // TUPLE
      case "l": // LIST
        stack.push(marked());
        break;
      case "\x85":
      case "\x86":
      case "\x87": // TUPLE1 … TUPLE3
        stack.push(last(code - 0x84));
        break;
      case "d": { // DICT
        const items = marked();
        stack.push(new Map());
        pairs(items);
        break;
      }
      case "a": { // APPEND
        const item = pop();
        list().push(item);
        break;
      }
      case "e": { // APPENDS
        const items = marked(), target = list();
        for (const item of items) target.push(item);
        break;
      }
      case "s": // SETITEM
        pairs(last(2));
        break;
      case "u": // SETITEMS
        pairs(marked());
        break;
      case "q": // BINPUT
        memo.set(number(1), stack.at(-1));
        break;
      case "r": // LONG_BINPUT
        memo.set(number(4), stack.at(-1));
        break;
      case "\x94": // MEMOIZE
        memo.set(memo.size, stack.at(-1));
        break;
      case "h": // BINGET
        stack.push(memo.get(number(1)));
        break;
      case "j": // LONG_BINGET
        stack.push(memo.get(number(4)));
        break;
      case "c": // GLOBAL
        line();
        stack.push(new PythonName(line()));
        break;
      case "\x93": { // STACK_GLOBAL
        const [, name] = last(2);
        stack.push(new PythonName(String(name)));
        break;
      }
      case "R": // REDUCE
      case "\x81": // NEWOBJ
        call();
        break;
      case "b": { // BUILD
        const state = pop(), object = stack.at(-1);
        if (object instanceof PythonObject) object.parts.push(state);
        break;
      }
      default:
        throw damaged(`an instruction 0x${code.toString(16)} that pictures do not need`);
    }
  }
  throw damaged("too many instructions");
}

/** A whole number of up to eight bytes, the least significant first, with a sign. */
export function littleEndian(bytes: Uint8Array): number {
  if (bytes.length === 0 || bytes.length > 8) return bytes.length === 0 ? 0 : NaN;
  const sum = bytes.reduce((total, byte, i) => total + byte * 2 ** (8 * i), 0);
  return bytes[bytes.length - 1] < 0x80 ? sum : sum - 2 ** (8 * bytes.length);
}
