import type { ReportFigures, ReportGallery, RunReport } from "../types.ts";
import { browser, type PageElement, type PageEvent } from "../../web/browser.ts";
import { element } from "../../web/element.ts";
import { numberText, type PageState, shareText, table, unfolding } from "./elements.ts";

/** A picture of the gallery at its own size; empty for a number that no picture has. */
export function thumbnail(gallery: ReportGallery, index: number, title: string): PageElement {
  const { side, columns, address } = gallery,
    shown = element("div", { class: "thumbnail", title, role: "img", "aria-label": title });
  if (!Number.isInteger(index) || index < 0 || index >= gallery.keys.length) return shown;
  // One picture out of the sheet: the sheet behind a window of its size.
  const sheet = element("img", { src: address, alt: "" });
  shown.append(sheet);
  shown.style.setProperty("--side", `${side}px`);
  sheet.style.setProperty("margin-left", `${-(index % columns) * side}px`);
  sheet.style.setProperty("margin-top", `${-Math.floor(index / columns) * side}px`);
  return shown;
}

/** What a picture of the gallery is called: its name and its class. */
export function pictureName(gallery: ReportGallery, index: number): string {
  const { keys, classes, labels } = gallery, label = classes[index];
  const name = keys[index] ?? `picture ${index}`;
  return label >= 0 ? `${name} · ${labels[label] ?? `class ${label}`}` : name;
}

/** Query pictures and those that are nearest to each. */
export function neighboursPart(gallery: ReportGallery, figures: ReportFigures): PageElement {
  const grid = element("div", { class: "neighbours" });
  for (const { query, nearest } of figures.neighbours) {
    const row = element(
      "div",
      { class: "neighbour-row" },
      thumbnail(gallery, query, pictureName(gallery, query)),
    );
    for (const [index, cosine] of nearest) {
      const name = `${pictureName(gallery, index)}, cosine ${numberText(cosine)}`;
      row.append(
        element("div", {}, thumbnail(gallery, index, name), element("small", {}, cosine.toFixed(2))),
      );
    }
    grid.append(row);
  }
  return grid;
}

