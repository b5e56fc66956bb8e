/** What nodes tell each other through the service: values, how far they have come, and where to stop. */
import { KEYS } from "./pace.ts";
import { type Address, getValue, HostsError, proposeValue, putValue } from "./request.ts";

/** Steps that lie between one node's wish to stop and the stop: no node can be farther ahead of another. */
export const AHEAD = 4;

/**
 * Waits for a key.
 *
 * @param wait Milliseconds.
 * @throws {HostsError} When it was not set in time.
 */
export async function get(at: Address, key: string, wait = Infinity): Promise<Uint8Array<ArrayBuffer>> {
  const found = await getValue(at, key, wait);
  if (!found) throw new HostsError(`no node has set ${key} within ${wait / 1000} s`);
  return found;
}

/** Sets a key's value. */
export function put(at: Address, key: string, value: Uint8Array | string): Promise<void> {
  return putValue(
    at,
    key,
    typeof value === "string" ? new TextEncoder().encode(value) : new Uint8Array(value),
  );
}

/**
 * Resolves when all of so many nodes have come to a point of this name.
 *
 * @param wait Milliseconds.
 * @throws {HostsError} When not all come in time; says who is missing.
 */
export async function barrier(at: Address, nodes: number, name: string, wait = Infinity): Promise<void> {
  await put(at, `barrier/${name}/${at.nodeId}`, "");
  const missing: number[] = [], end = performance.now() + wait;
  for (let i = 0; i < nodes; i++) {
    if (!await getValue(at, `barrier/${name}/${i}`, Math.max(0, end - performance.now()))) missing.push(i);
  }
  if (missing.length === 0) return;
  const which = missing.length > 1 ? `nodes ${missing.join(", ")} have` : `node ${missing[0]} has`;
  throw new HostsError(
    `${which} not come to ${at.coordinator} within ${
      wait / 1000
    } s. Start every node with the same --nodes and ` +
      "--coordinator and a --node-id of its own",
  );
}

/**
 * What every node has noted of a step; waits until all have.
 *
 * @param number Of the question: 0, 1, 2, …
 */
export async function gather(at: Address, nodes: number, step: number, number: number): Promise<number[][]> {
  await put(at, KEYS.ask(number), JSON.stringify(step));
  const answers = Array.from({ length: nodes }, (_, node) => get(at, KEYS.answer(number, node)));
  return (await Promise.all(answers)).map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
}

/** Asks all nodes to stop soon. `done`: the steps that this one has begun. Resolves when all know where. */
export async function agreeStop(at: Address, nodes: number, done: number): Promise<void> {
  // This node begins no step until all know; the others may have begun two more than it.
  await proposeValue(at, KEYS.stop, new TextEncoder().encode(JSON.stringify(done + AHEAD)));
  await Promise.all(Array.from({ length: nodes }, (_, node) => get(at, KEYS.stopSeen(node))));
}
