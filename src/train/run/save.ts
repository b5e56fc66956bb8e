/** A run's checkpoints as the run itself writes them: into the folder that is its own. */
import { join } from "node:path";
import type { StoredTensor } from "../../files/stored_tensor.ts";
import { type CheckpointInfo, saveCheckpoint } from "./checkpoint.ts";
import { exists } from "./folder.ts";

/**
 * As {@linkcode saveCheckpoint}, for the run whose folder it is. A folder that was moved or removed under the run is made once
 * more for this state alone, so that nothing is lost; but the run must not go on there, apart from its settings and metrics.
 *
 * @throws {Error} When it cannot be written, or the folder is not the run's any more; says where the state is.
 */
export async function saveInRun<Config extends { seed: number }>(
  run: string,
  info: CheckpointInfo<Config>,
  tensors: Record<string, StoredTensor>,
  options: Parameters<typeof saveCheckpoint>[3],
): Promise<string> {
  // Who may not look cannot tell.
  const isThere = () => exists(join(run, "config.json")).catch(() => true);
  const save = () => saveCheckpoint(run, info, tensors, options);
  const path = await save().catch(async (error) => {
    // It may have gone while this was written.
    if (await isThere()) throw error;
    return await save();
  });
  if (await isThere()) return path;
  throw new Error(
    `${run}: was moved or removed while the run wrote into it (it has no config.json). The state of step ${info.step} is in ` +
      `${path}; put it into checkpoints/ of the folder where that is now, and go on there with --resume`,
  );
}
