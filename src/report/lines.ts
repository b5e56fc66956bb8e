/** Bytes read at once. */
const CHUNK = 1 << 20;

/** A longer line is no line of ours; it is passed over. */
const LONGEST = 1 << 20;

/** A file of lines that is read on as it grows. */
export interface LineReader {
  /**
   * Reads what is new, up to the last whole line: what follows it is torn, or is being written. A file that was put in
   * the old one's place is read from its start.
   *
   * @param take Gets each line and its number in the file, from 1.
   * @param fresh Called before the lines of another file than before: what was taken is to be forgotten.
   * @returns Whether there was something new.
   * @throws {Error} When the file cannot be read.
   */
  read(take: (line: string, number: number) => void, fresh: () => void): Promise<boolean>;
  /** Lines that were too long to be looked at. */
  tooLong(): number;
}

/** A reader of a file, which need not exist yet. */
export function lineReader(path: string): LineReader {
  const decoder = new TextDecoder();
  let identity = "", offset = 0, number = 0, tooLong = 0, skipping = false;
  let rest: Uint8Array = new Uint8Array();

  const chunk = (bytes: Uint8Array, take: (line: string, number: number) => void) => {
    const end = bytes.lastIndexOf(10) + 1;
    if (end > 0) {
      const head = skipping ? bytes.subarray(bytes.indexOf(10) + 1, end) : join(rest, bytes.subarray(0, end));
      if (skipping) number++;
      skipping = false;
      if (head.length > 0) {
        for (const line of decoder.decode(head.subarray(0, head.length - 1)).split("\n")) {
          take(line, ++number);
        }
      }
      rest = bytes.slice(end);
    } else if (!skipping) {
      rest = join(rest, bytes);
    }
    if (rest.length <= LONGEST) return;
    rest = new Uint8Array();
    skipping = true;
    tooLong++;
  };

  return {
    tooLong: () => tooLong,
    async read(take, fresh) {
      let file: Deno.FsFile;
      try {
        file = await Deno.open(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        if (identity === "") return false;
        identity = "";
        fresh();
        return true;
      }
      using open = file;
      const { dev, ino, size } = await open.stat();
      const other = identity !== `${dev} ${ino}` || size < offset;
      if (other) {
        fresh();
        identity = `${dev} ${ino}`;
        offset = number = tooLong = 0;
        skipping = false;
        rest = new Uint8Array();
      }
      await open.seek(offset, Deno.SeekMode.Start);
      const before = offset, buffer = new Uint8Array(Math.min(CHUNK, Math.max(1, size - offset)));
      // A file that grows while it is read is read to where it ended at first.
      while (offset < size) {
        const got = await open.read(buffer);
        if (got === null) break;
        chunk(buffer.subarray(0, got), take);
        offset += got;
      }
      return other || offset > before;
    },
  };
}

/** Two parts after each other. */
function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
