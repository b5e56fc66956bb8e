import { hostCheck } from "./hosts.ts";

/** How a page is served. */
export interface ServeOptions {
  /** The port; 0: any free one. Default: that of the page. */
  port?: number;
  /** The address to listen at. Default `127.0.0.1`, which only this machine reaches. */
  host?: string;
  /**
   * Names that requests may be for besides addresses, `localhost` and this machine's own name, such as that of a reverse
   * proxy which passes on what the browser asked for.
   */
  hostNames?: readonly string[];
  /** Aborting it ends the server. */
  signal?: AbortSignal;
}

/** A page that is served. */
export interface ServedPage {
  /** Where it is, for this machine's browser. */
  url: string;
  /** Resolves once the server has ended. */
  finished: Promise<void>;
}

/** What every answer says: nobody else may embed it, and its kind is as it is said. */
export const HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

/** An answer in words. */
export function textAnswer(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...headers } });
}

/** Names of a server in addresses, for people. */
const shown = (host: string) => host.includes(":") ? `[${host}]` : host;

/** Why a server could not begin, and what to do. */
function listenError(error: unknown, host: string, port: number, what: string): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `port ${port} of ${host} is in use, perhaps by another ${what}; choose one with --port N, or --port 0 for a free one`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `port ${port} of ${host} may not be used by this user; choose one above 1023 with --port N`;
  }
  return `${host}, port ${port}: cannot be listened at: ${(error as Error).message}; check --host`;
}

/** Refuses what no page of ours asks for: other hosts' names, other methods, writes that another site's page sends. */
function refusal(request: Request, allowed: boolean, methods: readonly string[]): Response | null {
  if (!allowed) {
    return textAnswer(
      421,
      `this server does not answer to the name ${JSON.stringify(request.headers.get("host"))}; ` +
        "if it is its own, start it with --host-name NAME",
    );
  }
  if (!methods.includes(request.method)) {
    return textAnswer(405, `only ${methods.join(", ")}`, { allow: methods.join(", ") });
  }
  const site = request.headers.get("sec-fetch-site");
  const reads = request.method === "GET" || request.method === "HEAD";
  return reads || site === null || site === "same-origin"
    ? null
    : textAnswer(403, "another site's page may not ask this");
}

/**
 * Serves a page until it is told to end. Requests for names of other hosts get the status 421, see {@linkcode hostCheck}.
 *
 * @param what What is served, in a word, for errors.
 * @param methods What may be asked.
 * @param answer Answers a request.
 * @throws {RangeError} When one of the host names is none.
 * @throws {Error} When the port or the address cannot be listened at.
 */
export function servePage(
  what: string,
  methods: readonly string[],
  answer: (request: Request) => Promise<Response>,
  { port = 0, host = "127.0.0.1", hostNames, signal }: ServeOptions,
): ServedPage {
  const end = new AbortController(), allowed = hostCheck(host, hostNames);
  try {
    const server = Deno.serve({
      port,
      hostname: host,
      signal: end.signal,
      onListen: () => {},
      onError: (error) => textAnswer(500, (error as Error).message),
    }, async (request) => refusal(request, allowed(request), methods) ?? await answer(request));
    // A server never hears of a signal that was aborted before it began.
    if (signal?.aborted) end.abort();
    else signal?.addEventListener("abort", () => end.abort(), { once: true });
    const own = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    return { url: `http://${shown(own)}:${server.addr.port}/`, finished: server.finished };
  } catch (error) {
    throw new Error(listenError(error, host, port, what), { cause: error });
  }
}
