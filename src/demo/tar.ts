/** A file of a tar archive. */
export interface TarEntry {
  name: string;
  bytes: Uint8Array;
}

const BLOCK = 512;

/** The text of a header's field, up to its first zero byte. */
function text(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** An octal number of a header. */
function octal(header: Uint8Array, start: number, length: number): number {
  return parseInt(text(header, start, length).trim() || "0", 8);
}

/** Refuses a header whose checksum is wrong: a damaged archive, or none at all. */
function check(header: Uint8Array, at: number): void {
  let sum = 8 * 32; // The checksum's own field counts as spaces.
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i];
  if (sum !== octal(header, 148, 8)) {
    throw new Error(`not a tar archive, or a damaged one: header at byte ${at}`);
  }
}

/** The `path` of a pax extended header, whose records are "LENGTH KEY=VALUE\n". */
function paxPath(bytes: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(bytes))?.[1];
}

/** Hands out exactly as many bytes as are asked for, fewer only at the end. */
function reader(stream: ReadableStream<Uint8Array>) {
  const source = stream[Symbol.asyncIterator]();
  let chunk = new Uint8Array(0), offset = 0;
  const take = async (length: number, keep: boolean): Promise<Uint8Array> => {
    const out = new Uint8Array(keep ? length : 0);
    let filled = 0;
    while (filled < length) {
      if (offset === chunk.length) {
        const next = await source.next();
        if (next.done) break;
        chunk = next.value as Uint8Array<ArrayBuffer>;
        offset = 0;
      }
      const part = chunk.subarray(offset, offset + length - filled);
      if (keep) out.set(part, filled);
      filled += part.length;
      offset += part.length;
    }
    if (keep) return out.subarray(0, filled);
    if (filled < length) throw new Error("the tar archive is cut short");
    return out;
  };
  return { take, close: () => source.return?.() };
}

/**
 * The files of a tar archive (ustar, with pax and GNU long names) as they come by; only those wanted take memory.
 *
 * @param stream The archive's bytes, already decompressed. Cancelled when the consumer stops.
 * @param want Which names to hand out.
 * @throws {Error} The archive is damaged or cut short.
 */
export async function* tarEntries(
  stream: ReadableStream<Uint8Array>,
  want: (name: string) => boolean,
): AsyncGenerator<TarEntry> {
  const { take, close } = reader(stream);
  let at = 0, longName: string | undefined;
  try {
    while (true) {
      const header = await take(BLOCK, true);
      if (header.length === 0) throw new Error("the tar archive is cut short");
      if (header.length < BLOCK) {
        throw new Error(`the tar archive is cut short at byte ${at + header.length}`);
      }
      if (header.every((byte) => byte === 0)) return;
      check(header, at);
      const size = octal(header, 124, 12), type = text(header, 156, 1) || "0";
      const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
      const name = longName ?? (prefix === "" ? "" : `${prefix}/`) + text(header, 0, 100);
      const extended = type === "x" || type === "L";
      const keep = extended || (type === "0" && want(name));
      const bytes = await take(size, keep);
      if (keep && bytes.length < size) throw new Error(`the tar archive is cut short inside ${name}`);
      await take((BLOCK - size % BLOCK) % BLOCK, false);
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
      if (extended) longName = type === "x" ? paxPath(bytes) ?? longName : text(bytes, 0, bytes.length);
      else longName = undefined;
      if (keep && !extended) yield { name, bytes };
    }
  } finally {
    await close();
  }
}
