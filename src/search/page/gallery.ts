import type { PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { FoundPicture, SearchPage, ShownPicture } from "../types.ts";

/** A picture in the grid; one that was found has a cosine. */
export type GridPicture = ShownPicture & Partial<FoundPicture>;

/** What can be done with a picture. */
export interface PictureActions {
  /** Looks for its neighbours. */
  search(picture: ShownPicture): void;
  /** Shows it large. */
  enlarge(at: number): void;
}

/** The address of a picture: a small one, a large one, or its file. Relative, so that the page may lie below any path. */
export function pictureAddress(
  { token }: SearchPage,
  index: number,
  kind: "small" | "large" | "file",
): string {
  return `pictures/${index}/${kind}?${token}`;
}

/** The class of a picture, in words. */
export function className({ classes }: SearchPage, { label }: ShownPicture): string {
  return classes[label]?.name ?? "";
}

/** Pictures in a grid: each is a button that looks for its neighbours, beside one that shows it large. */
export function pictureGrid(
  page: SearchPage,
  pictures: readonly GridPicture[],
  { search, enlarge }: PictureActions,
): PageElement {
  const grid = element("ol", { class: "found" }), picks: PageElement[] = [];
  pictures.forEach((picture, at) => {
    const { index, key, cosine } = picture, named = className(page, picture);
    const small = element("img", { src: pictureAddress(page, index, "small"), alt: "", loading: "lazy" });
    // Without this a file that is gone would leave an empty button.
    small.addEventListener("error", () => small.classList.add("gone"));
    const pick = element("button", { type: "button", class: "pick", title: key }, small);
    pick.setAttribute("aria-label", `Search with ${key}`);
    pick.addEventListener("click", () => search(picture));
    pick.addEventListener("keydown", (event) => {
      const move = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (event.key === "z") enlarge(at);
      else if (move !== 0) picks[at + move]?.focus();
      else return;
      event.preventDefault();
    });
    picks.push(pick);
    const zoom = element("button", { type: "button", class: "zoom", "aria-label": `Enlarge ${key}` }, "⤢");
    zoom.addEventListener("click", () => enlarge(at));
    const says = element("span", { class: "cosine" }, cosine === undefined ? "" : cosine.toFixed(3));
    const line = element("div", { class: "line" }, says, element("span", { class: "soft" }, named), zoom);
    grid.append(element("li", {}, pick, element("div", { class: "name" }, key), line));
  });
  return grid;
}
