/**
 * Reads exactly `length` bytes of a file from `offset` on. Do not run two reads of a file at once.
 *
 * @param ended Called with where the file ended, if it is shorter; it throws the reader's own error.
 */
export async function readAt(
  file: Deno.FsFile,
  offset: number,
  length: number,
  ended: (at: number) => never,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const got = await file.read(bytes.subarray(at));
    if (got === null) return ended(offset + at);
    at += got;
  }
  return bytes;
}
