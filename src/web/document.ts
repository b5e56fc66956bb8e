import { createHash } from "node:crypto";

/** What a page is made of. */
export interface PageParts {
  /** Any text. */
  title: string;
  style: string;
  /** Scripts, run in this order; no others run. */
  scripts: readonly string[];
  /** What the scripts find as JSON in the element `#id`; texts in it may hold anything. */
  data: { id: string; value: unknown };
  /** Whether the page may ask its server for more. */
  served: boolean;
  /** Where pictures may be from, besides from the server. Default `data:`. */
  images?: string;
  /** Markup at the page's end; ours. */
  footer: string;
}

/** A page. */
export interface PageDocument {
  html: string;
  /** Its policy, which a server says in its answer's head as well. */
  policy: string;
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeText = (text: string) => text.replace(/[&<>"]/g, (sign) => ESCAPES[sign]);

/** JSON that may stand in a script element: no text in it can end the element or begin a comment. */
function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * One HTML document that needs nothing else. Only its own scripts and style count, which its policy (CSP) names by their
 * hashes; its scripts fill `main`.
 */
export function pageDocument(
  { style, scripts, data, served, images = "data:", footer, ...parts }: PageParts,
): PageDocument {
  const own = served ? "'self'" : "", title = escapeText(parts.title);
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(" ")}`,
    `style-src ${hashOf(style)}`,
    `img-src ${images} ${own}`.trim(),
    `connect-src ${own || "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const html = `<!doctype html>
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
<footer>${footer}</footer>
<noscript><p>This page draws itself with a script, which is switched off here.</p></noscript>
<script id="${data.id}" type="application/json">${embeddedJson(data.value)}</script>
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
  return { html, policy };
}
