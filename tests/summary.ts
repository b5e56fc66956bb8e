/** What a run of `deno test` came to. */
export interface Summary {
  passed: number;
  steps: number;
  failed: number;
  ignored: number;
}

/** The codes of colours in a text. */
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g;

/** What the last summary in the output of `deno test` says; undefined where there is none. */
export function summaryOf(output: string): Summary | undefined {
  const line = /^(?:ok|FAILED) \| (\d+) passed(?: \((\d+) steps?\))? \| (\d+) failed(.*)$/gm;
  const [last] = [...output.replaceAll(COLOURS, "").matchAll(line)].slice(-1);
  if (!last) return undefined;
  const [, passed, steps = "0", failed, rest] = last;
  const ignored = / \| (\d+) ignored/.exec(rest)?.[1] ?? "0";
  return { passed: Number(passed), steps: Number(steps), failed: Number(failed), ignored: Number(ignored) };
}

/** The sum of several runs, as one line in Deno's form. */
export function summaryLine(parts: readonly Summary[], good: boolean, seconds: number): string {
  const sum = (name: keyof Summary) => parts.reduce((total, part) => total + part[name], 0);
  const steps = sum("steps"), ignored = sum("ignored"), minutes = Math.floor(seconds / 60);
  const time = `${minutes > 0 ? `${minutes}m` : ""}${Math.round(seconds % 60)}s`;
  return `${good ? "ok" : "FAILED"} | ${sum("passed")} passed${steps > 0 ? ` (${steps} steps)` : ""} | ` +
    `${sum("failed")} failed${ignored > 0 ? ` | ${ignored} ignored` : ""} (${time})`;
}
