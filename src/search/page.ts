import { type PageDocument, pageDocument } from "../web/document.ts";
import { BASE_STYLE } from "../web/style.ts";
import { searchScript } from "./page/script.ts";
import { STYLE } from "./page/style.ts";
import type { SearchPage } from "./types.ts";

/** The page of a search: one document, whose own script alone may run. Texts may hold anything. */
export function searchPage(page: SearchPage): PageDocument {
  const keys =
    "Click a picture, or press Enter, to see its neighbours; z enlarges it. Arrow keys go to the next one.";
  return pageDocument({
    title: `Search: ${page.name}`,
    style: BASE_STYLE + STYLE,
    scripts: [searchScript()],
    data: { id: "search", value: page },
    served: true,
    // What the user sends is shown as it lies in the browser's memory.
    images: "data: blob:",
    footer: `<p>${keys}</p>`,
  });
}
