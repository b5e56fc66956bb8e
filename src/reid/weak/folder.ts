/** The folder of a run of weakly supervised re-identification. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BagList } from "../../data/sources/people/bags.ts";
import type { FolderedSource } from "../../data/sources/people/numbered_folders.ts";
import { encoderSizes, type ModelConfig } from "../../model/config.ts";
import { ConfigError, readSettingsFile } from "../../train/config/config.ts";
import { type Checkpoint, readCheckpoint } from "../../train/run/checkpoint.ts";
import { exists, prepareFolderOf } from "../../train/run/folder.ts";
import { checkSameWeak, type WeakConfig } from "./config.ts";
import { HEAD } from "./step.ts";

const CONFIG_FILE = "config.json";

/** What tells bags from others, in the order in which they are drawn. */
export function bagsDigest(list: BagList, { folders }: FolderedSource): string {
  const about = [list, folders.map(({ name, from, to }) => [name, from, to])];
  return createHash("sha256").update(JSON.stringify(about)).digest("hex");
}

/** Refuses to go on in a folder that holds no such run, or one of other settings. */
async function checkRunIn(config: WeakConfig): Promise<void> {
  const path = join(config.out, CONFIG_FILE);
  const stored: Partial<WeakConfig> | null = await exists(path) ? await readSettingsFile(path) : null;
  if (stored?.task !== "reid") {
    throw new ConfigError(
      `--resume: ${config.out} holds no run of reid train; check --out, or leave --resume out`,
    );
  }
  checkSameWeak(stored, config);
}

/**
 * Makes the run's folder ready, which is this process's own: a new one gets its config.json, a resumed one must have been
 * begun with the same settings.
 *
 * @param check Refuses a checkpoint that the run cannot go on from; config.json then stays as it was.
 * @returns The checkpoint that it goes on from; null for a run that has none yet.
 * @throws {ConfigError} When there is nothing to resume, settings differ, or a new run's folder is in use.
 * @throws {Error} When it cannot be written, the checkpoint cannot be read, or `check` throws.
 */
export async function prepareWeakFolder(
  config: WeakConfig,
  resume: boolean,
  check: (checkpoint: Checkpoint) => void = () => {},
): Promise<Checkpoint | null> {
  if (resume) await checkRunIn(config);
  return await prepareFolderOf({ out: config.out, resume }, {
    stored: config,
    read: async (path) => {
      const checkpoint = await readCheckpoint(path);
      check(checkpoint);
      return checkpoint;
    },
  });
}

/**
 * Refuses to go on with another encoder, which the shapes of its weights do not always tell. The side of its pictures is the run's.
 *
 * @throws {ConfigError} When sizes differ; names each.
 */
export function checkSameEncoder({ config, path }: Checkpoint, model: ModelConfig): void {
  const { imageSize: _, ...sizes } = encoderSizes(model);
  const differing = (Object.keys(sizes) as (keyof typeof sizes)[]).filter((key) =>
    config[key] !== sizes[key]
  );
  if (differing.length === 0) return;
  const texts = differing.map((key) => `${key} ${config[key]}, now ${sizes[key]}`);
  throw new ConfigError(
    `${path} is of another encoder: ${
      texts.join("; ")
    }; name the model that the run began with, and its --heads`,
  );
}

/**
 * Refuses to go on with other pictures or other bags.
 *
 * @throws {ConfigError} When there are more or fewer pictures or persons.
 */
export function checkSamePictures(
  { pictures, path, tensors }: Checkpoint,
  source: FolderedSource,
  list: BagList,
): void {
  const persons = tensors[HEAD.bias]?.shape[0];
  if (pictures === source.length && persons === list.identities.length) return;
  throw new ConfigError(
    `${source.uri} has ${source.length} pictures and bags of ${list.identities.length} persons, but ${path} was made with ` +
      `${pictures} and ${persons}; resume with the same data`,
  );
}
