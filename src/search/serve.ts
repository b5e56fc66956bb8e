import { decodePicture } from "../data/picture/decode.ts";
import { type Picture, PictureError } from "../data/types.ts";
import { HEADERS, type ServedPage, type ServeOptions, servePage, textAnswer } from "../web/server.ts";
import { openGroups } from "./groups.ts";
import { searchPage } from "./page.ts";
import { shownPictures } from "./pictures.ts";
import { BusyError, workQueue } from "./queue.ts";
import type { SearchAnswer, SearchPage, ShownPicture } from "./types.ts";

/** The port where none is said. */
export const SEARCH_PORT = 8421;

/** Bytes and pixels of the largest picture that may be sent. */
const MOST_BYTES = 32_000_000, MOST_PIXELS = 50_000_000;
/** Searches that may wait for their turn. */
const MOST_WAITING = 32;
/** Neighbours that may be asked for. */
const MOST_FOUND = 500;
/** Pictures that the page begins with. */
const FIRST = 48;

/** What is looked for: a picture of the set, or one that was sent. */
export type SearchQuery = { row: number } | { picture: Picture };

/** A set of pictures that a page searches. */
export interface Searched {
  /** What the user named. */
  name: string;
  /** Who embeds, for people. */
  model: string;
  /** The name of each picture. */
  keys: readonly string[];
  /** The class of each picture, an index into `classes`; −1 for none. */
  labels: ArrayLike<number>;
  classes: readonly string[];
  /** Whether pictures that are not in the set can be embedded. */
  embeds: boolean;
  /** The file of a picture; null where it is not there any more. */
  picture(row: number): Promise<Uint8Array | null>;
  /**
   * The nearest pictures, best first. Never asked twice at once.
   *
   * @param k How many, at most.
   * @param keep For each picture whether it may be found; null for all.
   */
  nearest(
    query: SearchQuery,
    k: number,
    keep: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<{ row: number; cosine: number }[]>;
}

/** A question that cannot be answered, and the status that says why. */
class AskError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

function jsonAnswer(answer: SearchAnswer, status = 200): Response {
  const headers = { ...HEADERS, "content-type": "application/json", "cache-control": "no-store" };
  return new Response(JSON.stringify(answer), { status, headers });
}

/** A whole number of a question, below `end`. */
function numberOf(asked: URLSearchParams, name: string, end: number): number | undefined {
  const text = asked.get(name);
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) < end) return Number(text);
  throw new AskError(400, `${name} must be a whole number from 0 to ${end - 1}`);
}

/** What was sent, if it is not too much. */
async function bodyOf(request: Request): Promise<Uint8Array> {
  const refuse = () => new AskError(413, `pictures of up to ${MOST_BYTES / 1e6} MB can be sent`);
  if (Number(request.headers.get("content-length")) > MOST_BYTES) throw refuse();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > MOST_BYTES) throw refuse();
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The picture that was sent. */
async function sentPicture(bytes: Uint8Array): Promise<Picture> {
  try {
    return await decodePicture(bytes, { maxPixels: MOST_PIXELS });
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new AskError(422, `This is no picture that can be read: ${error.message}`);
  }
}

