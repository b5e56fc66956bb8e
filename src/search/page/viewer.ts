import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { SearchPage, ShownPicture } from "../types.ts";
import { className, type GridPicture, pictureAddress } from "./gallery.ts";

/** A picture at its largest, over the page. */
export interface Viewer {
  element: PageElement;
  /** Shows one of some pictures; arrow keys go to the others, Escape closes. */
  show(pictures: readonly GridPicture[], at: number): void;
}

/** Makes the viewer. */
export function openViewer(page: SearchPage, search: (picture: ShownPicture) => void): Viewer {
  const button = (text: string, label: string, act: () => void) => {
    const made = element("button", { type: "button", "aria-label": label }, text);
    made.addEventListener("click", act);
    return made;
  };
  const shown: { pictures: readonly GridPicture[]; at: number } = { pictures: [], at: 0 };
  const picture = element("img", { alt: "" }),
    name = element("p", { class: "name" }),
    about = element("p", {});
  const file = element("a", { target: "_blank", rel: "noopener noreferrer" }, "Open the file");
  const draw = () => {
    const one = shown.pictures[shown.at];
    picture.setAttribute("src", pictureAddress(page, one.index, "large"));
    picture.setAttribute("alt", one.key);
    file.setAttribute("href", pictureAddress(page, one.index, "file"));
    name.textContent = one.key;
    const parts = [
      className(page, one),
      one.cosine === undefined ? "" : `cosine ${one.cosine.toFixed(4)}`,
      `${shown.at + 1} of ${shown.pictures.length}`,
    ];
    about.textContent = parts.filter((part) => part !== "").join(" · ");
  };
  const go = (move: number) => {
    shown.at = Math.max(0, Math.min(shown.pictures.length - 1, shown.at + move));
    draw();
  };
  const dialog = element("dialog", { "aria-label": "A picture, enlarged" });
  const bar = element(
    "div",
    { class: "bar" },
    button("‹", "The one before", () => go(-1)),
    button("›", "The next one", () => go(1)),
    button("Search with this", "Search with this picture", () => {
      dialog.close();
      search(shown.pictures[shown.at]);
    }),
    file,
    button("Close", "Close", () => dialog.close()),
  );
  dialog.append(picture, name, about, bar);
  dialog.addEventListener("keydown", (event) => {
    const move = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (move === 0) return;
    go(move);
    event.preventDefault();
  });
  // A click beside it, which counts as one on the dialog itself.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  browser().document.querySelector("main")!.append(dialog);
  return {
    element: dialog,
    show(pictures, at) {
      Object.assign(shown, { pictures, at });
      draw();
      dialog.showModal();
    },
  };
}
