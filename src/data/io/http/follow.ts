import { redact } from "../../../files/redact.ts";

/** Redirects in a row; more lead in a circle. */
const MOST = 10;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** An answer, and who gave it. */
export interface Followed {
  response: Response;
  /** Where redirects led, without secrets; null where there were none. */
  redirected: string | null;
  /** True when headers of the caller or a password were held back, because a redirect led to another host. */
  withheld: boolean;
}

/**
 * Gets a URL and follows redirects. Headers of the caller, and user and password in the URL, go to the host that was
 * named and to no other: `fetch` by itself holds back `authorization` alone, and would hand on any other key.
 *
 * @param url An http or https URL, perhaps with user and password.
 * @param headers Sent to every host, such as `range`.
 * @param secret Sent to the URL's own host only.
 * @throws {Error} A redirect leads nowhere, in a circle, or to what is no web address.
 */
export async function follow(
  url: string,
  headers: Readonly<Record<string, string>>,
  secret: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Followed> {
  const first = parse(url, url);
  let { at, login } = first;
  for (let hops = 0;; hops++) {
    const own = mayHave(first.at, at);
    const response = await fetch(at, {
      headers: { ...headers, ...login && { authorization: login }, ...own && secret },
      redirect: "manual",
      signal,
    });
    if (!REDIRECTS.includes(response.status)) {
      const withheld = !own && (first.login !== null || Object.keys(secret).length > 0);
      return { response, redirected: hops === 0 ? null : redact(at.href), withheld };
    }
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (!location) throw new Error(`${redact(url)}: redirected (${response.status}) without saying where`);
    if (hops === MOST) throw new Error(`${redact(url)}: redirected more than ${MOST} times, in a circle`);
    const next = parse(location, url, at);
    at = next.at;
    login = next.login ?? (mayHave(first.at, at) ? first.login : null);
  }
}

/** The host that was named: the same origin, or the same host where http was exchanged for https. */
function mayHave(named: URL, asked: URL): boolean {
  if (named.origin === asked.origin) return true;
  return named.protocol === "http:" && asked.protocol === "https:" && named.hostname === asked.hostname &&
    named.port === "" && asked.port === "";
}

/** A URL without user and password, and the header that says them. */
function parse(text: string, url: string, base?: URL): { at: URL; login: string | null } {
  if (!URL.canParse(text, base)) throw new Error(`${redact(url)}: "${redact(text)}" is no address`);
  const at = new URL(text, base);
  if (at.protocol !== "http:" && at.protocol !== "https:") {
    throw new Error(`${redact(url)}: redirected to ${redact(at.href)}, which is neither http nor https`);
  }
  if (at.username === "" && at.password === "") return { at, login: null };
  const bytes = new TextEncoder().encode(`${unescaped(at.username)}:${unescaped(at.password)}`);
  at.username = at.password = "";
  return { at, login: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
