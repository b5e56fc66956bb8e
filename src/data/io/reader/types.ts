/** Bytes that can be read at any place: a local file, or a file behind a server that answers byte ranges. */
export interface ByteReader {
  /** What is read, for messages. */
  readonly uri: string;
  /** Size in bytes. */
  readonly length: number;
  /**
   * Reads exactly `length` bytes from `offset`. Several reads may run at once.
   *
   * The result may share memory with a cache: do not write to it.
   *
   * @throws {RangeError} When the bytes do not all exist.
   * @throws {Error} When reading fails.
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes what is open. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Makes sure that the bytes offset … offset + length − 1 are inside something of `size` bytes.
 *
 * @throws {RangeError} When they are not.
 */
export function requireInside(uri: string, size: number, offset: number, length: number): void {
  if (!(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0)) {
    throw new RangeError(`${uri}: no such place in a file: ${length} bytes from ${offset}`);
  }
  if (offset + length > size) {
    throw new RangeError(
      `${uri}: bytes ${offset} … ${
        offset + length - 1
      } are wanted but it ends after ${size}: cut short or damaged`,
    );
  }
}
