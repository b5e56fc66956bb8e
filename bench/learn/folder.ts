/** The folder of `bench learn`: what it was made with, what was chosen, and the tables. */
import { join } from "node:path";
import { UsageError } from "../../src/cli/usage_error.ts";
import { parseOwnJson } from "../../src/files/own_json.ts";
import { publishFile } from "../../src/files/publish.ts";
import type { RunConfig } from "../../src/train/config/settings.ts";
import type { LearnModel } from "./runs.ts";
import { type MethodName, type MethodSettings, parseSettings, parseTrials } from "./methods.ts";
import type { Budget } from "./plan.ts";
import type { Subject } from "./rates.ts";
import { bestTrial, readResult, type RunResult } from "./results.ts";
import { curveTable, endTable, pictureTable, trialTable } from "./tables.ts";

/** Settings by method, where a method's own are changed. */
type Chosen = Partial<Record<MethodName, MethodSettings>>;

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A file that the user has named. */
async function given(path: string): Promise<string> {
  const text = await readText(path);
  if (text === null) throw new UsageError(`${path}: there is no such file`);
  return text;
}

/** What trials in the folder have chosen; nothing where there were none. */
export async function readChosen(folder: string, say: (line: string) => void): Promise<Chosen> {
  const path = join(folder, "chosen.json"), text = await readText(path);
  if (text === null) return {};
  say(`taking the settings that trials chose: ${path}`);
  return parseSettings(text, path);
}

/** What says which methods and settings take part. */
export interface SubjectsWanted {
  methods: readonly MethodName[];
  /** A file of trials, or one of settings. */
  trials?: string;
  settings?: string;
  /** Settings where there is neither. */
  chosen: Chosen;
}

/**
 * The methods that take part, and their settings.
 *
 * @throws {UsageError} A file cannot be read or used.
 */
export async function readSubjects(
  { methods, trials, settings, chosen }: SubjectsWanted,
): Promise<Subject[]> {
  if (trials !== undefined) {
    const all = parseTrials(await given(trials), trials, methods);
    const count = all[methods[0]]!.length;
    // The first trial of each, then the second of each: a stop in the middle leaves all equally far.
    return Array.from(
      { length: count },
      (_, i) => methods.map((method) => ({ method, settings: all[method]![i] })),
    )
      .flat();
  }
  const changed = settings === undefined ? chosen : parseSettings(await given(settings), settings);
  return methods.map((method) => ({ method, settings: changed[method] ?? {} }));
}

/**
 * Notes what a folder's runs have in common, once.
 *
 * @throws {UsageError} It was made otherwise.
 */
export async function keepSettings(
  folder: string,
  { config, threads, device, firstMark }: LearnModel & { firstMark: number },
): Promise<void> {
  const path = join(folder, "bench.json");
  // Folders from before there was a choice are of a processor.
  const said = { config, threads, firstMark, ...device === "cpu" ? {} : { device } };
  const now = JSON.stringify(said, null, 2) + "\n";
  const before = await readText(path);
  if (before === null) return await publishFile(path, now);
  if (before === now) return;
  type Was = { config: Partial<RunConfig>; threads: number; device?: string; firstMark?: number };
  const was = parseOwnJson<Was>(before, path, "name another --out");
  const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  const others: [name: string, before: unknown, now: unknown][] = [
    ["threads", was.threads, threads],
    ["device", was.device ?? "cpu", device],
    // Of runs that are done, only the checkpoints at their own marks are kept.
    ["first mark", was.firstMark ?? firstMark, firstMark],
  ];
  // A setting that is younger than the folder takes no part, as in checkpoints.
  const other =
    (Object.keys(was.config) as (keyof RunConfig)[]).find((key) => differs(was.config[key], config[key])) ??
      others.find(([, before, now]) => before !== now)?.[0];
  if (other === undefined) return;
  throw new UsageError(
    `${folder}: was made with another ${other}, so its runs and rates cannot be compared with new ones; name another --out`,
  );
}

/** Everything that has ever been judged in a folder, in the order of the runs' names. */
async function allResults(folder: string): Promise<RunResult[]> {
  const runs = join(folder, "runs");
  const names = (await Array.fromAsync(Deno.readDir(runs))).map(({ name }) => name).sort();
  const found = await Promise.all(names.map((name) => readResult(join(runs, name))));
  return found.filter((one) => one !== null);
}

/** What a table is headed by. */
function budgetText(budget: Budget): string {
  return "seconds" in budget ? `${budget.seconds / 60} minutes a run` : `${budget.pictures} pictures a run`;
}

/**
 * Writes results.jsonl, and table.md or, of trials, trials.md with chosen.json.
 *
 * @param equal The most pictures that all runs have seen.
 * @returns The tables.
 */
export async function report(
  folder: string,
  results: readonly RunResult[],
  { tuning, equal, curve, budget, say }: {
    tuning: boolean;
    curve: boolean;
    equal: number | undefined;
    budget: Budget;
    say: (line: string) => void;
  },
): Promise<string> {
  const all = await allResults(folder);
  await publishFile(join(folder, "results.jsonl"), all.map((one) => JSON.stringify(one) + "\n").join(""));
  const parts = [`## Top-1 in percent, ${budgetText(budget)}`];
  if (tuning) {
    parts[0] = "## All trials, top-1 in percent on the selection part";
    parts.push(trialTable(all.filter(({ trial }) => trial)));
    const chosen: Record<string, MethodSettings> = { ...await readChosen(folder, () => {}) };
    for (const method of new Set(results.map(({ method }) => method))) {
      const best = bestTrial(results.filter((one) => one.method === method));
      if (best) chosen[method] = best.settings;
    }
    await publishFile(join(folder, "chosen.json"), JSON.stringify(chosen, null, 2) + "\n");
  } else {
    parts.push(
      "On the test part; ← is the token that is better on the selection part:",
      endTable(results, "test"),
    );
    if (equal !== undefined) {
      parts.push(
        `## At ${equal} pictures seen by each`,
        "On the test part:",
        pictureTable(results, "test", equal),
      );
    }
    if (curve) {
      parts.push("## kNN along the runs, by pictures seen", "On the test part:", curveTable(results, "test"));
    }
    parts.push("## On the selection part", endTable(results, "selection"));
  }
  const text = parts.join("\n\n"), path = join(folder, tuning ? "trials.md" : "table.md");
  await publishFile(path, text + "\n");
  say(`written: ${path}, and all that was judged here: ${join(folder, "results.jsonl")}`);
  return text;
}
