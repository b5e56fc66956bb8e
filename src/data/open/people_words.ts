import { exists } from "./open_data.ts";
import { parseDataUri, type SourceUri } from "./parse_data_uri.ts";

/**
 * The one data set of persons that the user's words name, whatever characters its name has.
 *
 * @param words Such as `market:./Market-1501`.
 * @param formats Names of the kinds that can be meant.
 * @returns Undefined where the words name several, or one of another kind.
 * @throws {Error} When the words cannot be understood.
 */
export function peopleSource(words: string, formats: readonly string[]): SourceUri | undefined {
  const [source, ...others] = parseDataUri(words, { exists });
  const meant = others.length === 0 && source.names.length === 1 && source.certain;
  return meant && formats.includes(source.format!) ? source : undefined;
}
