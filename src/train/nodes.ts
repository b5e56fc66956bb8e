/** A run on several nodes: which part each takes, what they exchange, and what only node 0 does. */
import type { Cursor } from "../data/types.ts";
import { type Hosts, joinHosts } from "../engine/xla/hosts/join.ts";
import type { Lock } from "../files/lock.ts";
import { type Checkpoint, latestCheckpoint, parseCheckpoint } from "./run/checkpoint.ts";
import { checkNodes, ConfigError } from "./config/config.ts";
import { flagName } from "../cli/command.ts";
import { presetConfig } from "./config/presets.ts";
import type { RunConfig } from "./config/settings.ts";
import { claimRun, planRun } from "./run/plan.ts";

export type { Hosts };

/**
 * Waiting that ends when the run has failed: a result that other nodes take part in may never come.
 *
 * @param failed Rejects when the run has failed; none never does.
 */
export function untilFailed(failed?: Promise<never>): <T>(wanted: Promise<T>) => Promise<T> {
  // One handler for the whole run: a promise keeps every handler that it ever got.
  const waiting = new Set<(error: unknown) => void>();
  let failure: { error: unknown } | undefined;
  failed?.catch((error) => {
    failure = { error };
    for (const reject of waiting) reject(error);
  });
  return (wanted) =>
    new Promise((resolve, reject) => {
      if (failure) reject(failure.error);
      waiting.add(reject);
      wanted.then(resolve, reject).finally(() => waiting.delete(reject));
    });
}

/**
 * Joins the other nodes of a run: who they are is said anew at each start.
 *
 * @param given What the user has set.
 * @param progress Takes a line for people.
 * @returns Undefined for a run of one process.
 * @throws {ConfigError} When settings of nodes do not go together.
 * @throws {HostsError} When not all nodes come in time.
 */
export async function joinNodes(
  given: Partial<RunConfig>,
  progress: (line: string) => void,
): Promise<Hosts | undefined> {
  const settings = { ...presetConfig("demo"), ...given };
  const { nodes, nodeId, coordinator, nodeWait: patience, nodeSilence: silence } = settings;
  if (nodes === 1) return undefined;
  checkNodes(settings);
  progress(`node ${nodeId} of ${nodes}: waiting at ${coordinator} for all to come`);
  return await joinHosts({ nodes, nodeId, coordinator, patience, silence });
}

/**
 * The configuration of the run that this process takes part in: the user's, or on other nodes than node 0 that of node
 * 0.
 *
 * @param file Settings from a configuration file.
 * @param flags Settings from flags, which win.
 * @param say Takes a line for people.
 * @returns The run, whether it goes on from a checkpoint, and on node 0 the lock of its folder; release it when the run is
 * over.
 * @throws {ConfigError} When settings cannot be used, there is nothing to resume, or nodes disagree.
 * @throws {InUseError} When another process has the run folder.
 */
export async function agreeOnRun(
  file: Partial<RunConfig>,
  flags: Partial<RunConfig>,
  hosts?: Hosts,
  say?: (text: string) => void,
): Promise<{ config: RunConfig; goesOn: boolean; lock?: Lock }> {
  const given = { ...file, ...flags };
  if (hosts && hosts.nodeId > 0) {
    const config = await sharedConfig(hosts, given), goesOn = await hosts.get("run/goes-on");
    return { config, goesOn: new TextDecoder().decode(goesOn) === "true" };
  }
  const { nodes, nodeId, coordinator } = { ...presetConfig("demo"), ...given };
  const planned = await planRun(file, { ...flags, nodes, nodeId, coordinator });
  const goesOn = planned.resume && await latestCheckpoint(planned.out) !== null;
  const claimed = await claimRun(planned, say);
  if (hosts) {
    await shareConfig(hosts, claimed.config);
    await hosts.put("run/goes-on", String(goesOn));
  }
  return { ...claimed, goesOn };
}

/** Settings that a node may choose for itself; it takes all others from node 0. */
const OWN: readonly (keyof RunConfig)[] = [
  "nodeId",
  "coordinator",
  "data",
  "out",
  "plugin",
  "concurrency",
  "workers",
  "prefetch",
  "memoryLimit",
  "resume",
];

/** On node 0: sends the configuration to the others. */
export async function shareConfig(hosts: Hosts, config: RunConfig): Promise<void> {
  await hosts.put("run/config", JSON.stringify(config));
}

/**
 * The run of node 0 for another node.
 *
 * @param given What this node was given; what it may not set for itself must be as node 0 has it.
 * @throws {ConfigError} When settings differ; names each.
 */
export async function sharedConfig(hosts: Hosts, given: Partial<RunConfig>): Promise<RunConfig> {
  const shared = JSON.parse(new TextDecoder().decode(await hosts.get("run/config"))) as RunConfig;
  const keys = Object.keys(given) as (keyof RunConfig)[];
  const differing = keys.filter((key) =>
    !OWN.includes(key) && JSON.stringify(given[key]) !== JSON.stringify(shared[key])
  );
  if (differing.length > 0) {
    const list = differing.map((key) => `--${flagName(key)} is ${given[key]}, on node 0 ${shared[key]}`);
    throw new ConfigError(
      `node ${hosts.nodeId}: ${list.join("; ")}. Give all nodes the same, or only node 0`,
    );
  }
  const own = Object.fromEntries(keys.filter((key) => OWN.includes(key)).map((key) => [key, given[key]]));
  return { ...shared, ...own, nodeId: hosts.nodeId };
}

/**
 * The checkpoint that all nodes go on from: node 0's, which the others read through it.
 *
 * @param own Node 0's; null where it has none.
 * @throws {Error} When what node 0 gives is no checkpoint.
 */
export async function sameCheckpoint(hosts: Hosts, own: Checkpoint | null): Promise<Checkpoint | null> {
  if (hosts.nodeId === 0) {
    hosts.offer("checkpoint", own?.path ?? null);
    return own;
  }
  const bytes = await hosts.file("checkpoint");
  return bytes && await parseCheckpoint("node 0's checkpoint", bytes);
}

/**
 * Where this node's stream goes on, and the bad pictures that it has skipped. A run may go on with another number of
 * nodes where the places of all in the epoch's order are again those of whole batches.
 *
 * @param stream True for data without random access, where a place means something to that many nodes only.
 * @throws {ConfigError} When it may not.
 */
export function placeOf(
  checkpoint: Pick<Checkpoint, "cursor" | "places" | "bad" | "path">,
  { nodes, nodeId }: Pick<RunConfig, "nodes" | "nodeId">,
  stream: boolean,
): { cursor: Cursor; bad: number } {
  const { cursor, bad } = checkpoint, places = checkpoint.places ?? [[cursor.epoch, cursor.position, bad]];
  if (places.length === nodes) {
    const [epoch, position, bad] = places[nodeId];
    return { cursor: { epoch, position }, bad };
  }
  const [epoch, position] = places[0], even = places.every(([e, p]) => e === epoch && p === position);
  const all = position * places.length;
  if (stream || !even || all % nodes !== 0) {
    throw new ConfigError(
      `${checkpoint.path} was made by ${places.length} ${
        places.length > 1 ? "nodes" : "process"
      } at a place ` +
        `that ${nodes} cannot share; resume with --nodes ${places.length}`,
    );
  }
  const skipped = places.reduce((sum, [, , bad]) => sum + bad, 0);
  return { cursor: { epoch, position: all / nodes }, bad: nodeId === 0 ? skipped : 0 };
}
