import { basename } from "node:path";
import { redact } from "./redact.ts";

/** Who holds a lock. */
export interface Owner {
  /** Process id on its host. */
  pid: number;
  host: string;
  /** What runs, without secrets. */
  command: string;
  /** Since when, ISO 8601. */
  since: string;
}

/** Longer commands are cut. */
const LONGEST = 300;

/** What Deno may not tell without a permission, or not in a worker, whatever its types say. */
function permitted(tell: () => string | undefined): string {
  try {
    return tell() ?? "";
  } catch {
    return "";
  }
}

/** This process's command as it may have been typed. */
function commandHere(): string {
  const program = permitted(() => Deno.mainModule), task = /\/tasks\/(\w+)\.ts$/.exec(program)?.[1];
  const words = [task ? `deno task ${task}` : `deno run ${basename(program)}`.trim(), ...Deno.args];
  const command = redact(words.map((word, i) => i > 0 && /\s|^$/.test(word) ? `"${word}"` : word).join(" "));
  return command.length > LONGEST ? `${command.slice(0, LONGEST)} …` : command;
}

/** This process as a lock's owner from now on. */
export function ownerHere(): Owner {
  return {
    pid: Deno.pid,
    host: permitted(Deno.hostname),
    command: commandHere(),
    since: new Date().toISOString(),
  };
}

/** The owner that a lock file names; null for a file that is empty, torn or another's. */
export function parseOwner(text: string): Owner | null {
  try {
    const { pid, host, command, since } = JSON.parse(text.split("\n")[0]);
    const good = Number.isInteger(pid) && [host, command, since].every((part) => typeof part === "string");
    return good ? { pid, host, command, since } : null;
  } catch {
    return null;
  }
}

/** An owner for people. */
export function describeOwner(owner: Owner | null): string {
  if (!owner) return "another process";
  const { pid, host, command, since } = owner, here = host === permitted(Deno.hostname);
  const where = here && pid === Deno.pid ? "this very process, " : "";
  return `${where}process ${pid}${host && ` on ${host}`} (${command}), since ${
    since.replace(/\.\d+Z$/, "Z")
  }`;
}
