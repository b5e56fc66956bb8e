/**
 * Names with patterns, as users write them. Some characters have a meaning: a comma separates names, `*` and `?` stand for
 * other characters, braces for several names, `#` begins options. A backslash before one of them takes that meaning away;
 * before any other character a backslash is a backslash.
 */

/** Takes the meaning from every character of a name that has one. */
export function quoteName(name: string): string {
  return name.replace(/[,*?{}#]/g, "\\$&");
}

/** The name that a pattern without wildcards and braces stands for. */
export function unquoteName(pattern: string): string {
  return pattern.replace(/\\([,*?{}#])/g, "$1");
}

/** Whether the character at `at` has lost its meaning. */
export function isQuoted(text: string, at: number): boolean {
  return text[at - 1] === "\\";
}

/** Where `char` stands for the last time with its meaning; −1 when it does not. */
export function lastUnquoted(text: string, char: string): number {
  for (let at = text.lastIndexOf(char); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(char, at - 1)) {
    if (!isQuoted(text, at)) return at;
  }
  return -1;
}

/** Whether a pattern has a `*` or `?` with its meaning. */
export function hasWildcard(pattern: string): boolean {
  return /(?<!\\)[*?]/.test(pattern);
}

/** Whether a text has any character with a meaning: then a name may have been understood otherwise than it was meant. */
export function hasMeaning(text: string): boolean {
  return /(?<!\\)[,*?{}#]/.test(text);
}

/** The rule for people. */
export const QUOTING =
  "A name that exists is taken as it stands. Elsewhere a backslash takes the meaning from , * ? { } and #, as in " +
  "'a\\,b'; in a URL write %2C for a comma, %23 for #, %7B and %7D for braces";
