import { crc32, createInflateRaw } from "node:zlib";
import { DamagedError } from "./chunks.ts";

/** What is wrong with a gzip stream. All that could be unpacked has been handed out before. */
export class GzipError extends DamagedError {
  override name = "GzipError";
  /**
   * @param kind `cut`: it ends too early. `damaged`: it cannot be unpacked further. `checksum`: all bytes came, but not as
   * they were packed. `rest`: all bytes came, and something that is no gzip follows.
   */
  constructor(readonly kind: "cut" | "damaged" | "checksum" | "rest", message: string) {
    super(message);
  }

  /** True when every byte that was packed has been handed out. */
  get complete(): boolean {
    return this.kind === "checksum" || this.kind === "rest";
  }
}

/** Bytes put into the decompressor at once: they become 16 MiB at most. */
const SLICE = 16 * 1024;

/** Flags of a member's header (RFC 1952). */
const HEADER_CHECKSUM = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0;

/**
 * Unpacks gzip where the stream begins with gzip's two bytes, whatever its name; passes others on as they are.
 *
 * Files of several members, as parallel packers write them, are one stream. Zeros after the last member are padding. We
 * read the container ourselves: node:zlib's gunzip drops what it unpacked just before an error, and does not tell a missing
 * checksum from missing pictures.
 *
 * @param name For messages.
 * @param chunks Closed when the result is closed.
 * @throws {GzipError} At the end, for a stream that is cut short, damaged or followed by something else.
 */
export async function* gunzipped(
  name: string,
  chunks: AsyncGenerator<Uint8Array, void, void>,
): AsyncGenerator<Uint8Array, void, void> {
  const input = inputOf(chunks);
  try {
    const [first, second] = await input.peek(2);
    if (first !== 0x1f || second !== 0x8b) {
      while (await input.more()) yield input.take(Infinity);
      return;
    }
    let wrong = false, rest = false;
    do {
      await passHeader(name, input);
      const sum = yield* inflate(name, input);
      const trailer = await input.read(8);
      if (trailer.length < 8) throw cut(name);
      const stated = new DataView(trailer.buffer, trailer.byteOffset);
      wrong ||= stated.getUint32(0, true) !== sum.crc || stated.getUint32(4, true) !== sum.length % 2 ** 32;
      rest = await anotherFollows(input) === "rest";
    } while (!rest && await input.more());
    if (wrong) throw new GzipError("checksum", `${name}: gzip's checksum is wrong: some bytes have changed`);
    if (rest) throw new GzipError("rest", `${name}: what follows the gzip stream is no gzip`);
  } finally {
    await chunks.return();
  }
}

const cut = (name: string) => new GzipError("cut", `${name}: the gzip stream is cut short`);

/** Bytes of a stream of chunks that can be looked at before they are taken. */
interface Input {
  /** Whether there is another byte. */
  more(): Promise<boolean>;
  /** Takes what is at hand, at most `most` bytes. */
  take(most: number): Uint8Array;
  /** The next bytes without taking them; fewer only at the end. */
  peek(count: number): Promise<Uint8Array>;
  /** Takes the next bytes; fewer only at the end. */
  read(count: number): Promise<Uint8Array>;
  /** Gives back the last bytes that were taken. */
  back(bytes: Uint8Array): void;
}

function inputOf(chunks: AsyncGenerator<Uint8Array, void, void>): Input {
  let held: Uint8Array = new Uint8Array(0);
  const join = (front: Uint8Array, back: Uint8Array) => {
    if (front.length === 0) return back;
    const joined = new Uint8Array(front.length + back.length);
    joined.set(front);
    joined.set(back, front.length);
    return joined;
  };
  const fill = async (count: number): Promise<boolean> => {
    while (held.length < count) {
      const step = await chunks.next();
      if (step.done) return false;
      held = join(held, step.value);
    }
    return true;
  };
  const take = (most: number) => {
    const part = held.subarray(0, most);
    held = held.subarray(part.length);
    return part;
  };
  return {
    more: () => fill(1),
    take,
    async peek(count) {
      await fill(count);
      return held.subarray(0, count);
    },
    async read(count) {
      await fill(count);
      return take(count);
    },
    back: (bytes) => held = join(bytes, held),
  };
}

/** Passes over padding. Tells whether another member, something else or nothing stands behind it. */
async function anotherFollows(input: Input): Promise<"member" | "rest" | "nothing"> {
  while (await input.more()) {
    const [first] = await input.peek(1);
    if (first !== 0) {
      const [, second] = await input.peek(2);
      return first === 0x1f && second === 0x8b ? "member" : "rest";
    }
    const part = input.take(Infinity), from = part.findIndex((byte) => byte !== 0);
    if (from >= 0) input.back(part.subarray(from));
  }
  return "nothing";
}

async function passHeader(name: string, input: Input): Promise<void> {
  const head = await input.read(10), [, , method, flags] = head;
  if (head.length < 10) throw cut(name);
  if (method !== 8 || (flags & RESERVED) !== 0) {
    throw new GzipError("damaged", `${name}: a damaged gzip header (method ${method}, flags ${flags})`);
  }
  const passText = async () => {
    for (;;) {
      const [byte] = await input.read(1);
      if (byte === undefined) throw cut(name);
      if (byte === 0) return;
    }
  };
  if (flags & EXTRA) {
    const [low, high] = await input.read(2), length = low + 256 * high;
    if (!((await input.read(length)).length === length)) throw cut(name);
  }
  if (flags & NAME) await passText();
  if (flags & COMMENT) await passText();
  if (flags & HEADER_CHECKSUM && (await input.read(2)).length < 2) throw cut(name);
}

/** Unpacks one member's data. Gives the checksum and length of what came out. */
async function* inflate(
  name: string,
  input: Input,
): AsyncGenerator<Uint8Array, { crc: number; length: number }, void> {
  const plain = createInflateRaw(), out: Uint8Array[] = [];
  let failure: Error | undefined, ended = false, fed = 0, crc = 0, length = 0;
  plain.on("data", (chunk: Uint8Array) => out.push(chunk));
  plain.on("end", () => ended = true);
  plain.on("error", (error: Error) => failure = error);
  try {
    while (!ended && await input.more()) {
      const slice = input.take(SLICE);
      fed += slice.length;
      await new Promise<void>((resolve) => plain.write(slice, () => resolve()));
      for (const chunk of out.splice(0)) {
        crc = crc32(chunk, crc);
        length += chunk.length;
        yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
      if (failure) {
        throw new GzipError("damaged", `${name}: the gzip stream is damaged (${failure.message})`);
      }
      // What was not taken stands behind the data.
      const over = fed - plain.bytesWritten;
      ended ||= over > 0;
      if (over > 0) input.back(slice.subarray(slice.length - over));
    }
  } finally {
    plain.destroy();
  }
  if (!ended) throw cut(name);
  return { crc, length };
}
