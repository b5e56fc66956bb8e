/**
 * The functions of this folder run in the page: their own text goes into it (see `script.ts`). So each may use what it is
 * given, what the browser has and the functions that are listed there, and nothing else of this module.
 *
 * @module
 */

import type { PageElement, PageNode } from "../../web/browser.ts";
import { element } from "../../web/element.ts";

/** What the page remembers when it draws a part of itself again. */
export interface PageState {
  /** Keys of the parts that are unfolded. */
  open: Set<string>;
  /** The steps at which sliders stand, and what is chosen, by their keys. */
  chosen: Map<string, number>;
}

/** Gives a part of the page by its key: the one that was made before, or a new one where what it shows has changed. */
export type PartKeeper = (key: string, shows: unknown, make: () => PageElement) => PageElement;

/** Keeps parts of the page, so that each is made again only where what it shows, as JSON, has changed. */
export function partKeeper(): PartKeeper {
  const parts = new Map<string, { text: string; made: PageElement }>();
  return (key, shows, make) => {
    const text = JSON.stringify(shows), known = parts.get(key);
    if (known?.text === text) return known.made;
    const made = make();
    parts.set(key, { text, made });
    return made;
  };
}

/** Puts elements into another in this order, and leaves those alone that are there already. */
export function place(into: PageElement, wanted: readonly PageElement[]): void {
  wanted.forEach((one, i) => {
    if (into.children[i] !== one) into.insertBefore(one, into.children[i] ?? null);
  });
  while (into.children.length > wanted.length) into.lastElementChild!.remove();
}

/** A table in a box of its own that scrolls. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | PageNode)[])[],
  label: string,
): PageElement {
  const cells = (kind: "th" | "td", texts: readonly (string | PageNode)[]) =>
    element("tr", {}, ...texts.map((text) => element(kind, kind === "th" ? { scope: "col" } : {}, text)));
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    element(
      "table",
      {},
      element("thead", {}, cells("th", headings)),
      element("tbody", {}, ...rows.map((row) => cells("td", row))),
    ),
  );
}

/** A part that is made only when it is unfolded, and that stays unfolded when the page is drawn again. */
export function unfolding(
  state: PageState,
  key: string,
  summary: string,
  make: () => PageNode,
): PageElement {
  const details = element("details", {}, element("summary", {}, summary));
  let filled = false;
  const fill = () => {
    if (details.open) state.open.add(key);
    else state.open.delete(key);
    if (!details.open || filled) return;
    filled = true;
    details.append(make());
  };
  details.addEventListener("toggle", fill);
  if (state.open.has(key)) {
    details.open = true;
    fill();
  }
  return details;
}

/** A number with as many digits as say something. */
export function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? Number(value.toPrecision(5)).toString() : value.toExponential(3);
}

/** A share as a percentage. */
export function shareText(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : `${Number((100 * value).toPrecision(3))} %`;
}
