import { type ByteQueue, DamagedError } from "../../io/reader/chunks.ts";
import { BLOCK, parseHeader, parsePax } from "./header.ts";

/** Names and pax headers larger than this are refused. */
const MOST_META = 1 << 20;

/** A file in an archive. */
export interface TarMember {
  name: string;
  /** Bytes of content. */
  size: number;
  /** Where its first header begins, a long name's included. */
  start: number;
  /** Where its content begins. */
  offset: number;
  /** Takes the content; only before the next member is asked for, and only once. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * The files of a tar archive in order: ustar, GNU long names, pax. Folders, links and devices are passed over. Content
 * that nobody reads is passed over without being held.
 *
 * @param name The archive, for messages.
 * @param queue Its bytes; the caller closes them.
 * @throws DamagedError for an archive that is damaged, cut short, or of a kind that cannot be read (sparse files).
 */
export async function* tarMembers(
  name: string,
  queue: ByteQueue,
): AsyncGenerator<TarMember, void, void> {
  let start = queue.position;
  let longName: string | undefined;
  let pax = new Map<string, string>();
  while (true) {
    const at = queue.position, where = `${name}: byte ${at}`;
    const block = await queue.read(BLOCK);
    if (block.length === 0 && at === 0) throw new DamagedError(`${name}: empty: 0 bytes`);
    if (block.length < BLOCK) throw cutShort(name, queue.position);
    const header = parseHeader(block, where);
    if (!header) return;
    if (header.type === "L" || header.type === "x") {
      const content = await meta(queue, name, header.size);
      if (header.type === "x") pax = parsePax(content, where);
      else longName = new TextDecoder().decode(content).replace(/\0[^]*$/, "");
      continue;
    }
    // A link's long target and what holds for all that follows; they may stand between a file and its long name.
    if (header.type === "K" || header.type === "g") {
      await pass(queue, name, header.size + padding(header.size));
      continue;
    }
    const sparse = header.type === "S" || [...pax.keys()].some((key) => key.startsWith("GNU.sparse"));
    if (sparse) throw new DamagedError(`${where}: sparse files in tar archives are not supported`);
    const size = sizeOf(pax.get("size"), header.size, where);
    let left = size;
    if (header.type === "0" || header.type === "7") {
      yield {
        name: pax.get("path") ?? longName ?? header.name,
        size,
        start,
        offset: queue.position,
        async read() {
          if (left !== size) throw new Error(`${name}: this member was read before`);
          left = 0;
          const bytes = await queue.read(size);
          if (bytes.length < size) throw cutShort(name, queue.position);
          return bytes;
        },
      };
    }
    await pass(queue, name, left + padding(size));
    longName = undefined;
    pax = new Map();
    start = queue.position;
  }
}

const padding = (size: number) => (BLOCK - size % BLOCK) % BLOCK;

async function pass(queue: ByteQueue, name: string, count: number): Promise<void> {
  if (await queue.skip(count) < count) throw cutShort(name, queue.position);
}

async function meta(queue: ByteQueue, name: string, size: number): Promise<Uint8Array> {
  if (size > MOST_META) {
    throw new DamagedError(`${name}: byte ${queue.position}: a file name's header claims ${size} bytes`);
  }
  const content = await queue.read(size);
  if (content.length < size) throw cutShort(name, queue.position);
  await pass(queue, name, padding(size));
  return content;
}

function sizeOf(pax: string | undefined, plain: number, where: string): number {
  if (pax === undefined) return plain;
  if (!/^\d{1,15}$/.test(pax)) {
    throw new DamagedError(`${where}: pax header with size "${pax.slice(0, 20)}"`);
  }
  return Number(pax);
}

function cutShort(name: string, at: number): DamagedError {
  return new DamagedError(`${name}: ends after ${at} bytes, in the middle of the archive: cut short`);
}
