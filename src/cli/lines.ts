/** How a command shows how it goes on: lines that stay, and one that changes. */
import { readable } from "../text/layout.ts";

/** Lines on the error output. */
export interface Lines {
  /** Says a line that stays. */
  line(text: string): void;
  /**
   * Shows a state that the next one replaces: on a terminal in its last line, elsewhere as a line now and then. Most
   * calls show nothing, so the text is made only when it is wanted.
   *
   * @param show Gives the text for so many characters, or for a line of any length.
   * @param last True for the last state, which is always shown.
   */
  status(show: (columns: number) => string, last?: boolean): void;
  /** Ends the changing line, if there is one. */
  close(): void;
}

/** Where and how lines are shown. */
export interface LinesOptions {
  /** Takes text as it is. */
  write: (text: string) => void;
  /** True: states are written over each other. False: one is a line of its own. */
  terminal: boolean;
  /** Characters in a line of the terminal. Default 80. */
  columns?: () => number;
  /** Seconds between states where there is no terminal. Default 10. */
  every?: number;
  /** The time in milliseconds; for tests. */
  now?: () => number;
}

/** Milliseconds between states on a terminal. */
const FRAME = 100;
/** Where there is no terminal, a state of the first second is no news. */
const FIRST = 1000;
const CLEAR = "\r\x1b[K";

/** Cuts a text to so many characters, between whole ones. */
const cut = (text: string, length: number) => [...text].slice(0, length).join("");

/** A writer of lines. */
export function openLines(options: LinesOptions): Lines {
  const { write, terminal, columns = () => 80, every = 10, now = () => performance.now() } = options;
  let open = false, next = terminal ? -Infinity : now() + FIRST;
  const close = () => {
    if (open) write("\n");
    open = false;
  };
  return {
    close,
    line(text) {
      write(`${open ? CLEAR : ""}${readable(text)}\n`);
      open = false;
    },
    status(show, last = false) {
      const time = now();
      if (time < next && !last) return;
      next = time + (terminal ? FRAME : every * 1000);
      if (!terminal) return write(`${readable(show(Infinity))}\n`);
      // In the last column some terminals begin a new line.
      const room = Math.max(1, columns() - 1);
      write(CLEAR + cut(readable(show(room)), room));
      open = true;
      if (last) close();
    },
  };
}

/**
 * A bar before a text, as long as the line has room for.
 *
 * @param done Share that is done, 0 to 1.
 * @param text What stands behind it.
 * @param columns Characters of the line; a line of any length gets no bar.
 */
export function withBar(done: number, text: string, columns: number): string {
  const length = Number.isFinite(columns) ? Math.min(30, columns - text.length - 3) : 0;
  if (length < 8) return text;
  const full = Math.round(length * Math.min(1, Math.max(0, done)));
  return `[${"█".repeat(full)}${"·".repeat(length - full)}] ${text}`;
}
