import { randomStream } from "../random.ts";

/** A server of files on the loopback address, slow and not quite reliable, as servers are. */
export interface ShardServer extends AsyncDisposable {
  /** A file's URL. */
  url(name: string): string;
  /** Resolves when the next answer is under way, somewhere in its body. */
  sending(): Promise<void>;
  /** Answers so far, and those that were broken off. */
  readonly answers: number;
  readonly broken: number;
}

/** Bytes that are sent at once. */
const CHUNK = 8192;

/** Share of the answers that are broken off. */
const BROKEN = 0.04;

/**
 * Serves the files of a folder with ranges, as object stores do.
 *
 * @param folder The files.
 * @param seed Names the answers that are broken off, and where.
 */
export function serveFolder(folder: string, seed: number): ShardServer {
  let answers = 0, broken = 0;
  let waiting: (() => void)[] = [];

  const body = (bytes: Uint8Array<ArrayBuffer>, answer: number): ReadableStream<Uint8Array<ArrayBuffer>> => {
    const random = randomStream(seed, "soak", 0, answer);
    const breaksAt = random.uniform() < BROKEN ? random.integer(0, bytes.length) : Infinity;
    const tellsAt = random.integer(0, bytes.length);
    let at = 0;
    return new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (at >= tellsAt) { for (const tell of waiting.splice(0)) tell(); }
        if (at >= breaksAt) {
          broken++;
          return controller.error(new Error("broken off on purpose"));
        }
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at += CHUNK));
      },
    });
  };

  const answer = async (request: Request): Promise<Response> => {
    const name = new URL(request.url).pathname.slice(1);
    if (!/^[\w.-]+$/.test(name)) return new Response(null, { status: 404 });
    const bytes = await Deno.readFile(`${folder}/${name}`).catch(() => null);
    if (!bytes) return new Response(null, { status: 404 });
    const headers = { etag: `"${bytes.length}"`, "accept-ranges": "bytes" };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const number = ++answers;
    if (!range) {
      const length = { ...headers, "content-length": String(bytes.length) };
      return new Response(body(bytes, number), { headers: length });
    }
    const start = Number(range[1]);
    const end = range[2] === "" ? bytes.length : Math.min(Number(range[2]) + 1, bytes.length);
    if (start >= end) return new Response(null, { status: 416 });
    return new Response(body(bytes.slice(start, end), number), {
      status: 206,
      headers: {
        ...headers,
        "content-length": String(end - start),
        "content-range": `bytes ${start}-${end - 1}/${bytes.length}`,
      },
    });
  };

  const running = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response() },
    answer,
  );
  return {
    url: (name) => `http://127.0.0.1:${running.addr.port}/${name}`,
    sending: () => new Promise((resolve) => void waiting.push(resolve)),
    get answers() {
      return answers;
    },
    get broken() {
      return broken;
    },
    async [Symbol.asyncDispose]() {
      waiting = [];
      await running.shutdown();
    },
  };
}
