/** The settings of nodes where a launcher started them. */
import { ConfigError } from "../config/config.ts";
import type { RunConfig } from "../config/settings.ts";
import { type Environment, launchedBy } from "./launchers.ts";

/** The settings that say which node of which run this is. */
export type NodeSettings = Pick<RunConfig, "nodes" | "nodeId" | "coordinator">;

/**
 * Completes the flags `--nodes`, `--node-id` and `--coordinator` by what the launcher says: SLURM's srun, Open MPI's, MPICH's
 * and Intel's mpirun, torchrun, an indexed job of Kubernetes, or another that speaks PMIx. Flags win. With all three flags,
 * or `--nodes 1`, the environment is not looked at. Kubernetes and PMIx do not say how many processes there are: without
 * `--nodes` each trains alone.
 *
 * @param flags What the user has set for this process.
 * @param env Variables of the environment.
 * @returns The settings and the launcher's name; undefined where the launcher has no say.
 * @throws {ConfigError} When variables contradict each other or the flags, or nothing says where node 0 is.
 */
export function launchSettings(
  flags: Partial<NodeSettings>,
  env: Environment,
): { launcher: string; settings: NodeSettings } | undefined {
  if (flags.nodes === 1) return undefined;
  if (flags.nodes !== undefined && flags.nodeId !== undefined && flags.coordinator) return undefined;
  const found = launchedBy(env), nodes = flags.nodes ?? found?.nodes;
  if (!found || nodes === undefined) return undefined;
  const { launcher, instead } = found;
  if (found.nodes !== undefined && nodes !== found.nodes) {
    throw new ConfigError(
      `--nodes is ${nodes}, but ${launcher} started ${found.nodes} processes. Leave --nodes out, or name --node-id and ` +
        "--coordinator too",
    );
  }
  const nodeId = flags.nodeId ?? found.nodeId, coordinator = flags.coordinator || found.coordinator;
  if (nodeId >= nodes) {
    throw new ConfigError(
      `${launcher} says that this is process ${nodeId}, but the ${nodes} nodes count from 0 to ${nodes - 1}`,
    );
  }
  if (!coordinator) {
    throw new ConfigError(
      `${launcher} started ${nodes} processes, but does not say where node 0 is: ${instead}, or give --coordinator ` +
        "HOST:PORT. (--nodes 1 trains each alone)",
    );
  }
  return { launcher, settings: { nodes, nodeId, coordinator } };
}
