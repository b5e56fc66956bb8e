import type { Report, RunReport } from "../types.ts";
import { chartSpecs, drawChart, type DrawnChart } from "./charts.ts";
import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { ChartLibrary } from "./browser.ts";
import type { PageState } from "./elements.ts";
import { figuresPart } from "./figures.ts";
import { dataPart, machinePart, settingsPart, summaryPart, tablePart } from "./parts.ts";

/** Whether a run has pictures to show. */
export function hasFigures({ figures, picture, detections }: RunReport): boolean {
  return figures.length > 0 || picture !== "" || detections !== "";
}

/** Draws the page, and keeps it up to date while something serves it. */
export function start(library: ChartLibrary): void {
  const { document } = browser();
  const main = document.querySelector("main")!, status = document.querySelector("#status")!;
  const state: PageState = { open: new Set(), chosen: new Map() };
  const charts = new Map<string, DrawnChart>();
  const chartGrid = element("section", { class: "charts", "aria-label": "Curves" });
  const parts = new Map<string, { of: string; element: PageElement }>();

  /** A part that is drawn again only where what it shows has changed. */
  const part = (key: string, of: unknown, make: () => PageElement): PageElement => {
    const text = JSON.stringify(of), known = parts.get(key);
    if (known?.of === text) return known.element;
    const made = make();
    parts.set(key, { of: text, element: made });
    return made;
  };
  const drawCharts = (report: Report) => {
    const specs = chartSpecs(report), keys = new Set(specs.map(({ key }) => key));
    for (const [key, chart] of charts) {
      if (keys.has(key)) continue;
      chart.close();
      charts.delete(key);
    }
    for (const spec of specs) {
      if (!charts.has(spec.key)) charts.set(spec.key, drawChart(library, state, spec));
    }
    place(chartGrid, specs.map(({ key }) => charts.get(key)!.element));
    for (const spec of specs) {
      const chart = charts.get(spec.key)!;
      const of = part(`chart ${spec.key}`, spec, () => element("i")),
        fresh = chart.element.dataset.drawn === undefined;
      if (fresh || of.dataset.drawn === undefined) chart.draw(spec);
      chart.element.dataset.drawn = of.dataset.drawn = "";
    }
  };
  /** Puts elements into another in this order, and leaves those alone that are there already. */
  const place = (into: PageElement, wanted: readonly PageElement[]) => {
    wanted.forEach((one, i) => {
      if (into.children[i] !== one) into.insertBefore(one, into.children[i] ?? null);
    });
    while (into.children.length > wanted.length) into.lastElementChild!.remove();
  };
  const figures = (runs: RunReport[]) => {
    const shown = runs.filter(hasFigures);
    const of = shown.map((run) => [run.name, run.figures, run.gallery, run.picture, run.detections]);
    return part(
      "figures",
      of,
      () =>
        element("section", {}, element("h2", {}, "Figures"), ...shown.map((run) => figuresPart(state, run))),
    );
  };
  const draw = (report: Report) => {
    const { runs, tables = [] } = report;
    place(main, [
      ...tables.map((one, i) => part(`table ${i}`, one, () => tablePart(one))),
      part(
        "summary",
        runs.map((run) => [run.name, run.folder, run.notes, run.metrics]),
        () => element("section", { class: "runs", "aria-label": "Runs" }, ...runs.map(summaryPart)),
      ),
      chartGrid,
      ...(runs.some(hasFigures) ? [figures(runs)] : []),
      part(
        "data",
        runs.map((run) => run.data),
        () => element("section", {}, element("h2", {}, "Data"), ...runs.map((run) => dataPart(state, run))),
      ),
      part(
        "settings",
        runs.map((run) => [run.settings, run.differences, run.name]),
        () => settingsPart(report),
      ),
      part(
        "machine",
        runs.map((run) => [run.machine, run.command, run.starts, run.name]),
        () => element("section", {}, element("h2", {}, "Machine and command"), ...runs.map(machinePart)),
      ),
    ]);
    drawCharts(report);
    const when = new Date(report.made);
    status.textContent = `${report.refresh > 0 ? "live, as of" : "as of"} ${when.toLocaleString()}`;
  };

  const first = JSON.parse(document.querySelector("#report")!.textContent!) as Report;
  draw(first);
  browser().matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts.values()) chart.draw(chart.spec);
  });
  if (first.refresh === 0) return;
  let before = "";
  const look = async () => {
    try {
      const answer = await fetch("report.json", { cache: "no-cache" });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (text !== before) draw(JSON.parse(text));
      else status.classList.remove("lost");
      before = text;
      status.classList.remove("lost");
    } catch {
      status.textContent = "the server does not answer; this is the last that it said";
      status.classList.add("lost");
      before = "";
    }
    setTimeout(look, 1000 * first.refresh);
  };
  setTimeout(look, 1000 * first.refresh);
}
