/** How patiently a server is asked. */
export interface HttpOptions {
  /** Sent with each request, such as `authorization`; not sent to other hosts that a redirect leads to. */
  headers?: Record<string, string>;
  /** Tries again after this many failures within one megabyte of progress. Default 5. */
  retries?: number;
  /** Milliseconds before the first new try; doubled each time. Default 500. */
  backoff?: number;
  /** The longest of those waits in milliseconds. Default 30,000. */
  maxBackoff?: number;
  /**
   * Milliseconds that a server may ask to wait (`Retry-After`), for one answer or for several one after the other. Such
   * waits are no failures. Default 900,000: a quarter of an hour.
   */
  maxRetryAfter?: number;
  /** A connection that brings less than 1 KiB in this many milliseconds counts as broken. Default 30,000. */
  stall?: number;
  /** Takes a line for people when a server asks to wait. Default: `console.error`. */
  progress?: (line: string) => void;
  /** Breaks off all requests and waits, those of opening a data set among them. */
  signal?: AbortSignal;
}

/** {@linkcode HttpOptions} with the defaults filled in. */
export type Patience = Required<Omit<HttpOptions, "signal">>;

/** What tells one version of a remote file from another. */
export interface Identity {
  /** Size in bytes, where the server says it. */
  length: number | null;
  etag: string | null;
  modified: string | null;
}

/** The longest time that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * {@linkcode HttpOptions} with the defaults filled in.
 *
 * @throws {RangeError} A time or number is negative or none.
 */
export function patience(options: HttpOptions): Patience {
  const all = {
    headers: {},
    retries: 5,
    backoff: 500,
    maxBackoff: 30_000,
    maxRetryAfter: 900_000,
    stall: 30_000,
    progress: (line: string) => console.error(line),
    ...options,
  };
  for (const name of ["retries", "backoff", "maxBackoff", "maxRetryAfter", "stall"] as const) {
    if (!(all[name] >= 0)) {
      throw new RangeError(`http ${name} must be a number of at least 0, not ${all[name]}`);
    }
    if (name !== "retries") all[name] = Math.min(all[name], LONGEST);
  }
  return all;
}

/** A failure that a new try may mend. `retryAfter`: milliseconds that the server asks to wait; null if it does not. */
export class PassingError extends Error {
  override name = "PassingError";
  constructor(reason: string, readonly retryAfter: number | null = null) {
    super(reason);
  }
}

/** The server answers, and has no such file. */
export class MissingFileError extends Error {
  override name = "MissingFileError";
}
