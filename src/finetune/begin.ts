/** What a training begins with, whatever is trained on an encoder. */
import { UsageError } from "../cli/usage_error.ts";
import { readModel, type StoredModel } from "../eval/stored_model.ts";
import { encoderSizes, type ModelConfig } from "../model/config.ts";
import { latestCheckpoint } from "../train/run/checkpoint.ts";
import { checkWarmStart } from "../weights/warm_start.ts";
import type { FinetuneConfig } from "./settings.ts";

/** The settings that say what a run is and what its encoder is from. */
type BeginSettings = Pick<
  FinetuneConfig,
  "model" | "fromScratch" | "teacher" | "key" | "heads" | "imageSize" | "data" | "out" | "resume"
>;

/** What a training on an encoder has of its own as it begins. */
export interface Beginning<Config extends BeginSettings> {
  /** Completes and checks settings, later ones winning. */
  resolve(...layers: readonly Partial<Config>[]): Config;
  /** The configuration of a run that goes on, over it what the user gave. */
  resumed(given: Partial<Config>): Promise<Config>;
  /** The model that a configuration is of. */
  model(config: Config): ModelConfig;
  /** The side of the pictures that the encoder is read for; undefined: the encoder's own. */
  imageSize(given: Partial<Config>): number | undefined;
  /** What `--data` names, for people who have not said it. */
  pictures: string;
}

/**
 * Settles what a run is, and reads the encoder that it begins with: of a run that goes on only where it has no checkpoint yet. From
 * scratch, an encoder that is named gives its sizes alone.
 *
 * @param own What the training has of its own.
 * @param file Settings from a configuration file.
 * @param flags Settings from flags, which win.
 * @param say Takes a line for people.
 * @returns The configuration, and the encoder where one was read.
 * @throws {UsageError} When neither an encoder is named nor `fromScratch` is set, or no pictures are named.
 * @throws {ConfigError} When settings do not go together, or there is no run to go on with.
 * @throws {RangeError} When the encoder's sizes are not the configuration's.
 * @throws {Error} When the encoder cannot be read.
 */
export async function beginOnEncoder<Config extends BeginSettings>(
  own: Beginning<Config>,
  file: Partial<Config>,
  flags: Partial<Config>,
  say: (line: string) => void,
): Promise<{ config: Config; encoder?: StoredModel }> {
  const read = async (settings: Partial<Config>) => {
    const { model, teacher, key, heads } = settings;
    if (!model) return undefined;
    const imageSize = own.imageSize(settings);
    const found = await readModel(model, { teacher, key: key || undefined, heads, imageSize });
    found.notes.forEach(say);
    return found;
  };
  const given = { ...file, ...flags };
  if (given.resume) {
    const config = await own.resumed(given);
    const begins = await latestCheckpoint(config.out) === null;
    return { config, encoder: begins ? await read(config) : undefined };
  }
  if (!given.model && !given.fromScratch) {
    throw new UsageError("name what the encoder is from, or say --from-scratch; see --help");
  }
  const encoder = await read(given), sizes = encoder && encoderSizes(encoder.config);
  const config = own.resolve({ ...sizes } as Partial<Config>, file, flags);
  if (config.data === "") throw new UsageError(`name ${own.pictures} to learn from: --data URI`);
  if (encoder) checkWarmStart(own.model(config), encoder.config, encoder.name);
  return { config, encoder };
}
