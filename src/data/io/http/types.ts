/** How patiently a server is asked. */
export interface HttpOptions {
  /** Sent with each request, such as `authorization`. */
  headers?: Record<string, string>;
  /** Tries again after this many failures within one megabyte of progress. Default 5. */
  retries?: number;
  /** Milliseconds before the first new try; doubled each time. Default 500. */
  backoff?: number;
  /** The longest of those waits in milliseconds, and the longest `Retry-After` that is heeded. Default 30,000. */
  maxBackoff?: number;
  /** A connection that brings less than 1 KiB in this many milliseconds counts as broken. Default 30,000. */
  stall?: number;
}

/** What tells one version of a remote file from another. */
export interface Identity {
  /** Size in bytes, where the server says it. */
  length: number | null;
  etag: string | null;
  modified: string | null;
}

/** {@linkcode HttpOptions} with the defaults filled in. */
export function patience(options: HttpOptions): Required<HttpOptions> {
  const all = { headers: {}, retries: 5, backoff: 500, maxBackoff: 30_000, stall: 30_000, ...options };
  for (const name of ["retries", "backoff", "maxBackoff", "stall"] as const) {
    if (!(all[name] >= 0)) {
      throw new RangeError(`http ${name} must be a number of at least 0, not ${all[name]}`);
    }
  }
  return all;
}

/** A failure that a new try may mend. */
export class PassingError extends Error {
  override name = "PassingError";
  constructor(reason: string, readonly retryAfter: number = 0) {
    super(reason);
  }
}
