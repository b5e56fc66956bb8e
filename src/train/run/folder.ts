import { join } from "node:path";
import { isPathError, pathError } from "../../data/io/paths.ts";
import { makeFolder } from "../../files/make_folder.ts";
import { refuseAddress } from "../../files/path_error.ts";
import { type Lock, LOCK_NAME, lockFolder } from "../../files/lock.ts";
import { isPartial, PARTIAL, publishFile, removePartial } from "../../files/publish.ts";
import { ConfigError, storedConfig } from "../config/config.ts";
import { checkSameConfig } from "../config/same_config.ts";
import type { RunConfig } from "../config/settings.ts";
import { TENSORBOARD_FOLDER } from "./event_file.ts";
import { FIGURES_FOLDER } from "./figure_files.ts";
import { MACHINE_FILE } from "./machine.ts";
import { removeBest } from "./best.ts";
import { type Checkpoint, checkpointFolder, latestCheckpoint, readCheckpoint } from "./checkpoint.ts";

/**
 * Lies in a folder that was made for a run, until the run begins: of several processes that come at the same moment, who
 * makes the folder may not be who gets it.
 */
const MADE = `${PARTIAL}made`;

/**
 * Whether a path exists.
 *
 * @throws {Error} When nobody can tell, such as without the permission to look.
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw pathError(error, path, "read");
  }
}

/**
 * Makes a run folder this process's own, so that no other trains into it. A folder that is not there is made; one that is
 * empty when the lock is released is removed again.
 *
 * @param say Takes a line for people.
 * @throws {ConfigError} When it is a file, or a new run's and not empty.
 * @throws {InUseError} When another process has it.
 * @throws {Error} When it cannot be made or written.
 */
export async function lockRun(
  { out, resume }: Pick<RunConfig, "out" | "resume">,
  say: (text: string) => void = () => {},
): Promise<Lock> {
  if (!out) throw new ConfigError("out is empty: name a run folder");
  refuseAddress(out);
  const mark = join(out, MADE);
  let known: boolean;
  try {
    // Nothing is put into a folder that is something else's.
    await refuseUsed({ out, resume });
    known = await exists(out);
    await Deno.mkdir(out, { recursive: true });
    if (!known) await Deno.writeTextFile(mark, "");
  } catch (error) {
    throw isPathError(error) ? pathError(error, out, "write") : error;
  }
  const advice = "Wait for its end or stop it; to train beside it, name another folder with --out";
  const lock = await lockFolder(out, { what: `the run folder ${out}`, advice, progress: say });
  const release = async () => {
    const marked = await exists(mark).catch(() => false);
    if (marked) await Deno.remove(mark).catch(() => {});
    await lock.release();
    // A run that never began leaves nothing.
    if (!known || marked) await Deno.remove(out).catch(() => {});
  };
  return { path: lock.path, release, [Symbol.asyncDispose]: release };
}

/**
 * Makes a run's folder ready: a new one must be missing or empty; a resumed one gives its last checkpoint.
 *
 * @param check Refuses a checkpoint that the run cannot go on from; config.json then stays as it was.
 * @returns The checkpoint to go on from; null for a run that has none yet.
 * @throws {ConfigError} When a new run's folder is in use.
 * @throws {Error} When the checkpoint cannot be read or is of another configuration, or `check` throws.
 */
export async function prepareFolder(
  config: RunConfig,
  check: (checkpoint: Checkpoint) => void = () => {},
): Promise<Checkpoint | null> {
  return await prepareFolderOf(config, {
    stored: storedConfig(config),
    read: async (path) => {
      const checkpoint = await readCheckpoint(path);
      checkSameConfig(checkpoint.config, checkpoint.path, config);
      check(checkpoint);
      return checkpoint;
    },
  });
}

/**
 * As {@linkcode prepareFolder}, for any kind of training.
 *
 * @param parts `stored`: what config.json is to hold; `read`: reads a checkpoint, and refuses one of another configuration.
 * @throws {ConfigError} When a new run's folder is in use.
 * @throws {Error} When the checkpoint cannot be read.
 */
export async function prepareFolderOf<Kept>(
  config: Pick<RunConfig, "out" | "resume">,
  parts: { stored: unknown; read(path: string): Promise<Kept> },
): Promise<Kept | null> {
  const { out } = config;
  if (!out) throw new ConfigError("out is empty: name a run folder");
  try {
    return await prepare(config, parts);
  } catch (error) {
    throw isPathError(error) ? pathError(error, out, "write") : error;
  }
}

/** Whether nothing is in a folder but what a process that died has left. */
export async function isUnused(folder: string): Promise<boolean> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
  return names.every((name) => isPartial(name) || name === LOCK_NAME);
}

/**
 * Refuses what cannot become a run's folder.
 *
 * @throws {ConfigError} When it is a file, or a new run's and not empty.
 */
async function refuseUsed({ out, resume }: Pick<RunConfig, "out" | "resume">): Promise<void> {
  if (!await exists(out)) return;
  if (!(await Deno.stat(out)).isDirectory) throw new ConfigError(`--out ${out}: is a file, not a folder`);
  if (resume || await isUnused(out)) return;
  throw new ConfigError(
    `--out ${out}: the folder is not empty. To go on with the run in it, add --resume; else name another folder`,
  );
}

/** As {@linkcode prepareFolderOf}, with the file system's own errors. */
async function prepare<Kept>(
  config: Pick<RunConfig, "out" | "resume">,
  { stored, read }: { stored: unknown; read(path: string): Promise<Kept> },
): Promise<Kept | null> {
  const { out } = config;
  let checkpoint: Kept | null = null;
  if (await exists(out)) {
    await refuseUsed(config);
    for (const folder of [out, checkpointFolder(out), join(out, FIGURES_FOLDER)]) {
      if (await exists(folder)) await removePartial(folder);
    }
    const latest = config.resume ? await latestCheckpoint(out) : null;
    if (latest) checkpoint = await read(latest);
    else if (config.resume) await removeBest(out);
  }
  // The configuration comes first: with it, a run that dies right after this can be resumed; without it, what lies there
  // is no run, and the folder is free.
  await makeFolder(out);
  await publishFile(join(out, "config.json"), JSON.stringify(stored, null, 2) + "\n");
  await makeFolder(checkpointFolder(out));
  return checkpoint;
}

/** Empties the folder of a run that was prepared but never begun, so that it can be named again. */
export async function abandonFolder({ out }: Pick<RunConfig, "out">): Promise<void> {
  for (
    const name of [
      "config.json",
      "metrics.jsonl",
      "bad.jsonl",
      "data.json",
      MACHINE_FILE,
      FIGURES_FOLDER,
      TENSORBOARD_FOLDER,
      "checkpoints",
    ]
  ) {
    await Deno.remove(join(out, name), { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
