import assert from "node:assert/strict";
import { figuresAt, figuresPart } from "../../src/report/page/figures.ts";
import type { PageState } from "../../src/report/page/elements.ts";
import { settingsPart } from "../../src/report/page/parts.ts";
import type { Report, ReportFigures, RunReport } from "../../src/report/types.ts";

/** As much of an element as these parts use. */
class Part {
  value = "";
  textContent = "";
  readonly children: (Part | string)[] = [];
  readonly heard = new Map<string, () => void>();
  constructor(readonly tag: string) {}
  setAttribute() {}
  append(...more: (Part | string)[]) {
    this.children.push(...more);
  }
  replaceChildren(...others: (Part | string)[]) {
    this.children.splice(0, Infinity, ...others);
  }
  addEventListener(name: string, listener: () => void) {
    this.heard.set(name, listener);
  }
  find(tag: string): Part[] {
    return this.children.flatMap((child) =>
      typeof child === "string" ? [] : [...(child.tag === tag ? [child] : []), ...child.find(tag)]
    );
  }
  text(): string {
    return this.children.map((child) => typeof child === "string" ? child : child.text()).join(" ");
  }
}

/** Makes parts of the page without a browser. */
function drawn<T>(work: () => T): T {
  const world = globalThis as { document?: unknown };
  world.document = { createElement: (tag: string) => new Part(tag) };
  try {
    return work();
  } finally {
    delete world.document;
  }
}

const figures = (...steps: number[]) =>
  steps.map((step): ReportFigures => ({
    ...{
      step,
      reconstruction: "",
      attention: "",
      map: [],
      explained: [0, 0],
      neighbours: [],
      mass: 0,
      heads: 1,
    },
  }));

Deno.test("figures: a slider keeps its step while others come and go, and at the end goes on with the run", () =>
  drawn(() => {
    const state: PageState = { open: new Set(), chosen: new Map() };
    const show = (...steps: number[]) => {
      const run = { name: "run", figures: figures(...steps), gallery: null } as unknown as RunReport;
      const part = figuresPart(state, run) as unknown as Part, [slider] = part.find("input");
      return { slider, says: part.find("output")[0].textContent };
    };
    const choose = (slider: Part, at: number) => {
      slider.value = String(at);
      slider.heard.get("input")!();
    };
    const { slider, says } = show(100, 200, 300, 400);
    assert.equal(says, "step 400");
    choose(slider, 2);
    assert.equal(show(100, 200, 300, 400, 500).says, "step 300");
    // The list is thinned: the same step stands elsewhere, or only its neighbours are left.
    const thinned = show(100, 300, 500);
    assert.deepEqual([thinned.says, thinned.slider.value], ["step 300", "1"]);
    assert.equal(show(100, 340, 600).says, "step 340");
    choose(show(100, 300, 500).slider, 2);
    assert.equal(show(100, 300, 500, 700).says, "step 700");
    assert.deepEqual([10, 150, 151, 999].map((step) => figuresAt(figures(100, 200), step)), [0, 0, 1, 1]);
  }));

Deno.test("settings of several runs: one that a run lacks is a dash, whatever it is called", () =>
  drawn(() => {
    const run = (name: string, settings: Record<string, string>) => ({ name, preset: "demo", settings });
    const runs = [run("a", { constructor: "1", seed: "2" }), run("b", { seed: "2" })];
    const part = settingsPart({ runs } as unknown as Report) as unknown as Part;
    const cells = part.find("td").map((cell) => cell.text());
    assert.ok(cells.includes("1") && cells.includes("–"), `${cells}`);
    assert.ok(!cells.some((text) => text.includes("native code")), `${cells}`);
  }));
