import { redact } from "../../files/redact.ts";
import type { SourceUri } from "./parse_data_uri.ts";

/** What has a meaning behind `#`, and what would be trimmed. */
const MEANT = /[%&,*?{}#\\\s]/g;

const escaped = (letter: string) => `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** An option's value as it is written behind `#`. */
function valueWords(value: string): string {
  return value.replace(MEANT, (letter) => letter < "\x80" ? escaped(letter) : encodeURIComponent(letter));
}

/**
 * The words for one source as they were understood: its kind where a prefix told it, its name, and its options in the
 * order of their names. They open the same again, and two sources of one name that differ in an option have different ones.
 *
 * @param source Without its weight, which is the mixture's.
 * @returns Words for `openData`, without secrets.
 */
export function sourceWords({ text, format, certain, names, options }: SourceUri): string {
  const name = names.length === 1 ? names[0] : text;
  const pairs = Object.keys(options).sort().map((key) => `${key}=${valueWords(options[key])}`);
  return redact(
    `${certain && format ? `${format}:` : ""}${name}${pairs.length > 0 ? `#${pairs.join("&")}` : ""}`,
  );
}
