/** Makes archives and pickles as PyTorch does, and as nobody should. */
import { type Bytes, WeightsError } from "../../src/weights/files/types.ts";

/** Bytes in memory as an open file. */
export function memory(bytes: Uint8Array, path = "x.pth"): Bytes {
  return {
    path,
    size: bytes.length,
    read: (offset, length) => {
      if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
        return Promise.reject(new WeightsError(`${path}: cut short?`));
      }
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
    close: () => {},
  };
}

/** What an entry's headers say that is not so. */
export interface Lies {
  method?: number;
  flags?: number;
  size?: number;
}

/** A zip archive of files that are stored as they are. */
export function zip(files: Readonly<Record<string, Uint8Array>>, lies: Lies = {}): Uint8Array {
  const out: number[] = [], table: number[] = [];
  const u16 = (x: number) => [x & 255, (x >> 8) & 255], u32 = (x: number) => [...u16(x), ...u16(x >>> 16)];
  const { method = 0, flags = 0 } = lies;
  for (const [name, bytes] of Object.entries(files)) {
    const letters = [...new TextEncoder().encode(name)], size = lies.size ?? bytes.length, at = out.length;
    const common = [...u16(flags), ...u16(method), ...u32(0), ...u32(0), ...u32(size), ...u32(size)];
    out.push(
      ...u32(0x04034b50),
      ...u16(20),
      ...common,
      ...u16(letters.length),
      ...u16(0),
      ...letters,
      ...bytes,
    );
    const rest = [...u16(letters.length), ...u16(0), ...u16(0), ...u16(0), ...u16(0), ...u32(0), ...u32(at)];
    table.push(...u32(0x02014b50), ...u16(20), ...u16(20), ...common, ...rest, ...letters);
  }
  const count = Object.keys(files).length, at = out.length;
  out.push(...table, ...u32(0x06054b50), ...u16(0), ...u16(0), ...u16(count), ...u16(count));
  out.push(...u32(table.length), ...u32(at), ...u16(0));
  return Uint8Array.from(out);
}

/** Bytes of a pickle: letters as they are, numbers as bytes. */
export function bytesOf(...parts: readonly (string | number | readonly number[])[]): Uint8Array {
  const numbers = parts.flatMap((part) =>
    typeof part === "string" ? Array.from(part, (letter) => letter.charCodeAt(0)) : part
  );
  return Uint8Array.from(numbers);
}

/** A text in a pickle. */
export const text = (value: string): number[] => [0x8c, value.length, ...bytesOf(value)];

/** A whole number of four bytes in a pickle. */
export const int = (value: number): number[] => [0x4a, ...new Uint8Array(Int32Array.of(value).buffer)];
