import { requirePath } from "../files/path_error.ts";
import { MOST_BYTES, served } from "./figures.ts";
import { reportPage } from "./page.ts";
import { runReader } from "./run.ts";
import type { Report, ReportTable } from "./types.ts";

/** Runs more than which a report does not show together. */
const MOST_RUNS = 50;

/** Runs that are read on as they grow. */
export interface ReportReader {
  /**
   * The report as it stands.
   *
   * @throws {Error} When a file cannot be read.
   */
  read(): Promise<Report>;
}

/** How a report is read. */
export interface ReportOptions {
  /** Seconds between two looks of a page that is served, whose pictures come from its server; 0 for one that stands alone. */
  refresh?: number;
  /** Tables that stand above the runs. Default: none. */
  tables?: ReportTable[];
}

/**
 * Opens run folders for a report; they may be of runs that are going on.
 *
 * @param folders The run folders, at least one.
 * @throws {TypeError} When they are no list of paths.
 * @throws {RangeError} When there is none, or more than 50.
 * @throws {Error} When one of them is no run folder.
 */
export async function openReport(
  folders: readonly string[],
  { refresh = 0, tables }: ReportOptions = {},
): Promise<ReportReader> {
  if (!Array.isArray(folders)) throw new TypeError("`folders` must be a list of run folders");
  for (const folder of folders) requirePath(folder);
  if (folders.length === 0) throw new RangeError("name at least one run folder");
  if (folders.length > MOST_RUNS) {
    throw new RangeError(`${folders.length} runs were named; a report shows up to ${MOST_RUNS}`);
  }
  const bytes = Math.floor(MOST_BYTES / folders.length);
  const readers = await Promise.all(
    folders.map((folder, number) =>
      runReader(folder, refresh > 0 ? { address: served(folder, `runs/${number}/`) } : { bytes })
    ),
  );
  return {
    async read() {
      const runs = await Promise.all(readers.map((reader) => reader.read())),
        seen = new Map<string, number>();
      // Runs of the same name are told apart by a number.
      for (const run of runs) {
        const before = seen.get(run.name) ?? 0;
        seen.set(run.name, before + 1);
        if (before > 0) run.name = `${run.name} (${before + 1})`;
      }
      return { version: 1, made: new Date().toISOString(), refresh, tables, runs };
    },
  };
}

/**
 * The report of runs as one HTML page that needs nothing else: curves of what they recorded, their pictures, bad records,
 * settings, machine and the command that does them again. Needs neither an engine nor the data.
 *
 * @param folders The run folders, at least one; several are laid over each other.
 * @param options `tables`: what stands above the runs.
 * @returns The page.
 * @throws {TypeError} When they are no list of paths.
 * @throws {RangeError} When no folder is named, or more than 50.
 * @throws {Error} When one of them is no run folder or cannot be read.
 */
export async function runsPage(
  folders: readonly string[],
  options: Pick<ReportOptions, "tables"> = {},
): Promise<string> {
  const reader = await openReport(folders, options);
  return await reportPage(await reader.read());
}
