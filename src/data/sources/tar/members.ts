import { type ByteQueue, DamagedError } from "../../io/reader/chunks.ts";
import { GzipError } from "../../io/reader/gunzip.ts";
import { describeFile, PLAIN_TEXT } from "../file_kinds.ts";
import { BLOCK, isZero, nameOf, parseHeader, parsePax, type TarHeader } from "./header.ts";
import { expandSparse, gnuSparse, paxSparse, type Sparse } from "./sparse.ts";

/** Names and pax headers larger than this are refused. */
const MOST_META = 1 << 20;

/** More zeros at the end are no padding: writers fill up to 10 KiB, or to what they write at once. */
const MOST_PADDING = 8 * 2 ** 20;

/** A file in an archive. */
export interface TarMember {
  name: string;
  /** Bytes of the file. */
  size: number;
  /** Bytes that are stored of it: fewer than `size` in a sparse file. */
  stored: number;
  /** Where its first header begins, a long name's included. */
  start: number;
  /** Where its content begins. */
  offset: number;
  /** Takes the file; only before the next member is asked for, and only once. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/** How an archive ended. Its last member is whole. */
export interface TarEnd {
  /** Whether zeros mark the end, as tar writes them. Some writers leave them out. */
  marked: boolean;
  /** What is odd behind the last member: something that is no tar, or far too many zeros. */
  odd?: string;
  /** The gzip stream around the archive is cut short behind its end, or its checksum is wrong, or more follows it. */
  gzip?: GzipError;
}

/** Who is told of what an archive holds besides files. */
export interface TarNotes {
  /** A member without a content of its own: a link, a device. */
  without?(what: string, name: string): void;
  /** The archive has ended; called once. */
  ended?(end: TarEnd): void;
}

/** What is known of a member before its own header. */
interface Meta {
  start: number;
  longName?: string;
  pax: [key: string, value: string][];
}

/**
 * The files of a tar archive in order: v7, ustar, GNU long names, pax, sparse files. Folders, links and devices are passed
 * over. Content that nobody reads is passed over without being held.
 *
 * An archive is whole when its last member is: the zeros at its end may be missing, and the padding of its last block.
 * Archives one behind the other (`cat a.tar b.tar`) are read as one, as GNU tar does with --ignore-zeros. Something behind
 * the zeros that is no tar ends the archive and is told in `notes`.
 *
 * @param name The archive, for messages.
 * @param queue Its bytes; the caller closes them.
 * @param notes Told of the rest.
 * @throws {DamagedError} The archive is empty, damaged, or ends in the middle of a member.
 */
export async function* tarMembers(
  name: string,
  queue: ByteQueue,
  notes: TarNotes = {},
): AsyncGenerator<TarMember, void, void> {
  const ended = (end: TarEnd) => notes.ended?.(end);
  let meta: Meta | null = null, zeros = 0, padding = 0;
  while (true) {
    const block = await nextBlock(queue, padding, zeros > 0);
    padding = 0;
    if (block instanceof GzipError) return ended({ marked: zeros > 0, gzip: block });
    const at = queue.position - block.length, where = `${name}: byte ${at}`;
    if (isZero(block)) {
      if (queue.position === 0) throw new DamagedError(`${name}: empty: 0 bytes`);
      if (meta) throw cutShort(name, at, "a member's header");
      zeros += block.length;
      if (zeros > MOST_PADDING) {
        return ended({ marked: true, odd: `over ${MOST_PADDING} zeros from byte ${at} on` });
      }
      if (block.length < BLOCK) return ended({ marked: zeros > 0 });
      continue;
    }
    const header = headerOf(block, zeros > 0, name, at);
    if ("odd" in header) return ended({ marked: true, odd: header.odd });
    zeros = 0;
    meta ??= { start: at, pax: [] };
    if (/[LxXKg]/.test(header.type)) {
      const content = await metaContent(queue, name, header.size);
      if (header.type === "L") meta.longName = nameOf(content);
      if (/x/i.test(header.type)) meta.pax.push(...parsePax(content, where));
      // K is a link's long target, g holds for all that follows; both may stand alone, or between a file and its name.
      if (/[Kg]/.test(header.type) && meta.longName === undefined && meta.pax.length === 0) meta = null;
      continue;
    }
    const { member, skip } = await memberOf(name, queue, header, block, meta);
    meta = null;
    let left = member.stored;
    if (skip) {
      if (skip !== "folder") notes.without?.(skip, member.name);
    } else {
      yield {
        ...member,
        async read() {
          if (left < member.stored || left === -1) throw new Error(`${name}: this member was read before`);
          left = member.stored === 0 ? -1 : 0;
          return await member.read();
        },
      };
    }
    if (left > 0 && await queue.skip(left) < left) throw cutShort(name, queue.position, member.name);
    padding = paddingOf(member.stored);
  }
}

const paddingOf = (size: number) => (BLOCK - size % BLOCK) % BLOCK;

/**
 * The next block, fewer bytes at the end. A gzip stream's error comes as a result where nothing of the archive is missing.
 *
 * @param padding Bytes to pass over before.
 * @param marked Whether the archive's end was seen.
 */
async function nextBlock(
  queue: ByteQueue,
  padding: number,
  marked: boolean,
): Promise<Uint8Array | GzipError> {
  try {
    await queue.skip(padding);
    return await queue.read(BLOCK);
  } catch (error) {
    if (error instanceof GzipError && (marked || error.complete)) return error;
    throw error;
  }
}

/** Reads a header; behind an archive's end, what is no header is only told. */
function headerOf(block: Uint8Array, marked: boolean, name: string, at: number): TarHeader | { odd: string } {
  try {
    if (block.length < BLOCK) throw cutShort(name, at + block.length, "a member's header");
    return parseHeader(block, `${name}: byte ${at}`);
  } catch (error) {
    const kind = describeFile(block);
    const what = kind && kind !== PLAIN_TEXT ? kind.what : "bytes that are no tar";
    if (marked) return { odd: `${what} from byte ${at} on` };
    if (kind && at === 0) {
      throw new DamagedError(`${name}: no tar archive: it is ${kind.what}; ${kind.advice}`);
    }
    throw error;
  }
}

/** A member, and why it is passed over if it is. */
async function memberOf(
  name: string,
  queue: ByteQueue,
  header: TarHeader,
  block: Uint8Array,
  { start, longName, pax }: Meta,
): Promise<{ member: TarMember; skip: string | null }> {
  const where = `${name}: byte ${start}`, stated = new Map(pax);
  const sparse: Sparse | null = header.type === "S"
    ? await gnuSparse(block, queue, where)
    : paxSparse(pax, where);
  const stored = sizeOf(stated.get("size"), header.size, where);
  const path = stated.get("GNU.sparse.name") ?? stated.get("path") ?? longName ?? header.name;
  const member: TarMember = {
    name: path,
    size: sparse ? sparse.size : stored,
    stored,
    start,
    offset: queue.position,
    async read() {
      const bytes = await queue.read(stored);
      if (bytes.length < stored) throw cutShort(name, queue.position, path);
      return sparse ? expandSparse(bytes, sparse, where) : bytes;
    },
  };
  return { member, skip: skipped(header.type, path) };
}

/** What a member is that is no file; null for a file. */
function skipped(type: string, name: string): string | null {
  // The oldest archives tell folders by their names alone.
  if (/[07S]/.test(type)) return name.endsWith("/") ? "folder" : null;
  if (type === "5") return "folder";
  if (/[12]/.test(type)) return "link";
  return /[346]/.test(type) ? "device" : `member of type ${JSON.stringify(type)}`;
}

async function metaContent(queue: ByteQueue, name: string, size: number): Promise<Uint8Array> {
  if (size > MOST_META) {
    throw new DamagedError(`${name}: byte ${queue.position}: a file name's header claims ${size} bytes`);
  }
  const content = await queue.read(size + paddingOf(size));
  if (content.length < size + paddingOf(size)) throw cutShort(name, queue.position, "a member's header");
  return content.subarray(0, size);
}

function sizeOf(pax: string | undefined, plain: number, where: string): number {
  if (pax === undefined) return plain;
  if (!/^\d{1,15}$/.test(pax)) {
    throw new DamagedError(`${where}: pax header with size "${pax.slice(0, 20)}"`);
  }
  return Number(pax);
}

function cutShort(name: string, at: number, what: string): DamagedError {
  return new DamagedError(`${name}: ends after ${at} bytes, in the middle of ${what}: cut short`);
}
