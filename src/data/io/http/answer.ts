/** What a server's answer to a request says before its body. */
import { retryAfter } from "./retry_after.ts";
import type { Followed } from "./follow.ts";
import { type Identity, MissingFileError, PassingError } from "./types.ts";

/** Which bytes of which file an answer holds. */
export interface Places {
  /** Where in the file the body begins. */
  start: number;
  /** Byte after the last one of the range that the server sends; null where it sends the file to its end. */
  end: number | null;
  /** True for 206: the server answers ranges. */
  ranged: boolean;
  identity: Identity;
  /** False when the server sent the body in an encoding of its own, so that places in the file are unknown. */
  seekable: boolean;
}

/** A new try may get another answer; servers and the proxies before them have many numbers above 500 for this. */
const passing = (status: number) =>
  [408, 425, 429].includes(status) || (status >= 500 && ![501, 505, 510, 511].includes(status));

/** A body of unknown length that broke off at its very end: what is asked for is nothing. */
function isOver({ status, headers }: Response, start: number, end: number | null): boolean {
  return status === 416 && start > 0 && end === null && headers.get("content-range") === `bytes */${start}`;
}

/**
 * Refuses an answer that is not the file or a part of it.
 *
 * @param shown The URL without its secrets, for messages.
 * @param start First byte that was asked for.
 * @param end Byte after the last one asked for; null for the end of the file.
 * @throws {PassingError} For what a new try may mend.
 * @throws {MissingFileError} There is no such file.
 * @throws {Error} For the rest; says why.
 */
export function checkStatus(
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

/**
 * What an answer's headers say of the file and of the bytes that follow.
 *
 * @param shown The URL without its secrets, for messages.
 * @param start First byte that was asked for.
 * @param end Byte after the last one asked for; null for the end of the file.
 * @returns The places, and whether nothing follows because the file was read to its end already.
 * @throws {Error} When the headers contradict each other or what was asked for.
 */
export function placesOf(
  shown: string,
  response: Response,
  start: number,
  end: number | null,
): Places & { over: boolean } {
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

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
