/** Writes Protocol Buffers messages: as much of the format as ONNX files need. */

/** A message as parts that follow each other; large data are not copied. */
export type Message = Uint8Array[];

/** A whole number in groups of seven bits, the lowest first; negative ones as 64 bits. */
function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return out;
}

const head = (field: number, kind: number) => varint(field * 8 + kind);

/** A field of a whole number. */
export function whole(field: number, value: number | bigint): Message {
  return [Uint8Array.from([...head(field, 0), ...varint(value)])];
}

/** A field of a number in single precision. */
export function single(field: number, value: number): Message {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return [Uint8Array.from([...head(field, 5), ...bytes])];
}

/** A field of bytes. */
export function bytes(field: number, value: Uint8Array): Message {
  return [Uint8Array.from([...head(field, 2), ...varint(value.length)]), value];
}

/** A field of text. */
export function text(field: number, value: string): Message {
  return bytes(field, new TextEncoder().encode(value));
}

/** A field that is a message of fields. */
export function message(field: number, ...fields: readonly Message[]): Message {
  const parts = fields.flat(), length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Uint8Array.from([...head(field, 2), ...varint(length)]), ...parts];
}

/** All bytes of a message. */
export function join(parts: Message): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
}
