import { pageDocument } from "../web/document.ts";
import { BASE_STYLE } from "../web/style.ts";
import { pageScript } from "./page/script.ts";
import { STYLE } from "./page/style.ts";
import type { Report } from "./types.ts";

/** The library's name, which the page says. */
const LIBRARY = "uPlot 1.6.32";

/** What every page holds besides its numbers. */
interface Frame {
  style: string;
  scripts: string[];
}

let frame: Promise<Frame> | undefined;

/** The chart library out of its package, and our own script and style. */
async function loadFrame(): Promise<Frame> {
  const [{ default: library }, { default: style }] = await Promise.all([
    import("npm:uplot@1.6.32/dist/uPlot.iife.min.js", { with: { type: "text" } }),
    import("npm:uplot@1.6.32/dist/uPlot.min.css", { with: { type: "text" } }),
  ]) as unknown as { default: string }[];
  return { style: style + BASE_STYLE + STYLE, scripts: [library, pageScript()] };
}

/**
 * Makes the page of a report: one HTML document that needs nothing else. Only the two scripts in it may run, which its own
 * policy names by their hashes, and only a page that is served may ask its server for news.
 *
 * @param report What it shows. Texts may hold anything; they are shown as texts.
 * @returns The document.
 * @throws {Error} When the chart library's package cannot be read.
 */
export async function reportPage(report: Report): Promise<string> {
  frame ??= loadFrame();
  const { style, scripts } = await frame.catch((error) => {
    frame = undefined;
    throw error;
  });
  const keys = "Drag over a curve to look closer; double click or Escape shows all of it.";
  const { html } = pageDocument({
    title: `Report: ${report.runs.map(({ name }) => name).join(", ")}`,
    style,
    scripts,
    data: { id: "report", value: report },
    served: report.refresh > 0,
    footer: `<p>${keys} Curves by ${LIBRARY}.</p>`,
  });
  return html;
}
