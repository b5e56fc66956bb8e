import { join } from "node:path";
import { type Data, dataLength, dataUri } from "../../data/open/data.ts";
import { parseProcess } from "../../data/epoch/process_share.ts";
import { ConfigError, readConfig, resolveConfig } from "../config/config.ts";
import type { RunConfig } from "../config/settings.ts";
import { exists } from "./folder.ts";

/** Default run folders: runs/tiny, runs/tiny-2, … and those of them that exist. */
async function defaultFolders(preset: string): Promise<{ existing: string[]; free: string }> {
  const existing: string[] = [];
  for (let i = 1;; i++) {
    const folder = join("runs", i === 1 ? preset : `${preset}-${i}`);
    if (!await exists(folder)) return { existing, free: folder };
    existing.push(folder);
  }
}

/**
 * The whole configuration of a run from what the user gave: of a new run, or with `resume` that of the run in `out`.
 *
 * @param file Settings from a configuration file.
 * @param flags Settings from flags, which win.
 * @returns The configuration with `out` filled in.
 * @throws {ConfigError} When settings cannot be used, or there is nothing to resume.
 */
export async function planRun(file: Partial<RunConfig>, flags: Partial<RunConfig>): Promise<RunConfig> {
  const given = { ...file, ...flags };
  if (!given.resume) {
    const config = resolveConfig(file, flags);
    return { ...config, out: config.out || (await defaultFolders(config.preset)).free };
  }
  const out = given.out || (await defaultFolders(given.preset ?? "demo")).existing.at(-1);
  if (!out) throw new ConfigError("--resume found no run in runs/; name its folder with --out");
  const stored = join(out, "config.json");
  if (!await exists(stored)) {
    throw new ConfigError(
      `--resume: ${out} holds no run (no config.json); check --out, or leave --resume out`,
    );
  }
  return { ...resolveConfig(await readConfig(stored), file, flags), out, resume: true };
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
 * How many steps an epoch and the run have. The last pictures of an epoch that fill no batch are left out.
 *
 * @throws {ConfigError} When the batch is larger than the data, or a stream's epoch is of unknown length.
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
      `batchSize is ${config.batchSize}, but ${dataUri(data)} has only ${pictures} pictures` +
        `${count > 1 ? ` for ${count} processes` : ""}; use --batch-size ${
          Math.max(1, mine * config.nodes)
        } or less`,
    );
  }
  const all = Math.round(config.epochs * perEpoch);
  return { pictures, perEpoch, total: config.steps > 0 ? Math.min(config.steps, all) : all };
}
