import { browser } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { SearchAnswer, SearchPage, ShownPicture } from "../types.ts";
import { askPart } from "./ask.ts";
import { className, type GridPicture, pictureAddress, pictureGrid } from "./gallery.ts";
import { openViewer } from "./viewer.ts";

/** What the page does: asks the server for the neighbours of a picture and shows them. */
export function start(): void {
  const { document, location } = browser();
  const page = JSON.parse(document.querySelector("#search")!.textContent!) as SearchPage;
  const main = document.querySelector("main")!, status = document.querySelector("#status")!;
  const query = element("section", { class: "query", "aria-label": "Query" });
  const problem = element("p", { class: "note", role: "alert" });
  const found = element("section", { "aria-label": "Pictures" });
  let own: { file: File; address: string } | undefined, running: AbortController | undefined;

  const say = (text: string) => {
    problem.textContent = text;
    problem.hidden = text === "";
  };
  const choose = (picture: ShownPicture) => {
    if (location.hash === `#picture=${picture.index}`) look();
    else location.hash = `picture=${picture.index}`;
  };
  const viewer = openViewer(page, choose);
  const show = (pictures: readonly GridPicture[]) => {
    const enlarge = (at: number) => viewer.show(pictures, at);
    found.replaceChildren(
      pictures.length > 0
        ? pictureGrid(page, pictures, { search: choose, enlarge })
        : element("p", { class: "soft" }, "No picture fits these filters."),
    );
  };
  /** Shows what is looked for; a picture of the set can be enlarged. */
  const showQuery = (address: string, name: string, picture?: ShownPicture) => {
    const shown = element("img", { src: address, alt: `The query: ${name}` });
    const texts = [element("p", { class: "name" }, name)];
    if (picture) {
      texts.push(element("p", { class: "soft" }, className(page, picture)));
      const zoom = element("button", { type: "button" }, "Enlarge");
      zoom.addEventListener("click", () => viewer.show([picture], 0));
      texts.push(zoom);
    }
    const back = element("a", { href: "#" }, "Other pictures");
    query.replaceChildren(shown, element("div", {}, element("h2", {}, "Nearest to"), ...texts, back));
    query.hidden = false;
  };
  const search = async (
    address: string,
    options: RequestInit,
    answered: (query: ShownPicture | null) => void,
  ) => {
    running?.abort();
    const mine = running = new AbortController(), begun = performance.now();
    status.textContent = "searching …";
    say("");
    try {
      const response = await fetch(address, { ...options, signal: mine.signal });
      const answer = await response.json() as SearchAnswer;
      if (mine !== running) return;
      if ("error" in answer) throw new Error(answer.error);
      answered(answer.query);
      show(answer.found);
      const count = `${answer.found.length} of ${page.pictures.toLocaleString("en")} pictures`;
      status.textContent = `${count}, ${((performance.now() - begun) / 1000).toFixed(2)} s`;
    } catch (error) {
      if (mine !== running) return;
      status.textContent = "";
      const { message, name } = error as Error;
      say(
        name === "TypeError" || name === "SyntaxError" ? `The server does not answer: ${message}` : message,
      );
    }
  };
  /** Does what the address says: `#picture=17` one of the set, `#own` the user's, else some pictures to begin with. */
  const look = () => {
    const { hash } = location, index = /^#picture=(\d+)$/.exec(hash)?.[1];
    if (index !== undefined) {
      search(`search?picture=${index}&${ask.question()}`, {}, (picture) => {
        if (picture) showQuery(pictureAddress(page, picture.index, "small"), picture.key, picture);
      });
    } else if (hash === "#own" && own) {
      const { file, address } = own;
      search(`search?${ask.question()}`, { method: "POST", body: file }, () => showQuery(address, file.name));
    } else {
      running?.abort();
      running = undefined;
      query.hidden = true;
      say("");
      status.textContent = `${page.pictures.toLocaleString("en")} pictures of ${page.name}, by ${page.model}`;
      show(page.first);
    }
  };
  const send = (file: File) => {
    if (file.size > page.mostBytes) {
      const limit = `${Math.floor(page.mostBytes / 1e6)} MB`;
      return say(
        `${file.name} has ${Math.ceil(file.size / 1e6)} MB; pictures of up to ${limit} can be sent.`,
      );
    }
    if (own) URL.revokeObjectURL(own.address);
    own = { file, address: URL.createObjectURL(file) };
    if (location.hash === "#own") look();
    else location.hash = "own";
  };
  const ask = askPart(page, send, () => look());
  main.append(ask.element, problem, query, found);
  browser().addEventListener("hashchange", look);
  look();
}
