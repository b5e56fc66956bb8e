/** What help texts say of the kinds of source: all of it from the registry. */
import { QUOTING } from "../io/name_patterns.ts";
import type { SourceFormat } from "./format.ts";
import { PICTURE_ENDINGS } from "./picture_file.ts";
import { FORMATS } from "./registry.ts";

/** Joins words as in `a, b or c`. */
function either(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/**
 * What data can be, in one line: for the help of a flag.
 *
 * @param formats Default: those of the registry.
 */
export function dataSummary(formats: readonly SourceFormat[] = FORMATS): string {
  const remote = formats.filter(({ remote }) => remote).map(({ name }) => name);
  const titles = formats.map(({ title, name, endings }) =>
    // What is told neither by an ending nor by a look needs its prefix.
    endings.length > 0 || name === "folder" ? title : `${title} (${name}:PATH)`
  );
  return `${titles.join(", ")}; http(s) URLs of ${either(remote)}; several as A*0.3,B*0.7`;
}

/** One row of {@linkcode dataRows}. */
export type HelpRow = readonly [words: string, meaning: string];

/**
 * Every way to write data, and what it means.
 *
 * @param formats Default: those of the registry.
 */
export function dataRows(formats: readonly SourceFormat[] = FORMATS): HelpRow[] {
  const options = new Map<string, { words: string; help: string; of: string[] }>();
  for (const { name, options: own, shortOption } of formats) {
    for (const { name: option, value, help } of own) {
      const words = `…#${option}=${value}`, known = options.get(words);
      const of = shortOption === option ? `${name}: (also as #${value} alone)` : `${name}:`;
      if (known) known.of.push(of);
      else options.set(words, { words, help, of: [of] });
    }
  }
  return [
    ...formats.flatMap(({ examples }) => examples),
    [
      "./photos*0.3,./d.tar*0.7",
      "several, with their shares; without shares, in proportion to their pictures",
    ],
    ...[...options.values()].map(({ words, help, of }): HelpRow => [words, `${help}; for ${of.join(", ")}`]),
  ];
}

/** What else a user has to know of names: paragraphs. */
export const DATA_NOTES: readonly string[] = [
  "If names tell splits (train-00000-of-00002.parquet, val2017/, bedroom_train_lmdb) and you ask for none, train is taken " +
  "and a line says so; eval --test takes the other one, if there is only one. #split=train+validation takes two, " +
  "#split=all takes all, #split=none takes folders called train and test as classes.",
  `${QUOTING}.`,
  `Pictures in folders are files named .${
    PICTURE_ENDINGS.join(", .")
  }, and files with other endings that begin as a ` +
  "picture does. Anything else in a source is passed over, counted and reported.",
];
