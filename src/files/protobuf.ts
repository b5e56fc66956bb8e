/** Writes the few kinds of fields of Protocol Buffers' wire format that files of other programs ask of this one. */

/** A whole number as a varint; negative ones and those beyond 2^53 are not needed. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

/** Bytes one after another. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A field that is a whole number from 0 up. */
export function wholeField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(number * 8), ...varint(value)]);
}

/** A field that is text, bytes or another message. */
export function bytesField(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return concatBytes([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
}

/** A field that is a 64-bit floating-point number. */
export function doubleField(number: number, value: number): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = number * 8 + 1;
  new DataView(out.buffer).setFloat64(1, value, true);
  return out;
}

/** A field that is a 32-bit floating-point number. */
export function floatField(number: number, value: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = number * 8 + 5;
  new DataView(out.buffer).setFloat32(1, value, true);
  return out;
}
