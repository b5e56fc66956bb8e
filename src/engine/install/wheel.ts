import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { readAt } from "../../files/read_at.ts";

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

async function viewAt(file: Deno.FsFile, at: number, length: number): Promise<DataView<ArrayBuffer>> {
  const bytes = await readAt(file, at, length, () => {
    throw new Error("The archive is cut short.");
  });
  return new DataView(bytes.buffer);
}

/** A file in a zip archive. */
interface Member {
  name: string;
  /** 0 as it is, 8 deflated. */
  method: number;
  packed: number;
  size: number;
  /** Where its own header stands. */
  header: number;
  /** Whether it may be run as a program. */
  program: boolean;
}

/** The files of a zip archive below 4 GB. */
async function listMembers(archive: string, file: Deno.FsFile): Promise<Member[]> {
  const { size: length } = await file.stat();
  // The directory's position stands in the last record, which a comment of up to 64 kB may follow.
  const tailLength = Math.min(length, 22 + 0xffff);
  const tail = await viewAt(file, length - tailLength, tailLength);
  let end = tailLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error(`${archive} is no zip archive.`);
  const count = tail.getUint16(end + 10, true);
  const directory = await viewAt(file, tail.getUint32(end + 16, true), tail.getUint32(end + 12, true));
  const members: Member[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const nameLength = directory.getUint16(at + 28, true);
    members.push({
      name: new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength)),
      method: directory.getUint16(at + 10, true),
      packed: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      header: directory.getUint32(at + 42, true),
      // The upper half of the external attributes is Unix's mode.
      program: (directory.getUint16(at + 40, true) & 0o111) !== 0,
    });
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return members;
}

/** A file that was unpacked. */
export interface Unpacked {
  /** Where it lies, relative to the folder. */
  path: string;
  size: number;
  sha256: string;
}

/**
 * Unpacks files of a wheel (a zip archive below 4 GB). Their modes follow the umask; whoever publishes the folder syncs
 * them.
 *
 * @param archive The wheel.
 * @param take Paths inside the wheel and where they go in the folder; those that end in "/" are folders with all in them.
 * @param folder Where the files go.
 * @returns What was written.
 * @throws {Error} When the archive lacks one of the paths or is damaged.
 */
export async function unpackWheel(
  archive: string,
  take: Readonly<Record<string, string>>,
  folder: string,
): Promise<Unpacked[]> {
  using file = await Deno.open(archive);
  const members = await listMembers(archive, file), written: Unpacked[] = [];
  for (const [from, to] of Object.entries(take)) {
    const wanted = members.filter(({ name }) =>
      from.endsWith("/") ? name.startsWith(from) && !name.endsWith("/") : name === from
    );
    if (wanted.length === 0) throw new Error(`${archive} holds no ${from}.`);
    for (const member of wanted) {
      const path = to + member.name.slice(from.length);
      if (path.split("/").includes("..")) throw new Error(`${archive} holds a file outside of it: ${path}.`);
      await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
      written.push({ path, ...await unpack(file, member, join(folder, path)) });
    }
  }
  return written;
}

async function unpack(file: Deno.FsFile, member: Member, to: string): Promise<Omit<Unpacked, "path">> {
  const { name, method, packed, size, header, program } = member;
  if (method !== 0 && method !== 8) {
    throw new Error(`${name} is packed by method ${method}; 0 and 8 are known.`);
  }
  const local = await viewAt(file, header, 30);
  const from = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const written = await inflate(range(file, from, packed), method === 8, to, program ? 0o777 : 0o666);
  if (written.size !== size) throw new Error(`${name} has ${written.size} bytes instead of ${size}.`);
  return written;
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
  mode: number,
): Promise<Omit<Unpacked, "path">> {
  using out = await Deno.open(to, { write: true, createNew: true, mode });
  const hash = createHash("sha256");
  let size = 0;
  const stream = compressed ? packed.pipeThrough(new DecompressionStream("deflate-raw")) : packed;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.length;
    for (let at = 0; at < chunk.length;) at += await out.write(chunk.subarray(at));
  }
  return { size, sha256: hash.digest("hex") };
}