/** Answers searches. */
function searcher(
  set: Searched,
  shown: (row: number) => ShownPicture,
  folderRows: (folder: string) => Uint8Array,
) {
  const queued = workQueue(MOST_WAITING), { keys, labels, classes } = set;
  const filter = (label: number | undefined, folder: string | null): Uint8Array | null => {
    if (label === undefined && folder === null) return null;
    const keep = folder === null ? new Uint8Array(keys.length).fill(1) : folderRows(folder);
    if (label !== undefined) {
      for (let row = 0; row < keep.length; row++) if (labels[row] !== label) keep[row] = 0;
    }
    return keep;
  };
  const ask = async (
    request: Request,
    asked: URLSearchParams,
    signal: AbortSignal,
  ): Promise<SearchAnswer> => {
    const row = numberOf(asked, "picture", keys.length), label = numberOf(asked, "label", classes.length);
    const k = numberOf(asked, "k", MOST_FOUND + 1) ?? FIRST, keep = filter(label, asked.get("folder"));
    const sends = request.method === "POST";
    if (sends === (row !== undefined)) throw new AskError(400, "ask for a picture's neighbours, or send one");
    if (sends && !set.embeds) throw new AskError(400, "there is no model here that could embed what is sent");
    const sent = sends ? await bodyOf(request) : undefined;
    const found = await queued(signal, async () => {
      // Decoded when its turn comes, so that one such picture is in memory at a time.
      const query = sent ? { picture: await sentPicture(sent) } : { row: row! };
      return await set.nearest(query, k, keep, signal);
    });
    return {
      query: row === undefined ? null : shown(row),
      found: found.map(({ row, cosine }) => ({ ...shown(row), cosine })),
    };
  };
  const turns = new Map<string, AbortController>();
  return async (request: Request): Promise<Response> => {
    const asked = new URL(request.url).searchParams,
      page = asked.get("page") ?? "",
      turn = new AbortController();
    if (page !== "") {
      // Of a page's questions the last one alone is waited for.
      turns.get(page)?.abort(new AskError(409, "the page has asked something else meanwhile"));
      turns.set(page, turn);
    }
    try {
      return jsonAnswer(await ask(request, asked, turn.signal));
    } catch (error) {
      const { message } = error as Error;
      const status = error instanceof AskError ? error.status : error instanceof BusyError ? 503 : 500;
      return jsonAnswer({ error: message }, status);
    } finally {
      if (turns.get(page) === turn) turns.delete(page);
    }
  };
}

/** Some pictures from everywhere in the set. */
function firstRows(count: number): number[] {
  const shown = Math.min(FIRST, count);
  return Array.from({ length: shown }, (_, i) => Math.floor(i * count / shown));
}

/**
 * Serves a page that finds the nearest pictures of a set: of one that is dropped or pasted there, or of one of the set. All
 * addresses in it are relative, so it may lie below any path of a reverse proxy. Nothing but the page, searches and the set's
 * own pictures is served, and only to requests for a name of this machine.
 *
 * @param set What is searched. Not closed.
 * @throws {RangeError} When a host's name is none.
 * @throws {Error} When the port is in use.
 */
export function serveSearch(
  set: Searched,
  { port = SEARCH_PORT, ...options }: ServeOptions = {},
): ServedPage {
  const { keys, labels, classes } = set, groups = openGroups(keys, labels, classes);
  const shown = (index: number): ShownPicture => ({ index, key: keys[index], label: labels[index] });
  const page: SearchPage = {
    name: set.name,
    model: set.model,
    pictures: keys.length,
    classes: groups.classes,
    folders: groups.folders,
    mostBytes: set.embeds ? MOST_BYTES : 0,
    first: firstRows(keys.length).map(shown),
    token: crypto.randomUUID().slice(0, 8),
  };
  const { html, policy } = searchPage(page), search = searcher(set, shown, groups.inFolder);
  const pictures = shownPictures(set.picture);
  const pictureAnswer = async (path: string): Promise<Response> => {
    const [, number, kind] = /^\/pictures\/(\d{1,9})\/(small|large|file)$/.exec(path) ?? [];
    const picture = number !== undefined && Number(number) < keys.length
      ? await pictures(Number(number), kind as "small" | "large" | "file")
      : null;
    if (!picture) return textAnswer(404, "there is no such picture");
    const { bytes, type } = picture;
    // Its address has the token of this set, so it never changes. What is opened by itself may do nothing.
    const safe = { "content-security-policy": "default-src 'none'; sandbox", "content-type": type };
    const headers = { ...HEADERS, ...safe, "cache-control": "private, max-age=86400" };
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
  };
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/search") return await search(request);
    if (request.method === "POST") return textAnswer(405, "only GET, HEAD", { allow: "GET, HEAD" });
    if (pathname !== "/") return await pictureAnswer(pathname);
    const headers = {
      ...HEADERS,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
    };
    return new Response(html, { headers });
  };
  return servePage("page", ["GET", "HEAD", "POST"], answer, { port, ...options });
}
