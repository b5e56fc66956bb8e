/** Results of an ablation as a table: means, spreads, and paired differences to the whole method. */
import { percent } from "../eval/table_text.ts";
import { alignCells } from "../text/table.ts";
import { plural } from "../text/amounts.ts";
import { summarise, type Summary } from "./statistics.ts";
import type { AblationPlan, AblationResult, Score } from "./types.ts";
import { FULL } from "./variants.ts";

/** The figures of a row's kind, over seeds. */
export interface Column {
  /** Over all seeds that are there. */
  value: Summary;
  /** Minus the whole method's figure of the same seed and the same features, over the seeds that have both. */
  difference?: Summary;
}

/** One kind of features of one variant. */
export interface AblationRow {
  variant: string;
  features: string;
  knn: Column;
  linear: Column;
}

/** The table of an ablation. */
export interface AblationTable {
  rows: AblationRow[];
  /** What is measured and how, a sentence each. */
  caption: string[];
}

const FIGURES = ["knn", "linear"] as const;

/** A variant's scores by seed, for one kind of features. */
function bySeed(results: readonly AblationResult[], variant: string, features: string): Map<number, Score> {
  return new Map(
    results.filter((result) => result.variant === variant).flatMap(({ seed, scores }) =>
      scores.filter((score) => score.features === features).map((score) => [seed, score] as const)
    ),
  );
}

/** The figures of one column. */
function columnOf(own: Map<number, Score>, full: Map<number, Score>, figure: "knn" | "linear"): Column {
  const value = summarise([...own.values()].map((score) => score[figure]));
  const pairs = [...own].flatMap(([seed, score]) => {
    const other = full.get(seed);
    return other ? [score[figure] - other[figure]] : [];
  });
  return { value, ...pairs.length > 0 && { difference: summarise(pairs) } };
}

/** How many pictures runs saw in whole batches, which differ where variants have batches of their own; else the plan's. */
function seenOf(trained: readonly AblationResult[], planned: number): string {
  const seen = trained.map(({ pictures }) => pictures),
    [least, most] = [Math.min(...seen), Math.max(...seen)];
  const words = (count: number) => count.toLocaleString("en");
  if (seen.length === 0) return words(planned);
  return least === most ? words(most) : `${words(least)} to ${words(most)}`;
}

/** What the reader has to know. */
function captionOf(plan: AblationPlan, results: readonly AblationResult[]): string[] {
  const { seeds, budget, pictures, data, holdout } = plan, [first] = results;
  const how = budget.by === "epochs"
    ? "the epochs of the settings"
    : budget.by === "pictures"
    ? `${budget.total.toLocaleString("en")} pictures for all runs that were planned at first`
    : `${budget.total} minutes for all runs that were planned at first, at ${
      budget.picturesPerSecond.toFixed(1)
    } pictures a second as measured once`;
  const trained = results.filter(({ steps }) => steps > 0),
    done = new Set(trained.map(({ seed }) => seed)).size;
  const lines = [
    `Top-1 on ${first ? plural(first.measured.queries, "query picture") : "the queries"} (${data.queries}` +
    `${
      holdout === undefined ? "" : `, ${percent(holdout)} of the pictures, held out of training`
    }), a gallery of ` +
    `${first?.measured.gallery ?? 0} (${data.gallery}), ${first?.measured.classes ?? 0} classes. kNN: ` +
    `${first?.measured.k ?? 20} neighbours, votes exp(cos/.07); linear: a linear probe, ${
      first?.measured.probeEpochs ?? 0
    } epochs, the last.`,
    `Each run saw ${seenOf(trained, pictures)} pictures (${how}).`,
    seeds.length === 1
      ? "One seed: there are no spreads and no intervals."
      : `${plural(seeds.length, "seed")}${
        done < seeds.length ? `, ${done} of them done` : ""
      }: ± is the standard deviation ` +
        `over seeds; "to ${FULL}" is the mean difference to ${FULL} with the same seed, in points, and its 95 % interval ` +
        "by Student's t.",
  ];
  return [...lines, ...plan.variants.map(({ name, does }) => `${name}: ${does}.`)];
}

/**
 * Puts results into a table, in the plan's order, baselines last.
 *
 * @param plan What was compared.
 * @param results What there is so far; variants without any have no row.
 */
export function ablationTable(plan: AblationPlan, results: readonly AblationResult[]): AblationTable {
  const names: string[] = [...plan.variants.map(({ name }) => name), ...plan.baselines],
    rows: AblationRow[] = [];
  for (const variant of names) {
    const own = results.filter((result) => result.variant === variant);
    for (const features of new Set(own.flatMap(({ scores }) => scores.map((score) => score.features)))) {
      const scores = bySeed(results, variant, features);
      // The whole method beside itself would be 0.
      const full = variant === FULL ? new Map<number, Score>() : bySeed(results, FULL, features);
      const [knn, linear] = FIGURES.map((figure) => columnOf(scores, full, figure));
      rows.push({ variant, features, knn, linear });
    }
  }
  return { rows, caption: captionOf(plan, results) };
}

/** A difference of shares in points, with its sign. */
const points = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;

/** A figure with its spread. */
function valueText({ mean, deviation }: Summary): string {
  return deviation === undefined ? percent(mean) : `${(100 * mean).toFixed(1)} ± ${percent(deviation)}`;
}

/** A difference with its interval. */
function differenceText(difference: Summary | undefined): string {
  if (!difference) return "";
  const { mean, interval } = difference;
  return interval ? `${points(mean)} (${interval.map(points).join(" … ")})` : points(mean);
}

/** The table's headings. */
export const HEADINGS: readonly string[] = [
  ...["variant", "features", "seeds", "kNN", `to ${FULL}`, "linear", `to ${FULL}`],
];

/** The table's rows as texts. */
export function rowTexts({ rows }: AblationTable): string[][] {
  return rows.map(({ variant, features, knn, linear }) => [
    variant,
    features,
    String(knn.value.count),
    valueText(knn.value),
    differenceText(knn.difference),
    valueText(linear.value),
    differenceText(linear.difference),
  ]);
}

/** How a table is written. */
export type AblationFormat = "text" | "markdown";

/** The table as text for people, or as Markdown. */
export function formatAblation(table: AblationTable, format: AblationFormat = "text"): string {
  const body = rowTexts(table), { caption } = table;
  if (format === "markdown") {
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const rule = line(HEADINGS.map((_, i) => i < 2 ? "---" : "---:"));
    return [line(HEADINGS), rule, ...body.map(line), "", ...caption.map((sentence) => `- ${sentence}`)].join(
      "\n",
    );
  }
  const lines = alignCells([[...HEADINGS], ...body], 2);
  lines.splice(1, 0, "─".repeat(Math.max(...lines.map((text) => text.length))));
  return [...lines, "", ...caption].join("\n");
}
