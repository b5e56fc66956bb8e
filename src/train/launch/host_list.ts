/** Lists of hosts in the short form in which SLURM writes them. */
import { ConfigError } from "../config/config.ts";

/** The most hosts that a list is read for: more cannot be nodes of a run. */
const MOST = 1_000_000;

/** The parts between the commas that stand outside of brackets. */
function parts(list: string, name: string): string[] {
  const found = [""];
  let depth = 0;
  for (const sign of list) {
    if (sign === "[") depth++;
    if (sign === "]") depth--;
    if (depth < 0 || depth > 1) break;
    if (sign === "," && depth === 0) found.push("");
    else found[found.length - 1] += sign;
  }
  if (depth !== 0 || found.some((part) => part === "")) throw unreadable(list, name);
  return found;
}

const unreadable = (list: string, name: string) =>
  new ConfigError(`${name} is "${list}", which is no list of hosts such as node[003-010,012],login1`);

/** The numbers of one bracket, with the zeros that stand before them: `003-005,12` is 003, 004, 005, 12. */
function* numbers(bracket: string): Generator<string | undefined> {
  for (const range of bracket.split(",")) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    const count = Number(last) - Number(first);
    if (first === undefined || count < 0 || count > MOST) yield undefined;
    else for (let i = Number(first); i <= Number(last); i++) yield String(i).padStart(first.length, "0");
  }
}

/**
 * The hosts of a list such as `node[003-010,012],rack[1-2]n[1-4]`.
 *
 * @param list In SLURM's short form.
 * @param name The variable that it comes from, for the message.
 * @returns The hosts in their order.
 * @throws {ConfigError} When it cannot be read.
 */
export function expandHosts(list: string, name: string): string[] {
  const hosts: string[] = [];
  for (const part of parts(list.trim(), name)) {
    let made = [""];
    for (const [, plain, bracket] of part.matchAll(/([^[\]]+)|\[([^[\]]*)\]/g)) {
      const ends = plain === undefined ? [...numbers(bracket)] : [plain];
      if (ends.includes(undefined) || made.length * ends.length > MOST) throw unreadable(list, name);
      made = made.flatMap((start) => ends.map((end) => start + end));
    }
    hosts.push(...made);
  }
  if (hosts.some((host) => !/^[\w.:-]+$/.test(host))) throw unreadable(list, name);
  return hosts;
}
