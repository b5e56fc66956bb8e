import { type Found, leftoversIn } from "./inspect.ts";
import type { Scope } from "./ledger.ts";
import type { LifePlan } from "./plan.ts";
import type { Ended } from "./process.ts";
import type { Recorded } from "./reference.ts";
import type { Lane } from "./types.ts";

/** A training that is disturbed until it has come to its end. */
export interface Round {
  number: number;
  out: string;
  reference: Recorded;
  /** Steps in all. */
  steps: number;
  /** Steps of the last checkpoint that was seen. */
  checkpoint: number;
  /** What the last life left half written, which the next start has to remove. */
  leftovers: string[];
  /** How the last life ended; null before the first. */
  last: "SIGKILL" | "other" | null;
  lives: number;
  done: boolean;
}

/** What one life came to. */
export interface Lived {
  ended: Ended;
  /** The signal that was sent, if any. */
  sent: Deno.Signal | null;
  /** True when a step was done. */
  begun: boolean;
}

/** What must hold as soon as a run goes on. */
export function checkBegun(round: Round, since: number, scope: Scope): void {
  if (round.last !== null) scope.check("resume", true, () => "");
  if (round.last === "SIGKILL") scope.check("owner", true, () => "");
  if (round.leftovers.length === 0) return;
  const there = round.leftovers.filter((path) => {
    try {
      return Deno.lstatSync(path).mtime!.getTime() < since;
    } catch {
      return false;
    }
  });
  scope.check("partial", there.length === 0, () => `still there after the next start: ${there.join(", ")}`);
}

/** Whether a process ended as it should have by what was done to it. */
export function checkEnd(
  { ended, sent, begun }: Lived,
  plan: LifePlan,
  round: Round,
  found: Found,
  scope: Scope,
): void {
  const { code, signal, text } = ended;
  if (code === 0) return void (round.done = true);
  if (signal !== null && signal === sent) return; // Also where SIGTERM came before anybody listened.
  if (sent === "SIGTERM" || sent === "SIGINT") {
    const right = code === (sent === "SIGTERM" ? 143 : 130);
    const saved = plan.twice || (found.checkpoint === found.lines && !found.torn && /to go on/.test(text));
    scope.check(
      "stop",
      right && saved && (plan.twice || found.leftovers.length === 0),
      () =>
        `after ${sent}: exit code ${code}, ${found.lines} lines, checkpoint ${found.checkpoint}, ` +
        `left over: ${found.leftovers.join(", ") || "nothing"}: ${text.trim()}`,
    );
    return;
  }
  if (plan.death === "small files" || plan.death === "full disk") {
    const told = /error: /.test(text) && !/^\s+at .*:\d+/m.test(text);
    scope.check(
      "disk",
      code === 1 && told && found.leftovers.length === 0,
      () => `exit code ${code}, left over: ${found.leftovers.join(", ") || "nothing"}: ${text.trim()}`,
    );
    return;
  }
  const owner = /in use/.test(text) && round.last === "SIGKILL" && !begun;
  scope.check(owner ? "owner" : "resume", false, () => `exit code ${code} (${signal}): ${text.trim()}`);
}

/** What must hold at the end of a run. */
export function checkDone(lane: Lane, { out, steps, reference }: Round, found: Found, scope: Scope): void {
  scope.check(
    "metrics",
    found.lines === steps && !found.torn,
    () => `${found.lines} lines at the end, not ${steps}`,
  );
  scope.check(
    "weights",
    found.checkpoint === steps && reference.digests.has(steps),
    () => `the last checkpoint is of step ${found.checkpoint}, not ${steps}`,
  );
  const left = leftoversIn([out, lane.cache], [lane.temporary]);
  scope.check("clean", left.length === 0, () => `left over: ${left.join(", ")}`);
}
