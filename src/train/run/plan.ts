import { join } from "node:path";
import { type Data, dataLength, dataUri } from "../../data/open/data.ts";
import { parseProcess } from "../../data/epoch/process_share.ts";
import { ConfigError, readConfig, resolveConfig } from "../config/config.ts";
import { FIRST_WAYS } from "../config/presets.ts";
import type { RunConfig } from "../config/settings.ts";
import { InUseError, type Lock } from "../../files/lock.ts";
import { isRedacted } from "../../files/redact.ts";
import { digits, plural } from "../../text/amounts.ts";
import { latestCheckpoint } from "./checkpoint.ts";
import { exists, isUnused, lockRun } from "./folder.ts";

/** Default run folders: runs/tiny, runs/tiny-2, … */
const defaultFolder = (preset: string, number: number, root = "runs") =>
  join(root, number === 1 ? preset : `${preset}-${number}`);

/** The last of the default run folders that hold a run: some may be gone, and one may be just beginning. */
async function lastDefault(preset: string, root?: string): Promise<string | undefined> {
  const names = await Array.fromAsync(Deno.readDir(root ?? "runs"), ({ name }) => name).catch(() => []);
  const numbers = names.map((name) => name === preset ? 1 : Number(/-([1-9]\d*)$/.exec(name)?.[1] ?? 0));
  for (const number of numbers.sort((a, b) => b - a)) {
    const folder = defaultFolder(preset, number, root);
    if (number > 0 && await exists(join(folder, "config.json"))) return folder;
  }
  return undefined;
}

/** Says that no default folder of a preset holds a run, and which others there are. */
async function noDefault(preset: string, root = "runs"): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(root), ({ name }) => name).catch(() => []);
  const there = await Promise.all(
    names.map((name) => exists(join(root, name, "config.json")).catch(() => false)),
  );
  const runs = names.filter((_, i) => there[i]).sort().map((name) => join(root, name));
  const others = runs.length === 0
    ? ""
    : `; there is ${runs.slice(0, 5).join(", ")}${runs.length > 5 ? ", …" : ""}`;
  return `--resume found no run of preset ${preset} in ${root}/${others}; name the run's folder with --out`;
}

/**
 * The whole configuration of a run from what the user gave: of a new run, or with `resume` that of the run in `out`.
 *
 * @param file Settings from a configuration file.
 * @param flags Settings from flags, which win.
 * @param root Where the folders lie that are not named; for tests.
 * @returns The configuration; `out` is empty for a new run that {@linkcode claimRun} finds a folder for. A run that goes on
 * has the batch size that it began with, also for `auto`.
 * @throws {ConfigError} When settings cannot be used, there is nothing to resume, what is resumed began with other weights, or
 * the data's address lacks its secrets.
 */
export async function planRun(
  file: Partial<RunConfig>,
  flags: Partial<RunConfig>,
  root?: string,
): Promise<RunConfig> {
  const given = { ...file, ...flags };
  if (!given.resume) return withSecrets(resolveConfig(file, flags));
  const out = given.out || await lastDefault(given.preset ?? "demo", root);
  if (!out) throw new ConfigError(await noDefault(given.preset ?? "demo", root));
  const stored = join(out, "config.json");
  if (!await exists(stored)) {
    throw new ConfigError(
      `--resume: ${out} holds no run (no config.json); check --out, or leave --resume out`,
    );
  }
  const first = { ...FIRST_WAYS, ...await readConfig(stored) };
  if (given.init !== undefined && given.init !== first.init && await latestCheckpoint(out)) {
    throw new ConfigError(
      `--resume: ${out} began with ${
        first.init || "random weights"
      } and goes on from its checkpoint, so --init ` +
        `${given.init} has no use; leave it out, or begin another run`,
    );
  }
  // To go on with the batch size that was found, `auto` is as good as nothing said. A preset finds the folder above; what the
  // run has of its own stays.
  const said = [file, flags].map(({ batchSize, preset: _, ...rest }) =>
    batchSize ? { ...rest, batchSize } : rest
  );
  return withSecrets({ ...resolveConfig(first, ...said), out, resume: true });
}

/** Refuses an address of which only the stored form is known. */
function withSecrets(config: RunConfig): RunConfig {
  for (
    const [key, flag] of [["data", "data"], ["evalData", "eval-data"], ["evalTrain", "eval-train"]] as const
  ) {
    if (!isRedacted(config[key])) continue;
    throw new ConfigError(
      `the data is at ${
        config[key]
      }: passwords and signatures are not stored with a run. Give the whole address again, with ` +
        `--${flag} or as ${key} in a file for --config`,
    );
  }
  return config;
}

/**
 * Makes a run's folder this process's own: the one that the configuration names, or the first free one of runs/<preset>,
 * runs/<preset>-2, …
 *
 * @param say Takes a line for people.
 * @param root Where the folders lie that are not named; for tests.
 * @returns The configuration with `out` filled in, and the folder's lock; release it when the run is over.
 * @throws {ConfigError} When the folder named is a file, or a new run's and not empty.
 * @throws {InUseError} When another process has the folder named.
 * @throws {Error} When it cannot be made or written.
 */
