import { browser } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import { askPart, groupChoice, tooLarge } from "./ask.ts";
import { className, pictureAddress, pictureGrid } from "./gallery.ts";
import { queryPart } from "./query.ts";
import { searcher } from "./searcher.ts";
import { start } from "./start.ts";
import { openViewer } from "./viewer.ts";

/** Everything that runs in the page. A function's own text has no types any more when this program runs. */
const FUNCTIONS: readonly ((...values: never[]) => unknown)[] = [
  ...[browser, element, pictureAddress, className, pictureGrid],
  ...[openViewer, groupChoice, tooLarge, askPart, queryPart, searcher],
  start,
];

/** The page's script: the functions of this folder, and the call that begins. */
export function searchScript(): string {
  return `"use strict";\n${FUNCTIONS.map(String).join("\n")}\nstart();\n`;
}
