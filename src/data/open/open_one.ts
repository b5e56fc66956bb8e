import type { StreamSource } from "../epoch/shuffle.ts";
import { hasWildcard, quoteName, unquoteName } from "../io/name_patterns.ts";
import { isRemote } from "../io/paths.ts";
import type { OpenRequest, SourceFormat } from "../sources/format.ts";
import { openJoined } from "../sources/joined.ts";
import { requestedPath } from "../sources/named_paths.ts";
import { formatByEnding, formatNamed } from "../sources/registry.ts";
import type { Claim } from "../sources/places.ts";
import type { Source } from "../types.ts";
import type { SourceUri } from "./parse_data_uri.ts";
import { formatInside, recognise } from "./recognise.ts";

/** How one source is opened: as {@linkcode OpenRequest} says, and the kinds of source that there are. */
export type OneOptions =
  & Partial<Pick<OpenRequest, "labels" | "classes" | "objects" | "http" | "role" | "claim" | "progress">>
  & {
    formats: readonly SourceFormat[];
    /** Whether all splits are wanted, of a folder that is one of several. */
    all?: boolean;
  };

/**
 * Opens one source: as the kind that its words name, or else as what is there looks like.
 *
 * @throws {Error} That names what cannot be opened, why, and what to do.
 */
export async function openOne(source: SourceUri, options: OneOptions): Promise<Source | StreamSource> {
  const { formats, labels, classes, objects, claim, role = "train", progress = () => {} } = options;
  const http = options.progress ? { progress: options.progress, ...options.http } : options.http;
  const request: OpenRequest = { ...source, labels, classes, objects, http, role, claim, progress };
  const path = localPath(source);
  const told = source.format === null
    ? formatByEnding(path ?? "", formats)
    : formatNamed(source.format, formats);
  // An ending tells what a file is. A folder may be called anything.
  const certain = told && (source.certain || path === null || !isFolder(path));
  if (certain) return await told.open(request);
  if (path !== null) return await openByLook(path, source, request, options);
  const only = await requestedPath(request), names = [quoteName(only)];
  return await openByLook(only, { ...source, names }, { ...request, names }, options);
}

/** Opens what is at a path: itself, or the folders in it that belong together. */
async function openByLook(
  path: string,
  source: SourceUri,
  request: OpenRequest,
  options: OneOptions,
): Promise<Source | StreamSource> {
  const { formats } = options;
  const format = await recognise(path, formats);
  // What is said on the way holds only if these are opened; else the format says it again.
  const said: string[] = [];
  const below = await format.below?.({ ...request, progress: (line) => said.push(line) });
  if (below) {
    for (const line of said) request.progress(line);
    const { split, ...others } = source.options;
    const open = (folder: string, claim?: Claim) =>
      openOne(
        { ...source, text: folder, format: null, names: [quoteName(folder)], options: others },
        { ...options, claim, all: split === "all" },
      );
    if (below.length === 1) return await open(below[0], request.claim);
    return await openJoined(below, async (folder, claim) => {
      const one = await open(folder, claim);
      if ("get" in one) return one;
      await one.close();
      throw new Error(
        `${folder}: can only be read in order, so it cannot be joined; name the folders one by one`,
      );
    }, request.claim);
  }
  checkOptions(source, format);
  const takes = (name: string) => format.options.some((option) => option.name === name);
  try {
    // Lists in one of the folders are not asked then.
    const all = options.all && takes("split") ? { options: { ...request.options, split: "all" } } : {};
    return await format.open({ ...request, ...all });
  } catch (error) {
    const inside = formatInside(error, formats);
    if (!inside) throw error;
    checkOptions(source, inside);
    return await inside.open(request);
  }
}

/** The path of a source that is one local name. */
function localPath({ names }: SourceUri): string | null {
  return names.length === 1 && !hasWildcard(names[0]) && !isRemote(names[0]) ? unquoteName(names[0]) : null;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Refuses an option that the format does not have. */
function checkOptions({ text, options }: SourceUri, format: SourceFormat): void {
  const unknown = Object.keys(options).find((key) => !format.options.some(({ name }) => name === key));
  if (unknown === undefined) return;
  const there = format.options.map(({ name }) => name).join(", ");
  throw new Error(`${text}: is ${format.title}, which takes no option "${unknown}"; there are ${there}`);
}