/** The map of the features: a point for each picture, which is shown when the pointer or the arrow keys come to it. */
export function mapPart(gallery: ReportGallery, figures: ReportFigures): PageElement {
  const space = "http://www.w3.org/2000/svg", { document } = browser();
  const svg = document.createElementNS(space, "svg"),
    shown = element("div", { class: "shown", "aria-live": "polite" });
  const set = (made: PageElement, attributes: Record<string, string>) => {
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const label =
    `Map of the features of ${figures.map.length} pictures. Arrow keys go from picture to picture.`;
  set(svg, {
    viewBox: "-1.06 -1.06 2.12 2.12",
    class: "map",
    tabindex: "0",
    role: "group",
    "aria-label": label,
  });
  const dots = figures.map.map(([x, y], index) => {
    const number = gallery.classes[index] ?? -1;
    const dot = set(document.createElementNS(space, "circle"), { cx: String(x), cy: String(-y), r: "0.022" });
    dot.style.setProperty("fill", `var(--line-${(number < 0 ? 0 : number) % 8})`);
    svg.append(dot);
    return dot;
  });
  let at = -1;
  const show = (index: number) => {
    if (index === at || index < 0 || index >= dots.length) return;
    dots[at]?.classList.remove("current");
    at = index;
    dots[at].classList.add("current");
    const name = pictureName(gallery, index);
    shown.replaceChildren(thumbnail(gallery, index, name), element("span", {}, name));
  };
  const near = (event: PageEvent) => {
    const { left, top, width } = svg.getBoundingClientRect(), scale = 2.12 / width;
    const x = (event.clientX - left) * scale - 1.06, y = 1.06 - (event.clientY - top) * scale;
    let best = -1, least = 0.15 ** 2;
    figures.map.forEach(([px, py], i) => {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    });
    show(best);
  };
  svg.addEventListener("pointermove", near);
  svg.addEventListener("pointerdown", near);
  svg.addEventListener("keydown", (event) => {
    const move = event.key === "ArrowRight" || event.key === "ArrowDown"
      ? 1
      : event.key === "ArrowLeft" || event.key === "ArrowUp"
      ? -1
      : 0;
    if (move === 0) return;
    show(Math.max(0, Math.min(dots.length - 1, at + move)));
    event.preventDefault();
  });
  shown.append(element("span", { class: "soft" }, "Move over the map to see the pictures."));
  return element("div", {}, svg, shown);
}

/** The numbers behind the map and the neighbours. */
export function figuresTable(gallery: ReportGallery, figures: ReportFigures): PageElement {
  const nearest = new Map(figures.neighbours.map((asked) => [asked.query, asked.nearest]));
  const rows = figures.map.map(([x, y], index) => [
    pictureName(gallery, index),
    numberText(x),
    numberText(y),
    (nearest.get(index) ?? []).map(([other, cosine]) =>
      `${pictureName(gallery, other)} (${numberText(cosine)})`
    ).join("; "),
  ]);
  return table(
    ["picture", "x", "y", "nearest (cosine)"],
    rows,
    "The map's points, and the nearest neighbours",
  );
}

/** What a set of figures holds, as cards. */
export function figureCards(state: PageState, run: RunReport, figures: ReportFigures): PageElement[] {
  const { gallery } = run, cards: PageElement[] = [];
  const card = (title: string, text: string, ...content: PageElement[]) =>
    void cards.push(
      element(
        "figure",
        { class: "card" },
        element("figcaption", {}, title),
        element("p", { class: "soft" }, text),
        ...content,
      ),
    );
  const picture = (address: string, alt: string) => element("img", { src: address, alt, class: "sheet" });
  if (figures.reconstruction) {
    card(
      "Reconstruction",
      "From top to bottom: picture, crop, what the decoder was given, what it decoded, and the picture with its unseen part decoded.",
      picture(figures.reconstruction, `Reconstructions after step ${figures.step}`),
    );
  }
  if (figures.attention) {
    card(
      "Attention of the last block",
      `From the class token to the patches: the mean of ${figures.heads} heads, then every head. Below each, the patches that hold ${
        shareText(figures.mass)
      } of it.`,
      picture(figures.attention, `Attention after step ${figures.step}`),
    );
  }
  if (!gallery) return cards;
  card(
    "Nearest neighbours",
    "A picture, and those whose class tokens are nearest to its own, with the cosine.",
    neighboursPart(gallery, figures),
  );
  const [x, y] = figures.explained;
  card(
    "Map of the features",
    `Class tokens on their first two principal components, which hold ${shareText(x)} and ${
      shareText(y)
    } of the variance.${gallery.labels.length > 0 ? " Colours are classes." : ""}`,
    mapPart(gallery, figures),
    unfolding(state, `map ${run.name}`, "Numbers", () => figuresTable(gallery, figures)),
  );
  return cards;
}

/** What a detector finds in test pictures. */
export function detectionsCard({ detections }: RunReport): PageElement {
  return element(
    "figure",
    { class: "card" },
    element("figcaption", {}, "Detections"),
    element(
      "p",
      { class: "soft" },
      "Test pictures: annotated boxes in white; found ones in colours, with class and score in per cent, from a score of 30 up.",
    ),
    element("img", { src: detections, alt: "Test pictures with annotated and found boxes", class: "sheet" }),
  );
}

/** Where the figures of a step stand among those that are shown, or else those of the nearest one. */
export function figuresAt(figures: readonly Pick<ReportFigures, "step">[], step: number): number {
  const far = (at: number) => Math.abs(figures[at].step - step);
  return figures.reduce((best, _, at) => far(at) < far(best) ? at : best, 0);
}

/** A run's figures, with a slider over the checkpoints that they were drawn at. */
export function figuresPart(state: PageState, run: RunReport): PageElement {
  const part = element("article", {}, element("h3", {}, `Figures of ${run.name}`)), { figures } = run;
  if (run.detections) part.append(detectionsCard(run));
  if (figures.length === 0) {
    if (run.picture) {
      part.append(
        element("img", { src: run.picture, alt: "Reconstructions after the last step", class: "sheet" }),
      );
    }
    return part;
  }
  const key = `figures ${run.name}`,
    last = figures.length - 1,
    cards = element("div", { class: "figures-grid" });
  const slider = element("input", { type: "range", min: "0", max: String(last), step: "1" });
  const says = element("output", {});
  const show = (at: number) => {
    const { step } = figures[at];
    slider.setAttribute("aria-valuetext", `step ${step}`);
    says.textContent = `step ${numberText(step)}`;
    cards.replaceChildren(...figureCards(state, run, figures[at]));
  };
  // A slider that stands at the end goes on with the run; elsewhere it stays at its step, however many others have come or gone.
  const chosen = state.chosen.get(key), at = chosen === undefined ? last : figuresAt(figures, chosen);
  slider.value = String(at);
  slider.addEventListener("input", () => {
    const value = Number(slider.value);
    if (value === last) state.chosen.delete(key);
    else state.chosen.set(key, figures[value].step);
    show(value);
  });
  show(at);
  const checkpoints = element("label", { class: "slider" }, element("span", {}, "Checkpoint"), slider, says);
  part.append(
    ...(last > 0
      ? [checkpoints]
      : [element("p", { class: "soft" }, `After step ${numberText(figures[0].step)}.`)]),
    cards,
  );
  return part;
}
