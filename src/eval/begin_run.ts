/** What a pre-training begins with. */
import { encoderSizes, headSizes } from "../model/config.ts";
import { presetConfig, presetOfEncoder } from "../train/config/presets.ts";
import type { RunConfig } from "../train/config/settings.ts";
import { agreeOnRun, type Hosts } from "../train/nodes.ts";
import { labelled } from "../train/show/describe.ts";
import { checkWarmStart } from "../weights/warm_start.ts";
import { readModel, type StoredModel } from "./stored_model.ts";

/** What a run is, the lock of its folder on the node that leads, and the model that it begins with, if any. */
export interface BegunRun extends Awaited<ReturnType<typeof agreeOnRun>> {
  model?: StoredModel;
}

/** The model that a run begins with: read at its pictures' size. */
async function readInit(
  { init, heads, imageSize }: Partial<RunConfig>,
  say: (line: string) => void,
): Promise<StoredModel | undefined> {
  if (!init) return undefined;
  const model = await readModel(init, { heads, imageSize });
  model.notes.forEach(say);
  return model;
}

/** Settings of a run that begins with weights, where no preset was chosen: what trains such an encoder. */
function warmSettings({ checkpoint, config }: StoredModel, say: (line: string) => void): Partial<RunConfig> {
  const preset = checkpoint?.config.preset ?? presetOfEncoder(config);
  const which = preset
    ? `of preset ${preset}, ${checkpoint ? "as the run of the weights has" : "which has such an encoder"}`
    : "of preset demo; no preset has such an encoder";
  say(labelled("settings", `${which}; --preset takes another's`));
  // The head and the decoder of a run fit one of the same sizes only.
  return { ...preset && { preset }, ...checkpoint && headSizes(checkpoint.config) };
}

/**
 * Settles what a pre-training is, and reads the model that it begins with: of a run that goes on only where it has no
 * checkpoint yet. A new run takes its encoder's sizes from the model and, where no preset is chosen, the preset that trains
 * such an encoder; of a model of this method's the sizes of head and decoder as well.
 *
 * @param file Settings from a configuration file.
 * @param flags Settings from flags, which win.
 * @param say Takes a line for people.
 * @param hosts The nodes that train together, where they are several.
 * @returns The run. The caller releases its lock.
 * @throws {ConfigError} When settings cannot be used, there is nothing to resume, or nodes disagree.
 * @throws {InUseError} When another process has the run folder.
 * @throws {RangeError} When the model's encoder is not of the run's sizes.
 * @throws {Error} When the model cannot be read.
 */
export async function beginRun(
  file: Partial<RunConfig>,
  flags: Partial<RunConfig>,
  say: (line: string) => void,
  hosts?: Hosts,
): Promise<BegunRun> {
  const leads = !hosts || hosts.nodeId === 0, given = { ...file, ...flags };
  // The size of its pictures is the model's, too, unless it is said.
  let model = given.resume || !leads ? undefined : await readInit({
    ...given,
    imageSize: given.imageSize ?? (given.preset && presetConfig(given.preset).imageSize),
  }, say);
  const like = model && { ...given.preset ? {} : warmSettings(model, say), ...encoderSizes(model.config) };
  const begun = await agreeOnRun({ ...like, ...file }, flags, hosts, say), { config } = begun;
  try {
    // A run that has no checkpoint yet begins once more.
    if (!model && !begun.goesOn) model = await readInit(config, say);
    if (model) checkWarmStart(config, model.config, model.name);
    return { ...begun, model };
  } catch (error) {
    await begun.lock?.release();
    throw error;
  }
}
