import { type Aside, expandPaths, type Found, type FoundPath } from "./expand_paths.ts";
import { isRemote } from "../io/paths.ts";
import type { OpenRequest } from "./format.ts";
import { fileKind, passedCounter, sumPassed } from "./passed_over.ts";
import { CountedElsewhereError, onePerPlace, type Placed } from "./places.ts";
import { chooseSplit, type SplitItem, splitOf, type SplitQuestion } from "./splits.ts";

/** The question that a request asks of a source's splits. */
export function splitQuestion(request: OpenRequest, where: string, what: string): SplitQuestion {
  const { options, role, progress } = request;
  return { where, what, wanted: options.split, role, progress };
}

/** Files that are looked into at once. */
const TOGETHER = 16;

/** Files that have the right ending and hold something else. */
export interface Others {
  is(path: string): Promise<boolean>;
  /** What they are, as said after a name. */
  why: string;
}

/** Leaves out files that hold something else, but those that the user wrote out; where no others are left, all stay. */
async function withoutOthers({ paths, passedOver }: Found, { is, why }: Others): Promise<Found> {
  const kept: FoundPath[] = [], passed = passedCounter();
  for (let at = 0; at < paths.length; at += TOGETHER) {
    const part = paths.slice(at, at + TOGETHER);
    const others = await Promise.all(part.map(async (path) => !path.named && await is(path.path)));
    part.forEach((path, i) => {
      if (others[i]) passed.add(fileKind(path.name), why, path.name);
      else kept.push(path);
    });
  }
  if (kept.length === 0) return { paths, passedOver };
  return { paths: kept, passedOver: sumPassed([passedOver, passed.list()]) };
}

/**
 * The files that a request means: its names expanded, of folders those with an ending, of several splits one.
 *
 * @param request What the user named.
 * @param endings Which files of a folder count.
 * @param aside Names in folders that are left out.
 * @param others Files in folders that are left out for what they hold.
 * @throws {Error} When nothing fits, or several splits could be meant.
 */
export async function requestedFiles(
  request: OpenRequest,
  endings: readonly string[],
  aside?: Aside,
  others?: Others,
): Promise<{ files: string[] } & Pick<Found, "passedOver">> {
  const all = await expandPaths(request.names, endings, { aside, claim: request.claim });
  const { paths, passedOver } = others ? await withoutOthers(all, others) : all;
  const chosen = chooseSplit(splitItems(paths), splitQuestion(request, request.text, "file"));
  const files = countedHere(chosen, request);
  return { files: files.map(({ path }) => path), passedOver };
}

/**
 * Those of several things that count in this folder, where it is opened together with others.
 *
 * @throws {CountedElsewhereError} When none does.
 */
export function countedHere<T extends Placed>(items: readonly T[], { claim, text }: OpenRequest): T[] {
  const here = items.filter(({ place }) => place === undefined || !claim || claim(place));
  if (here.length === 0) throw new CountedElsewhereError(text);
  return here;
}

/** Paths with their splits. A pattern that fits names of one split only was meant for that one. */
function splitItems(paths: readonly FoundPath[]): SplitItem<FoundPath>[] {
  const items = paths.map((path) => ({
    item: path,
    name: path.name,
    split: splitOf(path.name),
    // What the user wrote several times is meant several times.
    place: path.place && `${path.from} ${path.place}`,
    linked: path.linked,
  }));
  const splits = Map.groupBy(items, ({ item }) => item.from);
  const alone = (from: number) => new Set(splits.get(from)!.map(({ split }) => split)).size === 1;
  return items.map((item) => ({ ...item, named: item.item.named || alone(item.item.from) }));
}

/**
 * The one local path that a request means.
 *
 * @throws {Error} When it names a URL, or several paths.
 */
export async function requestedPath(request: OpenRequest): Promise<string> {
  const remote = request.names.find(isRemote);
  if (remote) {
    throw new Error(`${request.text}: must be a local path; of this kind nothing is read over http(s)`);
  }
  const paths = onePerPlace((await expandPaths(request.names)).paths);
  if (paths.length === 1) return paths[0].path;
  throw new Error(
    `${request.text}: stands for ${paths.length} paths (${paths[0].path}, ${
      paths[1].path
    } …), of which one is wanted ` +
      "here; write several with commas between them",
  );
}
