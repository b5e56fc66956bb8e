/** What an ablation leaves in its folder beside its runs: the table, and a page. */
import { join } from "node:path";
import { publishFile } from "../files/publish.ts";
import type { ReportTable } from "../report/types.ts";
import { runsPage } from "../report/write.ts";
import { runFolder } from "./plan.ts";
import { type AblationTable, formatAblation, HEADINGS, rowTexts } from "./table.ts";
import type { AblationPlan, AblationResult } from "./types.ts";

/** Runs whose curves a page lays over each other: more cannot be told apart. */
const MOST_CURVES = 16;

/** The runs that a page shows: those of as many seeds as it has room for, of the first one at least. */
export function shownRuns(plan: AblationPlan, results: readonly AblationResult[]): AblationResult[] {
  const trained = results.filter(({ steps }) => steps > 0);
  const seeds = Math.max(1, Math.floor(MOST_CURVES / plan.variants.length));
  const shown = new Set(plan.seeds.slice(0, seeds));
  return trained.filter(({ seed }) => shown.has(seed)).slice(0, 50);
}

/** The table as a page shows it. */
function reportTable(plan: AblationPlan, table: AblationTable, shown: number): ReportTable {
  const { length } = plan.seeds;
  const curves = length * plan.variants.length > shown
    ? [`The curves below are of ${shown} of ${length * plan.variants.length} runs.`]
    : [];
  const about =
    "quick knn is measured on a few pictures while a run trains; it says how figures grow, not how high they are.";
  return {
    title: "Ablation",
    headings: [...HEADINGS],
    rows: rowTexts(table),
    notes: [...table.caption, ...curves, about],
  };
}

/**
 * Writes table.json, table.md and report.html, a page with the table and the curves of the runs, into an ablation's folder.
 *
 * @throws {Error} When a file cannot be written or a run's folder not be read.
 */
export async function writeAblation(
  plan: AblationPlan,
  results: readonly AblationResult[],
  table: AblationTable,
  out: string,
): Promise<void> {
  const shown = shownRuns(plan, results);
  await publishFile(join(out, "table.json"), JSON.stringify({ ...table, results }, null, 2) + "\n");
  await publishFile(join(out, "table.md"), formatAblation(table, "markdown") + "\n");
  if (shown.length > 0) {
    const folders = shown.map(({ variant, seed }) => runFolder(out, variant, seed));
    const page = await runsPage(folders, { tables: [reportTable(plan, table, shown.length)] });
    await publishFile(join(out, "report.html"), page);
  }
}
