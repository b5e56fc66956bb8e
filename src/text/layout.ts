/** Text for a terminal. */

/** Control characters other than line ends and tabs, and the ones that turn the direction of writing. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** What would end a line or jump to another column. */
const BREAKS = /[\t\n\u2028\u2029]/g;

function escaped(char: string): string {
  const code = char.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
}

/** Shows control characters as `\x1b`: a file's name or a server's words must not steer the terminal. */
export function visible(text: string): string {
  return text.replace(CONTROL, escaped);
}

/** A name as it stands in a line or a cell: as {@linkcode visible}, line ends and tabs too, as `\n` and `\t`. */
export function inLine(name: string): string {
  return visible(name).replace(
    BREAKS,
    (char) => char === "\n" ? "\\n" : char === "\t" ? "\\t" : escaped(char),
  );
}

/** A text as people should see it: control characters shown, the system's error numbers left out beside its words. */
export function readable(text: string): string {
  return visible(text).replace(/ \(os error \d+\)/g, "");
}

/** Text of several lines as one. */
export function oneLine(text: string): string {
  return text.trim().split(/\s*\n\s*/).join(" | ");
}

/**
 * Breaks a text into lines at its spaces. A word that is longer than a line gets a line of its own.
 *
 * @param text One paragraph.
 * @param width Characters of a line, at least 1.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line += (line === "" ? "" : " ") + word;
  }
  return [...lines, line];
}

/**
 * Two columns: names, and what is said of each. Where a name is too long for its column, or the whole too narrow, the text
 * begins on the next line.
 *
 * @param rows Names and texts.
 * @param width Characters of a line.
 * @param column Characters of the first column, the indent included.
 */
export function twoColumns(
  rows: readonly (readonly [name: string, text: string])[],
  width: number,
  column = 30,
): string[] {
  const narrow = width < column + 30, indent = " ".repeat(narrow ? 6 : column);
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - indent.length).map((line) => indent + line);
    const head = `  ${name}`;
    if (narrow || head.length + 1 >= column) return [head, ...lines];
    return [head.padEnd(column) + lines[0].slice(column), ...lines.slice(1)];
  });
}

/** A word as a POSIX shell takes it: in quotes where it holds anything but letters, digits and a few signs. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