export async function claimRun<Config extends { out: string; resume: boolean; preset: string }>(
  config: Config,
  say?: (text: string) => void,
  root?: string,
): Promise<{ config: Config; lock: Lock }> {
  if (config.out) return { config, lock: await lockRun(config, say) };
  for (let number = 1;; number++) {
    const out = defaultFolder(config.preset, number, root);
    if (await exists(out) && !await isUnused(out).catch(() => false)) continue;
    try {
      const lock = await lockRun({ out, resume: false }, say);
      // Another run may have come and gone meanwhile.
      if (await isUnused(out)) return { config: { ...config, out }, lock };
      await lock.release();
    } catch (error) {
      if (!(error instanceof InUseError) && !(error instanceof ConfigError)) throw error;
    }
  }
}

/**
 * Which part of the data this process takes; undefined for all of it.
 *
 * @throws {ConfigError} When it is not of the form i/n.
 */
export function processOf(config: Pick<RunConfig, "process">): { index: number; count: number } | undefined {
  if (config.process === "") return undefined;
  try {
    return parseProcess(config.process);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** The settings of which process takes what. */
export type ShareSettings = Pick<RunConfig, "process" | "nodes" | "nodeId" | "batchSize">;

/** The part of each batch, and of the data, that this process takes: of several nodes each has an equal one. */
export function shareOf(
  config: ShareSettings,
): { process: { index: number; count: number } | undefined; batchSize: number } {
  const { nodes, nodeId, batchSize } = config;
  if (nodes === 1) return { process: processOf(config), batchSize };
  return { process: { index: nodeId, count: nodes }, batchSize: batchSize / nodes };
}

/** The settings of how long a run is. */
export type PlanSettings = ShareSettings & Pick<RunConfig, "epochs" | "steps" | "epochPictures">;

/** How long a run is. */
export interface StepPlan {
  /** Pictures of an epoch, of all processes together. */
  pictures: number;
  /** Steps in an epoch. */
  perEpoch: number;
  /** Steps of the run. */
  total: number;
}

/**
 * Refuses a run whose part of an epoch is less than half a step; one of no epochs at all is meant.
 *
 * @throws {ConfigError} When no step would be done.
 */
export function refuseNoStep(epochs: number, perEpoch: number): void {
  if (epochs <= 0 || Math.round(epochs * perEpoch) > 0) return;
  throw new ConfigError(
    `epochs is ${epochs}, but an epoch has only ${
      plural(perEpoch, "step")
    }, so not one would be done; use --epochs ` +
      `${digits(1 / perEpoch, 3)} or more`,
  );
}

/**
 * Refuses to go on with a run that has already done more steps than it is now to have.
 *
 * @param checkpoint Where the run stands.
 * @param length `total`: steps that it is to have; `steps`: the setting, 0 for all its epochs.
 * @throws {ConfigError} When it is past its end; says what would go on with it.
 */
export function refusePassed(
  { step, path }: { step: number; path: string },
  { steps, total }: { steps: number; total: number },
): void {
  if (step <= total) return;
  const longer = steps > 0 && steps <= total
    ? `--steps ${step} or more, or --steps 0 for all its epochs`
    : "more --epochs";
  throw new ConfigError(
    `the run has done ${
      plural(step, "step")
    } (${path}) and is now to end after ${total}; nothing is taken back, so it ` +
      `stays as it is. To go on with it, use ${longer}`,
  );
}

/**
 * How many steps an epoch and the run have. The last pictures of an epoch that fill no batch are left out.
 *
 * @throws {ConfigError} When the batch is larger than the data, a stream's epoch is of unknown length, or a part of an epoch is
 * less than a step.
 */
export function planSteps(config: PlanSettings, data: Data): StepPlan {
  const share = shareOf(config);
  const pictures = dataLength(data) ?? config.epochPictures, count = share.process?.count ?? 1;
  if (pictures === 0 && dataLength(data) === null) {
    throw new ConfigError(
      `${dataUri(data)} is read as a stream, which does not tell how many pictures it has: say it with ` +
        "--epoch-pictures N (deno task data counts them)",
    );
  }
  const mine = Math.floor(pictures / count), perEpoch = Math.floor(mine / share.batchSize);
  if (perEpoch === 0) {
    throw new ConfigError(
      `batchSize is ${config.batchSize}, but ${dataUri(data)} has only ${plural(pictures, "picture")}` +
        `${count > 1 ? ` for ${count} processes` : ""}; use --batch-size ${
          Math.max(1, mine * config.nodes)
        } or less`,
    );
  }
  const all = Math.round(config.epochs * perEpoch);
  refuseNoStep(config.epochs, perEpoch);
  return { pictures, perEpoch, total: config.steps > 0 ? Math.min(config.steps, all) : all };
}
