/** The bytes of a server's answer, and what goes wrong while they come. */
import { redact } from "../../../files/redact.ts";
import type { Followed } from "./follow.ts";
import { PassingError } from "./types.ts";

/** Less than this in {@linkcode Patience.stall} milliseconds is a stall. */
const LEAST_PROGRESS = 1024;

/**
 * A body from the file's first byte on. Refuses a web page: an expired link, a login, an error that calls itself 200.
 *
 * @param shown The URL without its secrets, for messages.
 * @throws {Error} It is a web page.
 */
export async function fileBody(
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

/**
 * The chunks of a body.
 *
 * @param stall Milliseconds without progress that are waited for at most.
 * @param cancel Called at the end.
 * @param signal Its reason is thrown where it has been aborted.
 * @throws {PassingError} For a stall or a broken connection.
 */
export async function* bodyOf(
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

/** Rejects with a {@linkcode PassingError} when `work` takes longer than `ms`, what is left of a patience of `stall`. */
export async function within<T>(ms: number, stall: number, work: () => Promise<T>): Promise<T> {
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

/** What went wrong, in words; `fetch` keeps them in its error's cause, behind the URL. */
export function reasonOf(error: unknown): string {
  const told = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  const text = told instanceof Error ? told.message : String(told);
  return redact(
    text.replace(/^error sending request for url \(.*?\): (?:client error \(\w+\): )?/, "").replace(
      / \(os error \d+\)/g,
      "",
    ),
  );
}
