import type { Running } from "./process.ts";
import { pause } from "./moments.ts";

/** What a process held at one moment. */
export interface Sample {
  /** Since the first sample. */
  seconds: number;
  /** Resident bytes. */
  resident: number;
  /** Open files, sockets and the like. */
  files: number;
}

/** How what a process holds changes over the last half of its samples. */
export interface Trend {
  /** Length of the last half, in seconds, and its samples. */
  seconds: number;
  samples: number;
  /** Resident memory: median of the last quarter of all samples in MB, and the slope of a line through the last half. */
  residentMB: number;
  slopeMBPerHour: number;
  /** Standard error of that slope. */
  slopeError: number;
  /** Median of the last quarter less that of the one before, in MB. */
  grownMB: number;
  /** The same for open files. */
  files: number;
  filesGrown: number;
}

/** Prints kilobytes and open files; Deno itself may read /proc only with all permissions. */
const SCRIPT =
  `grep VmRSS "/proc/$0/status" 2>/dev/null || ps -o rss= -p "$0"; ls "/proc/$0/fd" 2>/dev/null | wc -l`;

/** Reads what a process holds; null where the system does not tell, or when it has ended. */
export async function readSample(pid: number): Promise<Omit<Sample, "seconds"> | null> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", SCRIPT, String(pid)],
    stdin: "null",
    stderr: "null",
  }).output();
  const [kilobytes, files] = [...new TextDecoder().decode(stdout).matchAll(/\d+/g)].map(Number);
  return kilobytes > 0 && files !== undefined ? { resident: 1024 * kilobytes, files } : null;
}

/** Samples a process until it ends. */
export async function sampleProcess(running: Running, every = 1000): Promise<Sample[]> {
  const samples: Sample[] = [], start = running.age();
  while (!running.over) {
    const sample = await readSample(running.pid);
    if (sample) samples.push({ seconds: (running.age() - start) / 1000, ...sample });
    await pause(every, running);
  }
  return samples;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** The least-squares line through points: its slope and the standard error of that. */
export function lineThrough(
  points: readonly (readonly [x: number, y: number])[],
): { slope: number; error: number } {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n,
    meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const xx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const xy = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const slope = xy / xx;
  const residual = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(residual / (n - 2) / xx) };
}

/** The trend over the last half of the samples; null for fewer than eight. */
export function trendOf(samples: readonly Sample[]): Trend | null {
  if (samples.length < 8) return null;
  const half = samples.slice(samples.length >> 1), third = half.slice(0, half.length >> 1);
  const fourth = half.slice(half.length >> 1);
  const middle = (part: readonly Sample[], key: "resident" | "files") =>
    median(part.map((sample) => sample[key]));
  const { slope, error } = lineThrough(half.map(({ seconds, resident }) => [seconds / 3600, resident / 1e6]));
  return {
    seconds: half.at(-1)!.seconds - half[0].seconds,
    samples: half.length,
    residentMB: middle(fourth, "resident") / 1e6,
    slopeMBPerHour: slope,
    slopeError: error,
    grownMB: (middle(fourth, "resident") - middle(third, "resident")) / 1e6,
    files: middle(fourth, "files"),
    filesGrown: middle(fourth, "files") - middle(third, "files"),
  };
}

/** Seconds of its last half below which a stretch says nothing about leaks. */
const LEAST = 120;

/** True where a trend is that of a start. */
export function isShort({ seconds }: Trend): boolean {
  return seconds < LEAST;
}
