import type { Report, ReportTable, RunReport } from "../types.ts";
import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import { numberText, type PageState, table, unfolding } from "./elements.ts";

/** A table above the runs, and what is to be known of it. */
export function tablePart({ title, headings, rows, notes }: ReportTable): PageElement {
  const part = element("section", {}, element("h2", {}, title), table(headings, rows, title));
  for (const note of notes) part.append(element("p", { class: "soft" }, note));
  return part;
}

/** What a run has come to, in a few figures. */
export function summaryPart(run: RunReport): PageElement {
  const { last, steps } = run.metrics.training, figures: [string, string][] = [];
  if (steps.length > 0) figures.push(["step", numberText(steps[steps.length - 1])]);
  if (last.epoch !== undefined) figures.push(["epoch", numberText(last.epoch)]);
  if (last.loss !== undefined) figures.push(["loss", numberText(last.loss)]);
  if (last.imagesPerSecond !== undefined) figures.push(["images/s", numberText(last.imagesPerSecond)]);
  for (const [evaluator, curves] of Object.entries(run.metrics.evaluators)) {
    for (const [name, value] of Object.entries(curves.last).slice(0, 4)) {
      figures.push([`${evaluator} ${name}`, numberText(value)]);
    }
  }
  const list = element("dl", { class: "figures" });
  for (const [name, value] of figures) {
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
  const part = element("article", { class: "run" }, element("h2", {}, run.name));
  part.append(element("p", { class: "soft" }, run.folder), list);
  for (const note of run.notes) part.append(element("p", { class: "note" }, note));
  return part;
}

/** What came of the data, and which records were bad. */
export function dataPart(state: PageState, run: RunReport): PageElement {
  const { counts, notes, bad, shown } = run.data;
  const part = element("article", {}, element("h3", {}, `Data of ${run.name}`));
  for (const note of notes) part.append(element("p", {}, note));
  if (counts.length > 0) part.append(table(["records", "count"], counts, "What came of the records"));
  if (bad > 0) {
    const rest = bad > shown.length ? `, the first ${shown.length} of them here` : "";
    part.append(
      unfolding(state, `bad ${run.name}`, `${bad} bad record${bad === 1 ? "" : "s"}${rest}`, () =>
        table(
          ["source", "record", "why"],
          shown.map(({ source, key, reason }) => [source, key, reason]),
          "Bad records",
        )),
    );
  } else part.append(element("p", { class: "soft" }, "No record was bad."));
  return part;
}

/** The settings of one run beside its preset, or those in which several runs differ. */
export function settingsPart(report: Report): PageElement {
  const { runs } = report, part = element("section", {}, element("h2", {}, "Configuration"));
  if (runs.length > 1) {
    const keys = [...new Set(runs.flatMap((run) => Object.keys(run.settings)))];
    const of = (key: string) =>
      runs.map(({ settings }) => Object.hasOwn(settings, key) ? settings[key] : undefined);
    const different = keys.filter((key) => new Set(of(key)).size > 1);
    const rows = different.map((key) => [key, ...of(key).map((value) => value ?? "–")]);
    const presets = ["preset", ...runs.map((run) => run.preset)];
    const all = new Set(runs.map((run) => run.preset)).size > 1 ? [presets, ...rows] : rows;
    part.append(
      all.length > 0
        ? table(["setting", ...runs.map((run) => run.name)], all, "Settings in which the runs differ")
        : element("p", {}, "The runs have the same settings."),
    );
  } else {
    const [{ preset, differences }] = runs;
    const rows = differences.map(({ key, value, preset }) => [key, value || "–", preset || "–"]);
    part.append(
      preset === ""
        ? element("p", {}, "The settings are not known.")
        : rows.length === 0
        ? element("p", {}, `The settings of preset ${preset}, unchanged.`)
        : table(["setting", "this run", `preset ${preset}`], rows, "Settings that differ from the preset"),
    );
  }
  return part;
}

/** The machine that a run was computed on, and the command that does it again. */
export function machinePart(run: RunReport): PageElement {
  const part = element("article", {}, element("h3", {}, `Machine of ${run.name}`));
  const again = run.starts > 1 ? `Started ${run.starts} times; this is the last start.` : "";
  if (again) part.append(element("p", { class: "soft" }, again));
  part.append(
    run.machine.length > 0
      ? table(["", ""], run.machine, "Machine, engine and versions")
      : element("p", { class: "soft" }, "Not recorded: the run was begun by an earlier version."),
  );
  if (run.command === "") return part;
  const copy = element("button", { type: "button" }, "Copy"), code = element("code", {}, run.command);
  copy.addEventListener("click", async () => {
    try {
      await browser().navigator.clipboard.writeText(run.command);
      copy.textContent = "Copied";
    } catch {
      // Pages from the disk may not write there; then the text is at least selected.
      browser().getSelection()?.selectAllChildren(code);
    }
  });
  part.append(element("h3", {}, "To do it again"), element("pre", { tabindex: "0" }, code), copy);
  return part;
}
