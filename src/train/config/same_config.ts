import type { Setting } from "./setting.ts";
import { type RunConfig, SETTINGS } from "./settings.ts";

/**
 * Checks that a run may go on from a checkpoint: every setting that changes numbers must be the same.
 *
 * @param stored The checkpoint's settings; it may be older than some of ours.
 * @param path The checkpoint, for the message.
 * @param config The run's settings.
 * @throws {Error} When a setting differs; names each, with both values.
 */
export function checkSameConfig(stored: Partial<RunConfig>, path: string, config: RunConfig): void {
  checkSameSettings(SETTINGS, stored, path, config);
}

/**
 * As {@linkcode checkSameConfig}, for settings of any table.
 *
 * @throws {Error} When a setting differs that is not free; names each, with both values.
 */
export function checkSameSettings<Config extends object>(
  table: Readonly<Record<string, Setting>>,
  stored: Partial<Config>,
  path: string,
  config: Config,
): void {
  const text = (settings: Partial<Config>, key: keyof Config) => JSON.stringify(settings[key]);
  const differing = (Object.keys(table) as (keyof Config & string)[])
    .filter((key) => key !== "preset" && !table[key].free)
    // A setting that is younger than the checkpoint.
    .filter((key) => stored[key] !== undefined)
    .filter((key) => text(stored, key) !== text(config, key));
  if (differing.length === 0) return;
  const list = differing.map((key) =>
    `${key} is ${text(config, key)}, in the checkpoint ${text(stored, key)}`
  );
  throw new Error(
    `${path} is of another configuration: ${list.join("; ")}. ` +
      "Leave these settings as they were, or start a new run in another --out",
  );
}
