import type { MetricsLine } from "../run/metrics_file.ts";

/** Shows how a run goes on. */
export interface Progress {
  /** Says a line that stays. */
  line(text: string): void;
  /** Shows the state after a step. `found`: what evaluators have found last. */
  step(line: MetricsLine, total: number, secondsLeft: number, found?: Record<string, number>): void;
  /** Ends the status line, if there is one. */
  close(): void;
}

/** Where and how progress is shown. */
export interface ProgressOptions {
  /** Takes text as it is. */
  write: (text: string) => void;
  /** True: one status line that is written over. False: a line now and then. */
  terminal: boolean;
  /** Width of the terminal in characters. */
  columns?: () => number;
  /** Seconds between lines where there is no terminal. Default 10. */
  every?: number;
  /** The time in milliseconds; for tests. */
  now?: () => number;
}

/** Seconds as `1:02:03` or `2:03`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const s = Math.max(0, Math.round(seconds));
  const two = (x: number) => String(x).padStart(2, "0");
  const minutes = Math.floor(s / 60) % 60, hours = Math.floor(s / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** Names in a line that are no terms of the loss. */
const NO_TERM = ["step", "epoch", "loss", "gradNorm", "lr", "wd", "imagesPerSecond", "mfu", "waiting", "bad"];

/**
 * The terms of a line's loss, with their names cut short: `rec 0.467 0.460 class 2.230 patch 6.236`. Numbered parts of a
 * term share its name; a long name is cut to three letters where no other term has the same three.
 *
 * @param digits Digits after the point.
 * @returns Empty where the loss has no terms.
 */
export function termsText(line: MetricsLine, digits: number): string {
  const terms = new Map<string, number[]>();
  for (const [name, value] of Object.entries(line)) {
    if (NO_TERM.includes(name) || value === undefined) continue;
    const term = name.replace(/\d+$/, "");
    terms.set(term, [...terms.get(term) ?? [], value]);
  }
  const names = [...terms.keys()];
  const alone = (cut: string) => names.filter((name) => name.startsWith(cut)).length === 1;
  const short = (name: string) => name.length > 6 && alone(name.slice(0, 3)) ? name.slice(0, 3) : name;
  return [...terms].map(([name, values]) =>
    [short(name), ...values.map((value) => value.toFixed(digits))].join(" ")
  ).join(" ");
}

/** The loss and its terms. */
function lossText(line: MetricsLine, digits: number): string {
  const terms = termsText(line, digits);
  return `loss ${line.loss.toFixed(digits)}${terms && ` (${terms})`}`;
}

function summary(line: MetricsLine, total: number, left: number, found: Record<string, number>): string {
  const rate = line.imagesPerSecond;
  const seen = Object.entries(found).map(([name, value]) => `  ${name} ${Number(value.toPrecision(3))}`);
  return `step ${String(line.step).padStart(String(total).length)}/${total}  ${lossText(line, 3)}${
    seen.join("")
  }` +
    `  ${rate < 10 ? rate.toFixed(2) : rate.toFixed(0)} images/s  waiting ${
      (100 * line.waiting).toFixed(0)
    } %` +
    (line.mfu ? `  MFU ${(100 * line.mfu).toFixed(0)} %` : "") +
    (line.bad > 0 ? `  bad ${line.bad}` : "") + `  left ${clock(left)}`;
}

/** The same for a terminal that is too narrow for {@linkcode summary}: about 80 characters. */
function short(line: MetricsLine, total: number, left: number): string {
  return `${line.step}/${total} ${clock(left)} left ${line.imagesPerSecond.toFixed(0)}/s wait ${
    (100 * line.waiting).toFixed(0)
  } % ${lossText(line, 2)}`;
}

/** Progress as text: a bar on a terminal, else a line every few seconds and at the end. */
export function openProgress(options: ProgressOptions): Progress {
  const { write, terminal, columns = () => 100, every = 10, now = () => performance.now() } = options;
  const CLEAR = "\r\x1b[K";
  let shown = false;
  let lastTime = -Infinity;
  return {
    line(text) {
      write(`${shown ? CLEAR : ""}${text}\n`);
      shown = false;
    },
    step(line, total, secondsLeft, found = {}) {
      const last = line.step >= total;
      if (now() - lastTime < (terminal ? 100 : every * 1000) && !last) return;
      lastTime = now();
      const full = summary(line, total, secondsLeft, found);
      if (!terminal) return write(`${full}\n`);
      const room = columns() - 1;
      const text = full.length <= room ? full : short(line, total, secondsLeft);
      const length = Math.min(30, room - text.length - 3);
      const done = Math.round(length * line.step / total);
      const bar = length >= 8 ? `[${"█".repeat(done)}${"·".repeat(length - done)}] ` : "";
      write(`${CLEAR}${(bar + text).slice(0, room)}`);
      shown = true;
    },
    close() {
      if (shown) write("\n");
      shown = false;
    },
  };
}

/** Progress on this process's standard output. */
export function consoleProgress(): Progress {
  const encoder = new TextEncoder();
  const write = (text: string) => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  };
  return openProgress({
    write,
    terminal: Deno.stdout.isTerminal(),
    columns: () => {
      try {
        return Deno.consoleSize().columns;
      } catch {
        return 100;
      }
    },
  });
}

/** Progress that shows nothing. */
export const silent: Progress = { line: () => {}, step: () => {}, close: () => {} };
