/**
 * What the scripts of pages use of a browser. Declared here, because the whole of a browser's names beside Deno's would be
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
  readonly classList: { add(name: string): void; remove(name: string): void };
  /** Of an element that folds. */
  open: boolean;
  /** Of an input. */
  value: string;
  /** Of an input for files. */
  readonly files: ArrayLike<File> | null;
  hidden: boolean;
  setAttribute(name: string, value: string): void;
  append(...nodes: (PageNode | string)[]): void;
  insertBefore(node: PageNode, before: PageNode | null): void;
  replaceChildren(...nodes: (PageNode | string)[]): void;
  remove(): void;
  focus(): void;
  /** Of a dialog. */
  showModal(): void;
  close(): void;
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
  /** Of what is dropped or pasted. */
  readonly dataTransfer: { readonly files: ArrayLike<File> } | null;
  readonly clipboardData: { readonly files: ArrayLike<File> } | null;
  preventDefault(): void;
}

/** The browser's global names. */
export interface Browser {
  readonly document: {
    readonly documentElement: PageElement;
    createElement(tag: string): PageElement;
    createElementNS(space: string, tag: string): PageElement;
    querySelector(selector: string): PageElement | null;
    addEventListener(name: string, listener: (event: PageEvent) => void): void;
  };
  readonly location: { hash: string };
  readonly navigator: { readonly clipboard: { writeText(text: string): Promise<void> } };
  readonly ResizeObserver: new (
    changed: () => void,
  ) => { observe(element: PageElement): void; disconnect(): void };
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
  getSelection(): { selectAllChildren(node: PageNode): void } | null;
  addEventListener(name: "hashchange", listener: () => void): void;
  matchMedia(query: string): { addEventListener(name: "change", listener: () => void): void };
}

/** The browser that this runs in. */
export function browser(): Browser {
  return globalThis as unknown as Browser;
}
