import { redact } from "../../../files/redact.ts";
import { follow, type Followed } from "./follow.ts";
import { retryAfter } from "./retry_after.ts";
import { type Identity, MissingFileError, PassingError, type Patience } from "./types.ts";

/** Less than this in {@linkcode Patience.stall} milliseconds is a stall. */
const LEAST_PROGRESS = 1024;

/** A new try may get another answer; servers and the proxies before them have many numbers above 500 for this. */
const passing = (status: number) =>
  [408, 425, 429].includes(status) || (status >= 500 && ![501, 505, 510, 511].includes(status));

/** One answered request. */
export interface Answer {
  /** Where in the file the body begins. */
  start: number;
  /** Byte after the last one of the range that the server sends; null where it sends the file to its end. */
  end: number | null;
  /** True for 206: the server answers ranges. */
  ranged: boolean;
  identity: Identity;
  /** False when the server sent the body in an encoding of its own, so that places in the file are unknown. */
  seekable: boolean;
  body: AsyncGenerator<Uint8Array, void, void>;
  /** Ends the connection. */
  cancel(): void;
}

/**
 * Sends one GET, perhaps for a range, and looks at the status and the headers.
 *
 * @param url What to get.
 * @param start First byte wanted.
 * @param end Byte after the last one wanted; null for the end of the file.
 * @param options Headers and times.
 * @param signal Breaks off the request and its body.
 * @throws {PassingError} For what a new try may mend.
 * @throws {Error} For the rest.
 */
export async function request(
  url: string,
  start: number,
  end: number | null,
  options: Patience,
  signal?: AbortSignal,
): Promise<Answer> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const cancel = () => {
    signal?.removeEventListener("abort", abort);
    controller.abort();
  };
  const shown = redact(url);
  // An encoded body would make every length and place in the headers mean something else.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (start > 0 || end !== null) headers.range = `bytes=${start}-${end === null ? "" : end - 1}`;
  let followed: Followed;
  try {
    followed = await within(
      options.stall,
      options.stall,
      () => follow(url, headers, options.headers, controller.signal),
    );
  } catch (error) {
    cancel();
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) {
      throw new Error(`${shown}: Deno was started without permission to reach it (--allow-net)`, {
        cause: error,
      });
    }
    // What fetch throws; redirects that lead nowhere are told as they are.
    if (error instanceof TypeError || error instanceof PassingError) throw new PassingError(reasonOf(error));
    throw error;
  }
  const { response } = followed;
  try {
    checkStatus(shown, followed, start, end);
    const places = placesOf(shown, response, start, end);
    const body = places.over ? nothing() : bodyOf(response, options.stall, cancel, signal);
    return { ...places, body: places.start > 0 ? body : await file(shown, followed, body), cancel };
  } catch (error) {
    cancel();
    await response.body?.cancel().catch(() => {});
    throw error;
  }
}

/** A body of unknown length that broke off at its very end: what is asked for is nothing. */
function isOver({ status, headers }: Response, start: number, end: number | null): boolean {
  return status === 416 && start > 0 && end === null && headers.get("content-range") === `bytes */${start}`;
}

/** Refuses an answer that is not the file or a part of it. */
function checkStatus(
  shown: string,
  { response, redirected, withheld }: Followed,
  start: number,
  end: number | null,
) {
  const { status, headers } = response;
  if (passing(status)) throw new PassingError(`the server answers ${status}`, retryAfter(headers));
  if (status === 200 || status === 206 || isOver(response, start, end)) return;
  const login = withheld
    ? `: the login went to the host that was named and not to ${redirected}, where it redirects to`
    : ": it wants a login (user:password@ in the URL, or headers.authorization), forbids this, or the URL's signature has " +
      "run out";
  if (status === 404 || status === 410) {
    throw new MissingFileError(`${shown}: the server answers ${status}: no such file`);
  }
  const hint = status === 401 || status === 403
    ? login
    : status === 416 && start === 0
    ? ": the file is empty"
    : status === 416
    ? `: it has no byte ${start}, its file is shorter than it said`
    : "";
  throw new Error(`${shown}: the server answers ${status}${hint}`);
}

