/** What pickles hold: plain data, and names and inert objects for the rest. */

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

/** Standard classes whose values are plain data. */
const DICTS = ["collections.OrderedDict", "collections.defaultdict"];
const SETS = ["builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset"];

/**
 * What a call gives: plain data where it is known to, else an inert object.
 *
 * @param spend Told before so many bytes or elements are made; it throws where they are too many.
 */
export function valueOf(
  callee: unknown,
  args: unknown,
  { call }: PickleOptions,
  spend: (count: number) => void,
): unknown {
  if (!(callee instanceof PythonName)) return new PythonObject("?", [args]);
  const { full, name, module } = callee, list = Array.isArray(args) ? args : [];
  const made = call?.(callee, list);
  if (made !== undefined) return made;
  // How Python 3 writes bytes in protocol 2: as a text of which each character is a byte.
  if (name === "encode" && typeof list[0] === "string") {
    const latin = list[0];
    spend(latin.length);
    return Uint8Array.from({ length: latin.length }, (_, i) => latin.charCodeAt(i));
  }
  const items: unknown[] = Array.isArray(list[0]) ? list[0] : [];
  if (DICTS.includes(full)) {
    const pairs = full.endsWith("OrderedDict") ? items : [];
    spend(pairs.length);
    return new Map(pairs.filter(Array.isArray).map(([key, value]) => [key, value]));
  }
  if (SETS.includes(full)) {
    spend(items.length);
    return [...items];
  }
  return new PythonObject(name, [args], module);
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
