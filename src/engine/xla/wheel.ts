import { createHash } from "node:crypto";

/** SHA-256 of a file, in hex. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const chunk = new Uint8Array(1 << 20);
  for (let n = await file.read(chunk); n !== null; n = await file.read(chunk)) {
    hash.update(chunk.subarray(0, n));
  }
  return hash.digest("hex");
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<DataView<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  for (let got = 0; got < length;) {
    const n = await file.read(bytes.subarray(got));
    if (n === null) throw new Error("The archive is cut short.");
    got += n;
  }
  return new DataView(bytes.buffer);
}

/**
 * Unpacks one file of a wheel (a zip archive below 4 GB) and makes sure that it reached the disk.
 *
 * @param member the path inside the archive
 * @returns size and SHA-256 of what was written
 * @throws when the archive has no such file or is damaged
 */
export async function unpackMember(
  archive: string,
  member: string,
  to: string,
): Promise<{ size: number; sha256: string }> {
  using file = await Deno.open(archive);
  const { size: length } = await file.stat();
  // The directory's position stands in the last record, which a comment of up to 64 kB may follow.
  const tailLength = Math.min(length, 22 + 0xffff);
  const tail = await readAt(file, length - tailLength, tailLength);
  let end = tailLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error(`${archive} is no zip archive.`);
  const count = tail.getUint16(end + 10, true);
  const directory = await readAt(file, tail.getUint32(end + 16, true), tail.getUint32(end + 12, true));
  for (let i = 0, at = 0; i < count; i++) {
    const nameLength = directory.getUint16(at + 28, true);
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength));
    if (name === member) {
      const method = directory.getUint16(at + 10, true);
      const packed = directory.getUint32(at + 20, true);
      const size = directory.getUint32(at + 24, true);
      const header = directory.getUint32(at + 42, true);
      const local = await readAt(file, header, 30);
      const from = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
      if (method !== 0 && method !== 8) {
        throw new Error(`${member} is packed by method ${method}; 0 and 8 are known.`);
      }
      const written = await inflate(range(file, from, packed), method === 8, to);
      if (written.size !== size) throw new Error(`${member} has ${written.size} bytes in place of ${size}.`);
      return written;
    }
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  throw new Error(`${archive} holds no ${member}.`);
}

function range(file: Deno.FsFile, from: number, length: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = length;
  return new ReadableStream({
    start: () => void file.seekSync(from, Deno.SeekMode.Start),
    async pull(controller) {
      if (left === 0) return controller.close();
      const chunk = new Uint8Array(Math.min(left, 1 << 18));
      const n = await file.read(chunk);
      if (n === null) return controller.error(new Error("The archive is cut short."));
      left -= n;
      controller.enqueue(chunk.subarray(0, n));
    },
  });
}

async function inflate(
  packed: ReadableStream<Uint8Array<ArrayBuffer>>,
  compressed: boolean,
  to: string,
): Promise<{ size: number; sha256: string }> {
  using out = await Deno.open(to, { write: true, createNew: true });
  const hash = createHash("sha256");
  let size = 0;
  const stream = compressed ? packed.pipeThrough(new DecompressionStream("deflate-raw")) : packed;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.length;
    for (let at = 0; at < chunk.length;) at += await out.write(chunk.subarray(at));
  }
  await out.sync();
  return { size, sha256: hash.digest("hex") };
}
