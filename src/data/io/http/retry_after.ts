const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** The three ways to write a date in HTTP (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT` and two old ones. */
const DATES = [
  /^[a-z]{3,9}, (?<day>\d{1,2}) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) (?:GMT|UTC)$/i,
  /^[a-z]{3,9}, (?<day>\d{1,2})-(?<month>[a-z]{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) (?:GMT|UTC)$/i,
  /^[a-z]{3} (?<month>[a-z]{3}) {1,2}(?<day>\d{1,2}) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
];

/**
 * A date of an HTTP header, in milliseconds since 1970.
 *
 * `Date.parse` takes the third form for local time, and takes much for a date that is none.
 *
 * @returns Null for what is no date.
 */
export function parseHttpDate(text: string): number | null {
  for (const form of DATES) {
    const found = form.exec(text.trim())?.groups;
    if (!found) continue;
    const month = MONTHS.indexOf(found.month.toLowerCase());
    const [hour, minute, second] = found.time.split(":").map(Number), day = Number(found.day);
    let year = Number(found.year);
    if (found.year.length === 2) {
      // Two digits mean the year that is at most 50 years ahead.
      const now = new Date().getUTCFullYear();
      year += Math.floor(now / 100) * 100;
      if (year > now + 50) year -= 100;
    }
    const time = Date.UTC(year, month, day, hour, minute, second);
    const good = month >= 0 && day >= 1 && new Date(time).getUTCDate() === day && hour < 24 && minute < 60 &&
      second <= 60;
    return good ? time : null;
  }
  return null;
}

/**
 * How long a server asks to wait (RFC 9110 §10.2.3).
 *
 * @param headers Of the answer: `Retry-After`, seconds or a date, and `Date`, by which the server's own clock counts.
 * @param now The time here in milliseconds, where the server does not tell its own.
 * @returns Milliseconds above 0; null where it does not say, says nonsense, or names a time that is past.
 */
export function retryAfter(headers: Headers, now: number = Date.now()): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) > 0 ? Number(text) * 1000 : null;
  const until = parseHttpDate(text);
  if (until === null) return null;
  const wait = until - (parseHttpDate(headers.get("date") ?? "") ?? now);
  return wait > 0 ? wait : null;
}
