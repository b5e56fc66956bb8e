/** The parts of a data set of persons: what is learned, what is asked, and what is searched. */
import { didYouMean } from "../../../text/nearest.ts";
import { isPathError, pathError } from "../../io/paths.ts";
import type { FormatOption, OpenRequest } from "../format.ts";

/** The names of the parts. */
export const PARTS = ["train", "query", "gallery"] as const;

/** One of {@linkcode PARTS}. */
export type PartName = typeof PARTS[number];

/** The option that names a part. */
export const PART: FormatOption = {
  name: "split",
  value: "PART",
  help: "train, query or gallery",
};

/**
 * The part that a request means.
 *
 * @throws {Error} When it names none and is to be tested on, or names one that there is not.
 */
export function requestedPart({ text, options, role }: OpenRequest): PartName {
  const { split } = options;
  if (split === undefined && role === "train") return "train";
  const part = PARTS.find((name) => name === split);
  if (part) return part;
  const wrong = split === undefined ? "has two parts to be tested on" : `has no part "${split}"`;
  const meant = split === undefined ? "" : didYouMean(split, PARTS, (name) => name);
  throw new Error(
    `${text}: ${wrong}${
      meant ? `${meant} Write` : "; write"
    } #query behind the name for the queries, #gallery for what ` +
      "is searched, or #train; deno task reid eval takes the two together",
  );
}

/**
 * Refuses a folder that is not there.
 *
 * @param missing What is said then.
 * @throws {Error} When it is not there, is no folder, or cannot be looked at.
 */
export async function requireFolder(folder: string, missing: string): Promise<void> {
  try {
    if ((await Deno.stat(folder)).isDirectory) return;
  } catch (error) {
    if (!isPathError(error)) throw error;
    if (!(error instanceof Deno.errors.NotFound)) throw pathError(error, folder, "read");
  }
  throw new Error(missing);
}
