import { isIP } from "node:net";

/** The name in a Host header or a URL, as browsers compare names; null where there is none. */
function nameIn(host: string): string | null {
  if (!/^[^\s/?#@\\]+$/.test(host)) return null;
  try {
    return new URL(`http://${host}/`).hostname.replace(/\.$/, "");
  } catch {
    return null;
  }
}

/** This machine's name, where others can reach it and it may be asked for. */
function ownNames(host: string): string[] {
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return [];
  try {
    const name = Deno.hostname().toLowerCase();
    return [name, `${name}.local`];
  } catch {
    return [];
  }
}

/**
 * Which names a server answers to. A page of another site can make its own name lead to this machine (DNS rebinding), and
 * its scripts could then read what is served here; but the browser still says that name as the request's host. So only
 * names are taken that nobody else can own: addresses, `localhost`, this machine's own name, and those that the user
 * gives. What proxies add (X-Forwarded-Host) counts for nothing, because scripts can send it too.
 *
 * @param host The address or name that the server listens at.
 * @param names Further names, such as that of a reverse proxy which passes the host on.
 * @returns Whether a request may be answered.
 * @throws {RangeError} When one of the names is none.
 */
export function hostCheck(host: string, names: readonly string[] = []): (request: Request) => boolean {
  const known = new Set([...ownNames(host), nameIn(host)]);
  for (const name of names) {
    if (!/^[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(name)) {
      throw new RangeError(`"${name}" is no host's name; give it without scheme, port and path`);
    }
    known.add(name.toLowerCase());
  }
  const fits = (given: string): boolean => {
    const name = nameIn(given);
    if (name === null) return false;
    if (isIP(name.replace(/^\[|\]$/g, "")) !== 0) return true;
    return name === "localhost" || name.endsWith(".localhost") || known.has(name);
  };
  return (request) => {
    const said = request.headers.get("host");
    return (said === null || fits(said)) && fits(new URL(request.url).host);
  };
}
