import { browser, type PageElement } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import type { Group, SearchPage } from "../types.ts";

/** Where the user says what to look for, and among what. */
export interface AskPart {
  element: PageElement;
  /** Numbers of neighbours and filters, as a server's question. */
  question(): string;
}

/** Says that a picture of the user's has more bytes than may be sent; an empty text where it has not. */
export function tooLarge({ mostBytes }: SearchPage, { name, size }: File): string {
  if (size <= mostBytes) return "";
  const limit = `${Math.floor(mostBytes / 1e6)} MB`;
  return `${name} has ${Math.ceil(size / 1e6)} MB; pictures of up to ${limit} can be sent.`;
}

/** A choice among groups of pictures, or all. */
export function groupChoice(label: string, all: string, groups: readonly Group[]): PageElement {
  const choice = element("select", {}, element("option", { value: "" }, all));
  groups.forEach(({ name, pictures }, i) => {
    if (pictures > 0) {
      choice.append(element("option", { value: String(i) }, `${name} (${pictures.toLocaleString("en")})`));
    }
  });
  return element("label", {}, element("span", {}, label), choice);
}

/**
 * Makes the part with the file button, which takes what is dropped or pasted anywhere in the page as well, and the filters.
 *
 * @param send Takes a picture of the user's.
 * @param changed Called when a filter has changed.
 */
export function askPart(page: SearchPage, send: (file: File) => void, changed: () => void): AskPart {
  const { document } = browser(), { classes, folders, mostBytes } = page;
  const part = element("section", { class: "ask", "aria-label": "What to look for" });
  if (mostBytes > 0) {
    const input = element("input", { type: "file", accept: "image/*" });
    const drop = element(
      "label",
      { class: "drop" },
      element("span", {}, "Drop a picture here, paste one, or choose a file:"),
      input,
    );
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      // The same file may be chosen again.
      input.value = "";
      if (file) send(file);
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    document.addEventListener("dragleave", () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file) send(file);
    });
    document.addEventListener("paste", (event) => {
      const file = event.clipboardData?.files[0];
      if (file) send(file);
    });
    part.append(drop);
  }
  const inClass = groupChoice("Class", "all", classes), inFolder = groupChoice("Folder", "all", folders);
  const count = element(
    "select",
    {},
    ...["24", "48", "96", "200"].map((k) => element("option", { value: k }, k)),
  );
  count.value = "48";
  const size = element("input", { type: "range", min: "80", max: "320", step: "10" });
  size.value = "150";
  const resize = () => document.documentElement.style.setProperty("--side", `${size.value}px`);
  size.addEventListener("input", resize);
  resize();
  const filters = element("div", { class: "filters" });
  if (classes.length > 0) filters.append(inClass);
  if (folders.length > 1) filters.append(inFolder);
  filters.append(
    element("label", {}, element("span", {}, "Pictures"), count),
    element("label", {}, element("span", {}, "Size"), size),
  );
  part.append(filters);
  // By this name the server knows which questions are of one page; only its last one counts.
  const name = Math.random().toString(36).slice(2);
  const chosen = (label: PageElement) => label.querySelector("select")!;
  for (const choice of [chosen(inClass), chosen(inFolder), count]) choice.addEventListener("change", changed);
  return {
    element: part,
    question() {
      const [label, folder] = [chosen(inClass).value, chosen(inFolder).value];
      const asked = new URLSearchParams({ k: count.value, page: name });
      if (label !== "") asked.set("label", label);
      if (folder !== "") asked.set("folder", folders[Number(folder)].name);
      return String(asked);
    },
  };
}
