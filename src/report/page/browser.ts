/**
 * What the page's script uses of a browser. Declared here, because the whole of a browser's names beside Deno's would be
 * there for every program that imports this one.
 *
 * @module
 */

/** Something in a document: an element or a text. */
export interface PageNode {
  textContent: string | null;
}

/** An element, of whatever kind; what it has not does nothing. */
export interface PageElement extends PageNode {
  readonly children: ArrayLike<PageElement>;
  readonly lastElementChild: PageElement | null;
  readonly clientWidth: number;
  readonly style: { setProperty(name: string, value: string): void };
  readonly dataset: Record<string, string | undefined>;
  readonly classList: { add(name: string): void; remove(name: string): void };
  /** Of an element that folds. */
  open: boolean;
  /** Of an input. */
  value: string;
  hidden: boolean;
  setAttribute(name: string, value: string): void;
  append(...nodes: (PageNode | string)[]): void;
  insertBefore(node: PageNode, before: PageNode | null): void;
  replaceChildren(...nodes: (PageNode | string)[]): void;
  remove(): void;
  getBoundingClientRect(): { left: number; top: number; width: number };
  querySelector(selector: string): PageElement | null;
  addEventListener(name: string, listener: (event: PageEvent) => void): void;
}

/** Something that happened in the page. */
export interface PageEvent {
  /** Of a key. */
  readonly key: string;
  /** Of a pointer, in the window. */
  readonly clientX: number;
  readonly clientY: number;
  readonly target: PageElement;
  preventDefault(): void;
}

/** The browser's global names. */
export interface Browser {
  readonly document: {
    readonly documentElement: PageElement;
    createElement(tag: string): PageElement;
    createElementNS(space: string, tag: string): PageElement;
    querySelector(selector: string): PageElement | null;
  };
  readonly navigator: { readonly clipboard: { writeText(text: string): Promise<void> } };
  readonly ResizeObserver: new (
    changed: () => void,
  ) => { observe(element: PageElement): void; disconnect(): void };
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
  getSelection(): { selectAllChildren(node: PageNode): void } | null;
  matchMedia(query: string): { addEventListener(name: "change", listener: () => void): void };
}

/** The browser that this runs in. */
export function browser(): Browser {
  return globalThis as unknown as Browser;
}

/** Numbers of a chart: steps, and for each line its values. */
export type ChartData = [number[], ...(number | null)[][]];

/** A chart of the library. */
export interface LibraryChart {
  readonly data: ChartData;
  readonly cursor: { readonly idx?: number | null };
  setData(data: ChartData, resetScales: boolean): void;
  setCursor(at: { left: number; top: number }): void;
  valToPos(value: number, scale: "x"): number;
  destroy(): void;
}

/** What is used of the chart library, uPlot. */
export interface ChartLibrary {
  new (options: Readonly<Record<string, unknown>>, data: ChartData, into: PageElement): LibraryChart;
  /** Puts the steps of several lines together. */
  join(tables: ChartData[]): ChartData;
}
