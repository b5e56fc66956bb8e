import type { PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { SearchPage, ShownPicture } from "../types.ts";
import { className } from "./gallery.ts";
import type { Viewer } from "./viewer.ts";

/** The picture that is looked for. */
export interface QueryPart {
  element: PageElement;
  /** Shows it; a picture of the set can be enlarged. */
  show(address: string, name: string, picture?: ShownPicture): void;
  hide(): void;
}

/** Makes the part, without a picture. */
export function queryPart(page: SearchPage, viewer: Viewer): QueryPart {
  const part = element("section", { class: "query", "aria-label": "Query" });
  return {
    element: part,
    show(address, name, picture) {
      const shown = element("img", { src: address, alt: `The query: ${name}` });
      const texts = [element("p", { class: "name" }, name)];
      if (picture) {
        texts.push(element("p", { class: "soft" }, className(page, picture)));
        const zoom = element("button", { type: "button" }, "Enlarge");
        zoom.addEventListener("click", () => viewer.show([picture], 0));
        texts.push(zoom);
      }
      const back = element("a", { href: "#" }, "Other pictures");
      part.replaceChildren(shown, element("div", {}, element("h2", {}, "Nearest to"), ...texts, back));
      part.hidden = false;
    },
    hide() {
      part.hidden = true;
    },
  };
}
