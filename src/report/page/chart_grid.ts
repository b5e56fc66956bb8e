import type { PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { Report } from "../types.ts";
import type { ChartLibrary } from "./browser.ts";
import { chartSpecs, drawChart, type DrawnChart } from "./charts.ts";
import { type PageState, place } from "./elements.ts";

/** All charts of the page, which stay as they are while others come and go. */
export interface ChartGrid {
  element: PageElement;
  /** Shows a report's charts, and draws those anew that show something else. The grid must be in the page, which gives the width. */
  show(report: Report): void;
  /** Draws all of them anew, in other colours. */
  redraw(): void;
}

/** Makes a grid without charts. */
export function chartGrid(library: ChartLibrary, state: PageState): ChartGrid {
  const grid = element("section", { class: "charts", "aria-label": "Curves" });
  // What each shows, as JSON; empty until it is drawn.
  const charts = new Map<string, { chart: DrawnChart; shows: string }>();
  return {
    element: grid,
    show(report) {
      const specs = chartSpecs(report), keys = new Set(specs.map(({ key }) => key));
      for (const [key, { chart }] of charts) {
        if (keys.has(key)) continue;
        chart.close();
        charts.delete(key);
      }
      for (const spec of specs) {
        if (charts.has(spec.key)) continue;
        charts.set(spec.key, { chart: drawChart(library, state, spec), shows: "" });
      }
      place(grid, specs.map(({ key }) => charts.get(key)!.chart.element));
      for (const spec of specs) {
        const known = charts.get(spec.key)!, shows = JSON.stringify(spec);
        if (known.shows === shows) continue;
        known.chart.draw(spec);
        known.shows = shows;
      }
    },
    redraw() {
      for (const { chart } of charts.values()) chart.draw(chart.spec);
    },
  };
}
