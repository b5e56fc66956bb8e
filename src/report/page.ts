import { createHash } from "node:crypto";
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
  return { style: style + STYLE, scripts: [library, pageScript()] };
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeText = (text: string) => text.replace(/[&<>"]/g, (sign) => ESCAPES[sign]);

/** JSON that may stand in a script element: no text in it can end the element or begin a comment. */
export function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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
  const own = report.refresh > 0 ? "'self'" : "";
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(" ")}`,
    `style-src ${hashOf(style)}`,
    `img-src data: ${own}`.trim(),
    `connect-src ${own || "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const title = escapeText(`Report: ${report.runs.map(({ name }) => name).join(", ")}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header><h1>${title}</h1><span id="status" role="status"></span></header>
<main></main>
<footer><p>Drag over a curve to look closer; double click or Escape shows all of it. Curves by ${LIBRARY}.</p></footer>
<noscript><p>This page draws itself with a script, which is switched off here.</p></noscript>
<script id="report" type="application/json">${embeddedJson(report)}</script>
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
}
