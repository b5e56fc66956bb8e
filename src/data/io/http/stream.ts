import { closable } from "../reader/closable.ts";
import { type Answer, request } from "./request.ts";
import { type HttpOptions, type Identity, PassingError, patience } from "./types.ts";

/** So much progress forgives earlier failures: long downloads may break now and then, small ones may not for ever. */
const FORGIVING = 1 << 20;

/** Which bytes of a remote file, and what is known of it. */
export interface HttpRange {
  /** First byte. Default 0. */
  start?: number;
  /** Byte after the last one. Default: the end of the file. */
  end?: number;
  /** What an earlier answer said; a file that is no longer this one is refused. */
  expected?: Identity;
  /** Refuse a server that does not answer ranges instead of reading over what is not wanted. Default false. */
  strict?: boolean;
  /** Told of the first answer. */
  onAnswer?: (answer: { ranged: boolean; identity: Identity }) => void;
}

/**
 * Gets a remote file, or a part of it, as chunks in order. A connection that breaks, stalls or ends too early, and
 * answers 408, 429 and 5xx, are tried again, with growing waits, from the byte that was reached; the file must still be the same
 * (ETag, Last-Modified, length).
 *
 * @param url An http or https URL.
 * @param range Which bytes.
 * @param options How patiently.
 * @param signal Breaks off.
 * @returns Chunks, `end − start` bytes in all. Stopping early closes the connection.
 * @throws Error that names the URL and the reason, after the last try or at once where trying is of no use.
 */
export function httpStream(
  url: string,
  range: HttpRange = {},
  options: HttpOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const patient = patience(options);
  return closable((inner) => chunks(url, range, patient, inner), signal);
}

async function* chunks(
  url: string,
  range: HttpRange,
  options: Required<HttpOptions>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { start = 0, end = null } = range;
  let at = start, forgivenAt = start, failures = 0;
  let identity = range.expected ?? null;
  let first = true;
  while (end === null || at < end) {
    let failure: PassingError;
    try {
      const answer = await request(url, at, end, options, signal);
      try {
        identity = sameFile(url, identity, answer.identity);
        check(url, answer, at, end, range.strict ?? false);
        if (first) range.onAnswer?.({ ranged: answer.ranged, identity });
        first = false;
        let pass = at - answer.start;
        for await (let chunk of answer.body) {
          if (pass > 0) {
            const over = Math.min(pass, chunk.length);
            pass -= over;
            chunk = chunk.subarray(over);
          }
          if (end !== null && at + chunk.length > end) chunk = chunk.subarray(0, end - at);
          if (chunk.length > 0) {
            at += chunk.length;
            yield chunk;
          }
          if (at === end) return;
        }
      } finally {
        answer.cancel();
      }
      const goal = end ?? identity.length;
      if (goal === null || at >= goal) return;
      throw new PassingError(`the connection ended at byte ${at} of ${goal}`);
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      failure = error;
    }
    if (at - forgivenAt >= FORGIVING) {
      failures = 0;
      forgivenAt = at;
    }
    if (++failures > options.retries) {
      throw new Error(`${url}: given up at byte ${at} after ${failures} tries: ${failure.message}`, {
        cause: failure,
      });
    }
    const wait = Math.max(options.backoff * 2 ** (failures - 1), failure.retryAfter);
    await sleep(Math.min(wait, options.maxBackoff), signal);
  }
}

function check(url: string, answer: Answer, at: number, end: number | null, strict: boolean): void {
  if (answer.ranged || (at === 0 && end === null)) return;
  if (!answer.seekable) {
    throw new Error(
      `${url}: cannot go on at byte ${at}: the server answers in a content-encoding of its own`,
    );
  }
  if (strict) {
    throw new Error(
      `${url}: the server does not answer byte ranges, which this format needs; download the file and open it locally`,
    );
  }
}

/** Joins what two answers say of one file; throws when they speak of different files. */
function sameFile(url: string, old: Identity | null, now: Identity): Identity {
  if (!old) return now;
  for (const name of ["length", "etag", "modified"] as const) {
    if (old[name] !== null && now[name] !== null && old[name] !== now[name]) {
      throw new Error(`${url}: changed while it was read (${name} was ${old[name]}, is ${now[name]})`);
    }
  }
  return {
    length: old.length ?? now.length,
    etag: old.etag ?? now.etag,
    modified: old.modified ?? now.modified,
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
