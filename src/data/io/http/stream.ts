import { redact } from "../../../files/redact.ts";
import { closable } from "../reader/closable.ts";
import { duration, hold, sleep, whenFree } from "./hold.ts";
import { type Answer, request } from "./request.ts";
import { type HttpOptions, type Identity, PassingError, type Patience, patience } from "./types.ts";

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
 * answers 408, 425, 429 and 5xx, are tried again, with growing waits, from the byte that was reached; the file must still
 * be the same (ETag, Last-Modified, length). A server that says how long to wait (`Retry-After`) is waited for as long as
 * {@linkcode HttpOptions.maxRetryAfter} allows.
 *
 * @param url An http or https URL.
 * @param range Which bytes.
 * @param options How patiently.
 * @param signal Breaks off.
 * @returns Chunks, `end − start` bytes in all. Stopping early closes the connection.
 * @throws {Error} Names the URL, without its secrets, and the reason: after the last try, or at once where trying is of no
 * use.
 */
export function httpStream(
  url: string,
  range: HttpRange = {},
  options: HttpOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const patient = patience(options), outer = signal ? [signal] : [];
  if (options.signal) outer.push(options.signal);
  const either = outer.length > 1 ? AbortSignal.any(outer) : outer[0];
  return closable((inner) => chunks(url, range, patient, inner), either);
}

async function* chunks(
  url: string,
  range: HttpRange,
  options: Patience,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { start = 0, end = null } = range;
  let at = start, identity = range.expected ?? null, first = true;
  const tries = openTries(url, options);
  while (end === null || at < end) {
    try {
      await whenFree(url, signal);
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
      // A server may send less at once than it was asked for, and says so.
      if (at !== answer.end) throw new PassingError(`the connection ended at byte ${at} of ${goal}`);
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      await tries.failed(error, at, signal);
    }
  }
}

/** Counts what goes wrong and waits between tries. */
function openTries(url: string, options: Patience) {
  const { retries, backoff, maxBackoff, maxRetryAfter } = options, shown = redact(url);
  let forgivenAt = -Infinity, failures = 0, asked = 0, rounds = 0;
  return {
    /** Waits before the next try. Throws when there should be none. */
    async failed(failure: PassingError, at: number, signal: AbortSignal): Promise<void> {
      if (at - forgivenAt >= FORGIVING) {
        failures = asked = rounds = 0;
        forgivenAt = at;
      }
      const { message, retryAfter } = failure, grown = Math.min(backoff * 2 ** rounds++, maxBackoff);
      if (retryAfter === null) {
        if (++failures > retries) {
          throw new Error(
            `${shown}: given up at byte ${at} after ${failures} ${
              failures === 1 ? "try" : "tries"
            }: ${message}`,
            {
              cause: failure,
            },
          );
        }
        return await sleep(grown, signal);
      }
      // A server that always says "one second" is asked less and less often.
      const wait = Math.max(retryAfter, grown);
      asked += wait;
      if (asked > maxRetryAfter) {
        const inAll = asked > wait ? `, ${duration(asked)} in all` : "";
        throw new Error(
          `${shown}: given up at byte ${at}: ${message} and asks to wait ${
            duration(retryAfter)
          }${inAll}, and this ` +
            `program waits ${
              duration(maxRetryAfter)
            } at most. Try again later, run fewer programs at once, or download ` +
            "the file",
          { cause: failure },
        );
      }
      hold(url, wait, message, options);
      await whenFree(url, signal);
    },
  };
}

function check(url: string, answer: Answer, at: number, end: number | null, strict: boolean): void {
  if (answer.ranged || (at === 0 && end === null)) return;
  if (!answer.seekable) {
    throw new Error(
      `${redact(url)}: cannot go on at byte ${at}: the server answers in a content-encoding of its own`,
    );
  }
  if (strict) {
    throw new Error(
      `${
        redact(url)
      }: the server does not answer byte ranges, which this format needs; download the file and open it locally`,
    );
  }
}

/** Joins what two answers say of one file; throws when they speak of different files. */
function sameFile(url: string, old: Identity | null, now: Identity): Identity {
  if (!old) return now;
  for (const name of ["length", "etag", "modified"] as const) {
    if (old[name] !== null && now[name] !== null && old[name] !== now[name]) {
      throw new Error(
        `${redact(url)}: changed while it was read (${name} was ${old[name]}, is ${now[name]})`,
      );
    }
  }
  return {
    length: old.length ?? now.length,
    etag: old.etag ?? now.etag,
    modified: old.modified ?? now.modified,
  };
}
