/** Amounts as people read them, the same in every language and time zone. */

/** `1 picture`, `2 pictures`, `2 classes`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : /[sx]$/.test(noun) ? "es" : "s"}`;
}

/** A number with at most so many digits that count, without zeros behind them. */
export function digits(value: number, most: number): string {
  return String(Number(value.toPrecision(most)));
}

/** Bytes as `12.3 KiB`, `4.5 MiB` or `1.2 GiB`. */
export function binaryBytes(bytes: number): string {
  const [scale, unit] = bytes < 2 ** 20
    ? [2 ** 10, "KiB"]
    : bytes < 2 ** 30
    ? [2 ** 20, "MiB"]
    : [2 ** 30, "GiB"];
  return `${(bytes / scale).toFixed(1)} ${unit}`;
}

/** Bytes as `1.23 MB`, or from 100 MB on as `0.12 GB`. */
export function decimalBytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(2)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** A share of a whole as `12.3 %`. */
export function percent(part: number, whole = 1): string {
  return `${(100 * part / whole).toFixed(1)} %`;
}

/** Seconds as `1:02:03` or `2:03`; `?` where nobody knows. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const s = Math.max(0, Math.round(seconds));
  const two = (x: number) => String(x).padStart(2, "0");
  const minutes = Math.floor(s / 60) % 60, hours = Math.floor(s / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/**
 * Reads a size such as `500MB`, `512 MiB`, `2GiB` or `1000`.
 *
 * @param text What was given.
 * @returns Whole bytes, or undefined where the text is no size.
 */
export function parseBytes(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/i.exec(text.trim()) ?? [];
  const scale = UNITS[unit?.toLowerCase()];
  return number === undefined || scale === undefined ? undefined : Math.round(Number(number) * scale);
}
