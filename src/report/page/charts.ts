import type { Curves, Report, RunReport } from "../types.ts";
import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { ChartData, ChartLibrary, LibraryChart } from "./browser.ts";
import { numberText, type PageState, shareText, table, unfolding } from "./elements.ts";

/** A line of a chart. */
export interface ChartLine {
  label: string;
  steps: number[];
  values: (number | null)[];
  /** Which of the colours it has: a run has one in all charts. */
  colour: number;
}

/** What a chart shows. */
export interface ChartSpec {
  key: string;
  title: string;
  /** Numbers are shares of a whole. */
  share: boolean;
  lines: ChartLine[];
}

/** A chart in the page. */
export interface DrawnChart {
  spec: ChartSpec;
  element: PageElement;
  /** Draws it anew: other numbers, other colours, another width. */
  draw(spec: ChartSpec): void;
  close(): void;
}

/** The charts of a report: what a run says of itself in one, or the same value of several runs over each other. */
export function chartSpecs(report: Report): ChartSpec[] {
  const { runs } = report, alone = runs.length === 1;
  const known: Record<string, string> = {
    loss: "Loss",
    accuracy: "Share of training pictures whose class is found",
    positives: "Locations of a picture that have an object",
    lr: "Learning rate",
    gradNorm: "Gradient norm, before clipping",
    codeSpread: "Spread of the class codes: 0 is a collapse",
    imagesPerSecond: "Images per second",
    waiting: "Share of the time spent waiting for data",
    mfu: "Share of the devices' peak (MFU)",
    wd: "Weight decay",
    bad: "Bad pictures so far",
  };
  const shares = ["waiting", "mfu", "accuracy"];
  const line = (label: string, curves: Curves, name: string, colour: number): ChartLine => ({
    label,
    steps: curves.steps,
    values: curves.values[name],
    colour,
  });
  const has = (curves: Curves | undefined, name: string) =>
    curves !== undefined && Object.hasOwn(curves.values, name);
  const overlaid = (key: string, title: string, of: (run: RunReport) => Curves | undefined, name: string) => {
    const lines = runs.flatMap((run, i) =>
      has(of(run), name) ? [line(alone ? name : run.name, of(run)!, name, i)] : []
    );
    return { key, title, share: shares.includes(name), lines };
  };
  const training = (run: RunReport) => run.metrics.training;
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.metrics.training.values)))];
  const terms = names.filter((name) => !Object.hasOwn(known, name) && name !== "epoch");
  const specs: ChartSpec[] = [];
  const add = (spec: ChartSpec) => {
    const all = new Set(spec.lines.flatMap(({ values }) => values).filter((value) => value !== null));
    // What never changes is a setting, or nothing at all.
    const flat = all.size < 2 && ["wd", "bad", "mfu"].includes(spec.key);
    if (all.size > 0 && !flat) specs.push(spec);
  };
  add(overlaid("loss", known.loss, training, "loss"));
  if (alone) {
    const curves = runs[0].metrics.training, title = "Terms of the loss, before their weights";
    const lines = terms.map((name, i) => line(name, curves, name, i));
    if (lines.length > 0) add({ key: "terms", title, share: false, lines });
  } else for (const name of terms) add(overlaid(`term ${name}`, `Term ${name}`, training, name));
  const evaluators = [...new Set(runs.flatMap((run) => Object.keys(run.metrics.evaluators)))];
  for (const evaluator of evaluators) {
    const of = (run: RunReport) =>
      Object.hasOwn(run.metrics.evaluators, evaluator) ? run.metrics.evaluators[evaluator] : undefined;
    const found = [...new Set(runs.flatMap((run) => Object.keys(of(run)?.values ?? {})))];
    if (alone) {
      const lines = found.map((name, i) => line(name, of(runs[0])!, name, i));
      add({ key: `evaluator ${evaluator}`, title: `Evaluator ${evaluator}`, share: false, lines });
    } else {
      for (const name of found) {
        add(overlaid(`evaluator ${evaluator} ${name}`, `${evaluator}: ${name}`, of, name));
      }
    }
  }
  for (const name of Object.keys(known)) {
    if (name !== "loss") add(overlaid(name, known[name], training, name));
  }
  return specs;
}

