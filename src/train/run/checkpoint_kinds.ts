/** What checkpoints say that they are: of which kind of training, and of which version. */
import { checkSettings } from "../config/config.ts";
import { shellWord } from "../../text/layout.ts";
import { FIRST_WAYS } from "../config/presets.ts";
import type { RunConfig } from "../config/settings.ts";

/** The version that is written; files of a newer one are refused. */
export const CHECKPOINT_VERSION = 1;

/** A kind of training, as far as its checkpoints go. */
export interface CheckpointKind<Config extends { seed: number }> {
  /** What the file's metadata says of it. */
  format: string;
  /** Checks the settings that a file holds; throws for what cannot be used. */
  settings(values: Record<string, unknown>, where: string): Config;
}

/** What checkpoints of fine-tuned classifiers say of themselves. */
export const CLASSIFIER_FORMAT = "semantic-ae classifier";

/** What checkpoints of detectors say of themselves. */
export const DETECTOR_FORMAT = "semantic-ae detector";

/** Pre-training. */
export const PRETRAINING: CheckpointKind<RunConfig> = {
  format: "semantic-ae checkpoint",
  // Of before a setting existed, it holds what was the only way then.
  settings: (values, where) => ({ ...FIRST_WAYS, ...checkSettings(values, where) }) as RunConfig,
};

/** What commands do with trainings on an encoder. */
const TRAINED: Readonly<Record<string, { is: string; made: string; read: string }>> = {
  [CLASSIFIER_FORMAT]: {
    is: "a classifier",
    made: "deno task finetune",
    read: "deno task predict and deno task export read it",
  },
  [DETECTOR_FORMAT]: {
    is: "a detector",
    made: "deno task detect train",
    read: "deno task detect eval and deno task detect predict read it",
  },
};

/** Says what a file is that is not of the format that was looked for, and what can be done. */
function otherFormat(format: string | undefined, wanted: string, file: string): string {
  // A file may call its format anything.
  const trained = (name: string) => Object.hasOwn(TRAINED, name) ? TRAINED[name] : undefined;
  const other = trained(format ?? ""), own = trained(wanted);
  if (other) {
    const instead = own ? "" : ", and what it was trained from still has the encoder";
    return `is ${other.is} that ${other.made} has trained; ${other.read}${instead}`;
  }
  if (format === PRETRAINING.format && own) {
    return `is an encoder, not ${own.is}; train one from it: ${own.made} ${shellWord(file)} --data URI`;
  }
  return "a safetensors file, but not a checkpoint of a run (its metadata does not say so)";
}

/**
 * Refuses a file of another kind of training, or of a newer version.
 *
 * @param metadata What it says of itself.
 * @throws {Error} Which says what the file is, and what can be done.
 */
export function checkKind(
  metadata: Readonly<Record<string, string>>,
  kind: { format: string },
  file: string,
): void {
  if (metadata.format !== kind.format) {
    throw new Error(`${file}: ${otherFormat(metadata.format, kind.format, file)}`);
  }
  if (Number(metadata.version) > CHECKPOINT_VERSION) {
    throw new Error(
      `${file}: has format version ${metadata.version}; this program reads up to ${CHECKPOINT_VERSION}. Update it`,
    );
  }
}
