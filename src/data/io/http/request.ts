import { type HttpOptions, type Identity, PassingError } from "./types.ts";

/** Less than this in {@linkcode HttpOptions.stall} milliseconds is a stall. */
const LEAST_PROGRESS = 1024;

/** One answered request. */
export interface Answer {
  /** Where in the file the body begins. */
  start: number;
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
 * @throws PassingError for what a new try may mend, Error for the rest.
 */
export async function request(
  url: string,
  start: number,
  end: number | null,
  options: Required<HttpOptions>,
  signal?: AbortSignal,
): Promise<Answer> {
  const controller = new AbortController();
  const follow = () => controller.abort(signal?.reason);
  if (signal?.aborted) follow();
  signal?.addEventListener("abort", follow);
  const cancel = () => {
    signal?.removeEventListener("abort", follow);
    controller.abort();
  };
  // An encoded body would make every length and place in the headers mean something else.
  const headers: Record<string, string> = { "accept-encoding": "identity", ...options.headers };
  if (start > 0 || end !== null) headers.range = `bytes=${start}-${end === null ? "" : end - 1}`;
  let response: Response;
  try {
    response = await within(
      options.stall,
      options.stall,
      () => fetch(url, { headers, signal: controller.signal }),
    );
  } catch (error) {
    cancel();
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) {
      throw new Error(`${url}: Deno was started without permission to reach it (--allow-net)`, {
        cause: error,
      });
    }
    throw new PassingError(reasonOf(error));
  }
  try {
    return answer(url, response, start, end, options, cancel, signal);
  } catch (error) {
    cancel();
    await response.body?.cancel().catch(() => {});
    throw error;
  }
}

function answer(
  url: string,
  response: Response,
  start: number,
  end: number | null,
  options: Required<HttpOptions>,
  cancel: () => void,
  signal?: AbortSignal,
): Answer {
  const { status, headers } = response;
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(headers.get("retry-after"));
    throw new PassingError(`the server answers ${status}`, seconds > 0 ? seconds * 1000 : 0);
  }
  // A body of unknown length that broke off at its end: what is asked for is nothing.
  const over = status === 416 && start > 0 && end === null &&
    headers.get("content-range") === `bytes */${start}`;
  if (status !== 200 && status !== 206 && !over) {
    const hint = status === 401 || status === 403
      ? ": it wants a login (headers.authorization) or forbids this"
      : status === 404
      ? ": no such file"
      : status === 416
      ? `: it has no byte ${start}, its file is shorter than it said`
      : "";
    throw new Error(`${url}: the server answers ${status}${hint}`);
  }
  const encoding = headers.get("content-encoding");
  const seekable = encoding === null || encoding === "identity";
  const stated = seekable ? wholeNumber(headers.get("content-length")) : null;
  const identity: Identity = {
    length: over ? start : status === 200 ? stated : null,
    etag: headers.get("etag"),
    modified: headers.get("last-modified"),
  };
  let first = over ? start : 0;
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (!range) throw new Error(`${url}: the server answers 206 without a Content-Range that can be read`);
    first = Number(range[1]);
    identity.length = range[3] === "*" ? null : Number(range[3]);
    const last = Number(range[2]);
    if (first !== start || last < first || (end !== null && last >= end)) {
      throw new Error(
        `${url}: asked for bytes ${start}-${end === null ? "" : end - 1}, the server sent ${range[0]}`,
      );
    }
    if (stated !== null && stated !== last - first + 1) {
      throw new Error(
        `${url}: the server's Content-Length ${stated} and "${range[0]}" contradict each other`,
      );
    }
  }
  return {
    start: first,
    ranged: status === 206 || over,
    identity,
    seekable,
    body: over ? nothing() : bodyOf(response, options.stall, cancel, signal),
    cancel,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