/** The numbers of a chart, as a table. Of long curves, every so many steps. */
export function chartTable(spec: ChartSpec): PageElement {
  const format = spec.share ? shareText : numberText;
  const rows = new Map<number, (string)[]>();
  const most = 500, { lines } = spec;
  lines.forEach(({ steps, values }, column) => {
    const every = Math.max(1, Math.ceil(steps.length / most));
    steps.forEach((step, i) => {
      if (i % every !== 0 && i !== steps.length - 1) return;
      if (!rows.has(step)) rows.set(step, lines.map(() => ""));
      rows.get(step)![column] = format(values[i]);
    });
  });
  const sorted = [...rows].sort(([a], [b]) => a - b).map(([step, texts]) => [String(step), ...texts]);
  return table(["step", ...lines.map(({ label }) => label)], sorted, `The numbers of ${spec.title}`);
}

/** Colours, widths and texts of a chart, as the style sheet has them now. */
export function chartOptions(spec: ChartSpec, width: number, logarithmic: boolean): Record<string, unknown> {
  const page = browser(), style = page.getComputedStyle(page.document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const format = spec.share ? shareText : numberText;
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  const font = `12px ${style.getPropertyValue("font-family") || "sans-serif"}`;
  return {
    width,
    height: 240,
    scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
    cursor: { y: false, points: { size: 7 } },
    legend: { live: true },
    axes: [
      {
        ...axis,
        font,
        values: (_: unknown, values: (number | null)[]) =>
          values.map((value) => Number.isInteger(value) ? numberText(value) : ""),
      },
      {
        ...axis,
        font,
        size: 68,
        values: (_: unknown, values: (number | null)[]) => values.map((value) => format(value)),
      },
    ],
    series: [
      { label: "step" },
      ...spec.lines.map(({ label, steps, colour: one }) => ({
        label,
        stroke: colour(`--line-${one % 8}`),
        width: 1.5,
        dash: one < 8 ? undefined : [6, 4],
        spanGaps: true,
        points: { show: steps.length < 30 },
        value: (_: unknown, value: number | null) => format(value) || "–",
      })),
    ],
  };
}

/** A chart with its numbers; arrow keys move its cursor, Escape shows all of it again. */
export function drawChart(library: ChartLibrary, state: PageState, first: ChartSpec): DrawnChart {
  const plot = element("div", { class: "plot", tabindex: "0", role: "group" });
  const logarithmic = element("button", { type: "button", "aria-pressed": "false" }, "log");
  const title = element("figcaption", {}, element("span", {}, first.title), logarithmic);
  const holder = element("div"), figure = element("figure", { class: "chart" }, title, plot, holder);
  const drawn: { chart?: LibraryChart; width: number } = { width: 0 };
  const chart: DrawnChart = {
    spec: first,
    element: figure,
    draw(spec) {
      chart.spec = spec;
      const positive = spec.lines.every(({ values }) => values.every((value) => value === null || value > 0));
      logarithmic.hidden = !positive || spec.share;
      const log = positive && !spec.share && state.chosen.get(`log ${spec.key}`) === 1;
      logarithmic.setAttribute("aria-pressed", String(log));
      const label = `${spec.title}: ${spec.lines.map((line) => line.label).join(", ")}`;
      plot.setAttribute(
        "aria-label",
        `${label}. Arrow keys move the cursor; the numbers are in a table below.`,
      );
      const width = plot.clientWidth;
      if (width === 0) return;
      drawn.chart?.destroy();
      drawn.width = width;
      const tables = spec.lines.map(({ steps, values }) => [steps, values] as ChartData);
      drawn.chart = new library(chartOptions(spec, width, log), library.join(tables), plot);
      holder.replaceChildren(unfolding(state, `numbers ${spec.key}`, "Numbers", () => chartTable(spec)));
    },
    close() {
      watch.disconnect();
      drawn.chart?.destroy();
    },
  };
  const watch = new (browser().ResizeObserver)(() => {
    if (plot.clientWidth !== drawn.width) chart.draw(chart.spec);
  });
  watch.observe(plot);
  logarithmic.addEventListener("click", () => {
    const key = `log ${chart.spec.key}`;
    state.chosen.set(key, state.chosen.get(key) === 1 ? 0 : 1);
    chart.draw(chart.spec);
  });
  plot.addEventListener("keydown", (event) => {
    const shown = drawn.chart, move = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!shown) return;
    const { data } = shown, count = data[0].length;
    if (event.key === "Escape") shown.setData(data, true);
    else if (move !== 0 && count > 0) {
      const at = Math.max(0, Math.min(count - 1, (shown.cursor.idx ?? (move > 0 ? -1 : count)) + move));
      shown.setCursor({ left: shown.valToPos(data[0][at], "x"), top: 0 });
    } else return;
    event.preventDefault();
  });
  return chart;
}
