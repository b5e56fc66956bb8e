import { browser } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { SearchPage, ShownPicture } from "../types.ts";
import { askPart, tooLarge } from "./ask.ts";
import { type GridPicture, pictureAddress, pictureGrid } from "./gallery.ts";
import { queryPart } from "./query.ts";
import { searcher } from "./searcher.ts";
import { openViewer } from "./viewer.ts";

/** What the page does: asks the server for the neighbours of a picture and shows them. */
export function start(): void {
  const { document, location } = browser();
  const page = JSON.parse(document.querySelector("#search")!.textContent!) as SearchPage;
  const main = document.querySelector("main")!, status = document.querySelector("#status")!;
  const problem = element("p", { class: "note", role: "alert" });
  const found = element("section", { "aria-label": "Pictures" });
  let own: { file: File; address: string } | undefined;

  const say = (text: string) => {
    problem.textContent = text;
    problem.hidden = text === "";
  };
  const choose = (picture: ShownPicture) => {
    if (location.hash === `#picture=${picture.index}`) look();
    else location.hash = `picture=${picture.index}`;
  };
  const viewer = openViewer(page, choose), query = queryPart(page, viewer);
  const show = (pictures: readonly GridPicture[]) => {
    const enlarge = (at: number) => viewer.show(pictures, at);
    found.replaceChildren(
      pictures.length > 0
        ? pictureGrid(page, pictures, { search: choose, enlarge })
        : element("p", { class: "soft" }, "No picture fits these filters."),
    );
  };
  const { search, stop } = searcher(page, status, say, found, show);
  /** Does what the address says: `#picture=17` one of the set, `#own` the user's, else some pictures to begin with. */
  const look = () => {
    const { hash } = location, index = /^#picture=(\d+)$/.exec(hash)?.[1];
    if (index !== undefined) {
      search(`search?picture=${index}&${ask.question()}`, {}, (picture) => {
        if (picture) query.show(pictureAddress(page, picture.index, "small"), picture.key, picture);
      });
    } else if (hash === "#own" && own) {
      const { file, address } = own;
      search(
        `search?${ask.question()}`,
        { method: "POST", body: file },
        () => query.show(address, file.name),
      );
    } else {
      stop();
      query.hide();
      say("");
      status.textContent = `${page.pictures.toLocaleString("en")} pictures of ${page.name}, by ${page.model}`;
      show(page.first);
    }
  };
  const send = (file: File) => {
    const refusal = tooLarge(page, file);
    if (refusal !== "") return say(refusal);
    if (own) URL.revokeObjectURL(own.address);
    own = { file, address: URL.createObjectURL(file) };
    if (location.hash === "#own") look();
    else location.hash = "own";
  };
  const ask = askPart(page, send, () => look());
  main.append(ask.element, problem, query.element, found);
  browser().addEventListener("hashchange", look);
  look();
}
