/** The tables of `bench learn`, as Markdown. */
import { markNear } from "./budget.ts";
import { settingsText } from "./methods.ts";
import { bestToken, type RunResult, type Summary, summary } from "./results.ts";

/** Rows under a head, as Markdown. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Percent with one digit; with the smallest and the largest where there are several. */
export function percent(found: Summary | null): string {
  if (!found) return "–";
  const text = (value: number) => (100 * value).toFixed(1);
  const { mean, min, max, count } = found;
  return count > 1 ? `${text(mean)} (${text(min)}–${text(max)})` : text(mean);
}

/** A number with commas between thousands. */
const thousands = (value: number) => value.toLocaleString("en-US");

/** The runs of one method with the same settings and as many pictures. */
interface Group {
  name: string;
  runs: RunResult[];
}

/** Puts runs together that differ in the seed alone, in the order in which they come. */
export function groupRuns(results: readonly RunResult[]): Group[] {
  const groups = new Map<string, Group>();
  for (const run of results) {
    const key = `${run.method} ${settingsText(run.settings)} ${run.pictures}`;
    const group = groups.get(key) ?? { name: run.method, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The part that figures are of. */
type PartShown = "selection" | "test";

/** A row for each token of a group, of the judgement that `at` finds in each run. */
function tokenRows(
  { name, runs }: Group,
  part: PartShown,
  at: (run: RunResult) => RunResult["judged"][number] | undefined,
): string[][] {
  const found = runs.map(at).filter((one) => one !== undefined);
  const tokens = Object.keys(found[0]?.judgement[part] ?? {});
  const chosen = new Set(found.map(({ judgement }) => bestToken(judgement)?.token));
  return tokens.map((token) => {
    const figures = found.flatMap(({ judgement }) => judgement[part]?.[token] ?? []);
    const probes = figures.flatMap(({ linear }) => linear ?? []);
    const pictures = [...new Set(found.map((one) => one.pictures))];
    return [
      name,
      tokens.length > 1 && chosen.size === 1 && chosen.has(token) ? `${token} ←` : token,
      pictures[0] === 0 ? "–" : pictures.map(thousands).join(", "),
      `${found.length}`,
      percent(summary(figures.map(({ knn }) => knn))),
      percent(summary(probes)),
    ];
  });
}

/** Heads of the tables of figures. */
const HEAD = ["method", "token", "pictures seen", "seeds", "kNN, k 20", "linear probe"];

/** The figures at the end of all runs; an arrow marks the token that is better on the selection part. */
export function endTable(results: readonly RunResult[], part: PartShown): string {
  return markdown(
    HEAD,
    groupRuns(results).flatMap((group) => tokenRows(group, part, ({ judged }) => judged.at(-1))),
  );
}

/** The figures at so many pictures, of the runs that were looked at there. */
export function pictureTable(results: readonly RunResult[], part: PartShown, pictures: number): string {
  const trained = results.filter((run) => run.pictures > 0);
  return markdown(
    HEAD,
    groupRuns(trained).flatMap((group) => tokenRows(group, part, ({ judged }) => markNear(judged, pictures))),
  );
}

/** The neighbours' figures along the runs, of the token that is better in the end on the selection part. */
export function curveTable(results: readonly RunResult[], part: PartShown): string {
  const groups = groupRuns(results.filter((run) => run.pictures > 0));
  const looks = [
    ...new Set(groups.flatMap(({ runs }) => runs.flatMap(({ judged }) => judged.map((one) => one.pictures)))),
  ];
  const marks = looks.sort((a, b) => a - b);
  const rows = groups.map(({ name, runs }) => {
    const token = bestToken(runs[0].judged.at(-1)!.judgement)?.token ?? "";
    const at = (pictures: number) =>
      runs.flatMap(({ judged }) =>
        judged.find((one) => one.pictures === pictures)?.judgement[part]?.[token]?.knn ?? []
      );
    return [name, token, ...marks.map((pictures) => percent(summary(at(pictures))))];
  });
  return markdown(["method", "token", ...marks.map(thousands)], rows);
}

/** All trials, each method's best first. */
export function trialTable(results: readonly RunResult[]): string {
  const rows = groupRuns(results).map(({ name, runs }) => {
    const ends = runs.map(({ judged }) => judged.at(-1)!),
      best = ends.map(({ judgement }) => bestToken(judgement));
    const token = best[0]?.token ?? "–";
    const of = (key: "knn" | "linear") =>
      summary(ends.flatMap(({ judgement }) => judgement.selection?.[token]?.[key] ?? []));
    const mark = summary(best.flatMap((one) => one?.score ?? []));
    return {
      name,
      order: mark?.mean ?? 0,
      cells: [
        name,
        `\`${settingsText(runs[0].settings)}\``,
        thousands(runs[0].pictures),
        token,
        percent(of("knn")),
        percent(of("linear")),
      ],
    };
  });
  const names = [...new Set(rows.map(({ name }) => name))];
  const sorted = rows.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name) || b.order - a.order);
  return markdown(
    ["method", "settings", "pictures seen", "better token", "kNN, k 20", "linear probe"],
    sorted.map(({ cells }) => cells),
  );
}
