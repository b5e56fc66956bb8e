/** Reads parts of files by their place, several at once, with few files open. */
export interface FilePool {
  /**
   * Reads `length` bytes from `offset` on.
   *
   * @throws {Error} When the file ends before.
   */
  read(path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes all files once the reads that are under way have ended. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens nothing yet: files are opened when they are read and kept for the next read.
 *
 * @param keep How many files may stay open between reads.
 */
export function filePool(keep = 32): FilePool {
  // A file handle has one position, so a read has a handle of its own while it lasts.
  const idle: { path: string; file: Deno.FsFile }[] = [];
  const running = new Set<Promise<unknown>>();
  let closed = false;

  async function read(path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (closed) throw new Error(`${path}: read after close`);
    const at = idle.findLastIndex((entry) => entry.path === path);
    const file = at >= 0 ? idle.splice(at, 1)[0].file : await Deno.open(path, { read: true });
    let whole = false;
    try {
      const bytes = new Uint8Array(length);
      // Moves a number, touches no disk.
      file.seekSync(offset, Deno.SeekMode.Start);
      for (let done = 0; done < length;) {
        const count = await file.read(bytes.subarray(done));
        if (count === null) {
          throw new Error(`${path}: ends at byte ${offset + done}, ${length - done} bytes too early`);
        }
        done += count;
      }
      whole = true;
      return bytes;
    } finally {
      if (whole && !closed) idle.push({ path, file });
      else file.close();
      if (idle.length > keep) idle.shift()!.file.close();
    }
  }

  return {
    read(path, offset, length) {
      const result = read(path, offset, length);
      const settled = result.catch(() => {}).finally(() => running.delete(settled));
      running.add(settled);
      return result;
    },
    async close() {
      closed = true;
      await Promise.all(running);
      for (const { file } of idle.splice(0)) file.close();
    },
  };
}
