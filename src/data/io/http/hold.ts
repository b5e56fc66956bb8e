import type { Patience } from "./types.ts";

/** A server that asked to be left alone for a while. */
interface Hold {
  until: number;
  /** People were told of waits up to then. */
  told: number;
}

/** By origin: all requests to a server wait, for those that went on asking would lengthen the wait. */
const holds = new Map<string, Hold>();

/** A new line is worth its place only where the wait lasts so much longer, in milliseconds, than was told. */
const WORTH_TELLING = 60_000;

/** The units that a duration is told in, each up to twice the next one; in milliseconds. */
const UNITS = [[1000, "s"], [60_000, "min"], [3_600_000, "h"], [86_400_000, "days"]] as const;

/** Milliseconds for people, never less than there are: 25 s, 2.5 min, 24 h. */
export function duration(ms: number): string {
  const at = UNITS.findIndex((_, i) => ms < 2 * (UNITS[i + 1]?.[0] ?? Infinity));
  const [unit, name] = UNITS[at], value = ms / unit;
  if (value > 1000) return `more than 1000 ${name}`;
  return `${unit === 1000 ? Math.ceil(value) : Math.ceil(value * 10) / 10} ${name}`;
}

/**
 * Holds back all requests to a server, and says so once.
 *
 * @param url A URL of the server.
 * @param ms How long, in milliseconds.
 * @param why What it answered.
 */
export function hold(
  url: string,
  ms: number,
  why: string,
  { progress, maxRetryAfter }: Patience,
): void {
  const { origin } = new URL(url), until = performance.now() + ms;
  const held = holds.get(origin) ?? { until: 0, told: -Infinity };
  held.until = Math.max(held.until, until);
  holds.set(origin, held);
  if (until <= held.told + WORTH_TELLING) return;
  held.told = until;
  progress(
    `${origin}: ${why} and asks to wait ${duration(ms)}; waiting (up to ${duration(maxRetryAfter)} in all)`,
  );
}

/** Waits until a server may be asked. Aborting the signal ends the wait at once, with its reason. */
export async function whenFree(url: string, signal: AbortSignal): Promise<void> {
  const { origin } = new URL(url);
  for (let held = holds.get(origin); held; held = holds.get(origin)) {
    const left = held.until - performance.now();
    if (left <= 0) return;
    await sleep(left, signal);
  }
}

/** Waits; aborting the signal ends the wait at once, with its reason. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
