import type { Report, RunReport } from "../types.ts";
import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { ChartLibrary } from "./browser.ts";
import { chartGrid } from "./chart_grid.ts";
import { type PageState, type PartKeeper, partKeeper, place } from "./elements.ts";
import { figuresPart } from "./figures.ts";
import { dataPart, machinePart, settingsPart, summaryPart, tablePart } from "./parts.ts";

/** Whether a run has pictures to show. */
export function hasFigures({ figures, picture, detections }: RunReport): boolean {
  return figures.length > 0 || picture !== "" || detections !== "";
}

/** The sections of the page in their order, the charts among them. Those that show what they showed before are the same. */
export function pageSections(
  report: Report,
  state: PageState,
  part: PartKeeper,
  charts: PageElement,
): PageElement[] {
  const { runs, tables = [] } = report, pictured = runs.filter(hasFigures);
  const figures = () =>
    part(
      "figures",
      pictured.map((run) => [run.name, run.figures, run.gallery, run.picture, run.detections]),
      () =>
        element(
          "section",
          {},
          element("h2", {}, "Figures"),
          ...pictured.map((run) => figuresPart(state, run)),
        ),
    );
  return [
    ...tables.map((one, i) => part(`table ${i}`, one, () => tablePart(one))),
    part(
      "summary",
      runs.map((run) => [run.name, run.folder, run.notes, run.metrics]),
      () => element("section", { class: "runs", "aria-label": "Runs" }, ...runs.map(summaryPart)),
    ),
    charts,
    ...(pictured.length > 0 ? [figures()] : []),
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
  ];
}

/**
 * Asks the server for the report again and again, as long as the page is open.
 *
 * @param refresh Seconds between two questions.
 * @param status Says so when the server does not answer.
 * @param draw Called with a report that is not the last one.
 */
export function follow(refresh: number, status: PageElement, draw: (report: Report) => void): void {
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
    setTimeout(look, 1000 * refresh);
  };
  setTimeout(look, 1000 * refresh);
}

/** Draws the page, and keeps it up to date while something serves it. */
export function start(library: ChartLibrary): void {
  const { document } = browser();
  const main = document.querySelector("main")!, status = document.querySelector("#status")!;
  const state: PageState = { open: new Set(), chosen: new Map() };
  const charts = chartGrid(library, state), part = partKeeper();
  const draw = (report: Report) => {
    place(main, pageSections(report, state, part, charts.element));
    charts.show(report);
    const when = new Date(report.made);
    status.textContent = `${report.refresh > 0 ? "live, as of" : "as of"} ${when.toLocaleString()}`;
  };

  const first = JSON.parse(document.querySelector("#report")!.textContent!) as Report;
  draw(first);
  browser().matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.redraw());
  if (first.refresh !== 0) follow(first.refresh, status, draw);
}
