/**
 * Functions that run in pages: their own text goes there, beside that of the page. So each may use what it is given, what the
 * browser has and the functions that stand beside it, and nothing else of this module.
 *
 * @module
 */

import { browser, type PageElement, type PageNode } from "./browser.ts";

/** An element. Texts become text nodes, so nothing in them is ever markup. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (PageNode | string)[]
): PageElement {
  const made = browser().document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
