/** A row of a table of settings, and what such tables are written with. */
import type { Kind } from "../../cli/kinds.ts";

/** One row of the table of settings. */
export interface Setting {
  /** Heading in the help. */
  group: string;
  kind: Kind;
  /** One line for people. */
  help: string;
  /** True where a resumed run may use another value, because it changes no number of the training. */
  free?: boolean;
}

/** A text, which may be empty; `word` stands for it in the help. */
export const text = (word: string): Kind => ({ kind: "text", empty: true, word });

/** Two numbers, the smaller one first. */
export const pair = (min: number, max?: number): Kind => ({ kind: "pair", min, max, ordered: true });

/** Makes the rows of a group. */
export const group = (name: string) => (kind: Kind, help: string, free = false): Setting => ({
  group: name,
  kind,
  help,
  free,
});