/** What an answer's headers say of the file and of the bytes that follow. */
function placesOf(
  shown: string,
  response: Response,
  start: number,
  end: number | null,
): Omit<Answer, "body" | "cancel"> & { over: boolean } {
  const { status, headers } = response, over = isOver(response, start, end);
  const encoding = headers.get("content-encoding");
  const seekable = encoding === null || encoding === "identity";
  const stated = seekable ? wholeNumber(headers.get("content-length")) : null;
  const identity: Identity = {
    length: over ? start : status === 200 ? stated : null,
    etag: headers.get("etag"),
    modified: headers.get("last-modified"),
  };
  const places = {
    start: over ? start : 0,
    end: null,
    ranged: status === 206 || over,
    identity,
    seekable,
    over,
  };
  if (status !== 206) return places;
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (!range) throw new Error(`${shown}: the server answers 206 without a Content-Range that can be read`);
  const first = Number(range[1]), last = Number(range[2]);
  identity.length = range[3] === "*" ? null : Number(range[3]);
  if (first !== start || last < first || (end !== null && last >= end)) {
    throw new Error(
      `${shown}: asked for bytes ${start}-${end === null ? "" : end - 1}, the server sent ${range[0]}`,
    );
  }
  if (stated !== null && stated !== last - first + 1) {
    throw new Error(
      `${shown}: the server's Content-Length ${stated} and "${range[0]}" contradict each other`,
    );
  }
  return { ...places, start: first, end: last + 1 };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

/** A body from the file's first byte on. Refuses a web page: an expired link, a login, an error that calls itself 200. */
async function file(
  shown: string,
  { response, redirected }: Followed,
  body: AsyncGenerator<Uint8Array, void, void>,
): Promise<AsyncGenerator<Uint8Array, void, void>> {
  const { value = new Uint8Array(0) } = await body.next();
  const type = response.headers.get("content-type") ?? "",
    text = new TextDecoder().decode(value.subarray(0, 256));
  // Some servers call every file text/html, so its beginning decides.
  const page = /^\s*<(?:!doctype html|html|head)\b/i.test(text) || (/html/i.test(type) && /^\s*</.test(text));
  if (page) {
    await body.return();
    const where = redirected ? `, redirected to ${redirected},` : "";
    throw new Error(
      `${shown}:${where} is a web page (${
        type || "HTML"
      }) and no data: perhaps a login, a link that has run out, or the ` +
        "page around the file; open it in a browser to see",
    );
  }
  return (async function* () {
    try {
      yield value;
      yield* body;
    } finally {
      await body.return();
    }
  })();
}

/** The chunks of a body; a stall or a broken connection becomes a PassingError. */
async function* bodyOf(
  response: Response,
  stall: number,
  cancel: () => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  // Only time spent waiting for the server counts, not the time that the consumer takes.
  let waited = 0, got = 0;
  try {
    while (reader) {
      const from = performance.now();
      let step: ReadableStreamReadResult<Uint8Array>;
      try {
        step = await within(stall - waited, stall, () => reader.read());
      } catch (error) {
        signal?.throwIfAborted();
        throw new PassingError(reasonOf(error));
      }
      if (step.done) return;
      waited += performance.now() - from;
      got += step.value.length;
      if (got >= LEAST_PROGRESS) waited = got = 0;
      else if (waited >= stall) throw new PassingError(stalled(stall));
      yield step.value;
    }
  } finally {
    cancel();
    await reader?.cancel().catch(() => {});
  }
}

const stalled = (ms: number) => `the server sent (almost) nothing for ${Math.round(ms / 100) / 10} s`;

/** Rejects when `work` takes longer than `ms`, what is left of a patience of `stall`. */
async function within<T>(ms: number, stall: number, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const promise = work();
  promise.catch(() => {});
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) =>
        timer = setTimeout(() => reject(new PassingError(stalled(stall))), Math.max(ms, 0))
      ),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** What went wrong, in words; `fetch` keeps them in its error's cause, behind the URL. */
function reasonOf(error: unknown): string {
  const told = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  const text = told instanceof Error ? told.message : String(told);
  return redact(
    text.replace(/^error sending request for url \(.*?\): (?:client error \(\w+\): )?/, "").replace(
      / \(os error \d+\)/g,
      "",
    ),
  );
}
