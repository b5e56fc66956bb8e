/**
 * One place under several names, as links make them: `latest` beside `v1`, `train` beside `train2017`. Folders, shards and LMDBs
 * count once each, under the name that stands where they really are, else under the first one by the order of characters. Pictures
 * are another matter: each name of one is a picture, for links to single pictures are how sets are put together. Hard links
 * are files as any others, as copies are. Folders that are opened together, as several splits are, are one folder in this.
 */
import { byCodeUnits, join } from "../io/paths.ts";
import { map } from "../iter.ts";

/** Paths that are looked up at once. */
const TOGETHER = 16;

/** What may be one place under several names. */
export interface Placed {
  /** Where it really is; without it, it is a place of its own. */
  place?: string;
  /** Whether a link led there. */
  linked?: boolean;
}

/**
 * Where things really are. What cannot be reached is a place of its own; its reader says why.
 *
 * @param items Anything with a name.
 * @param root The folder that names are relative to.
 */
export async function withPlaces<T extends { name: string }>(
  items: readonly T[],
  root: string,
): Promise<(T & Placed)[]> {
  const folder = root === "" ? "." : root, real = await realPath(folder);
  const found = map(items, async (item): Promise<T & Placed> => {
    const place = await realPath(join(folder, item.name));
    return place === null
      ? item
      : { ...item, place, linked: real === null || place !== join(real, item.name) };
  }, TOGETHER);
  return await Array.fromAsync(found);
}

const realPath = (path: string) => Deno.realPath(path).catch(() => null);

/** Each place once, in the order given. */
export function onePerPlace<T extends Placed>(items: readonly T[]): T[] {
  const kept = new Map<string, T>();
  for (const item of items) {
    if (item.place === undefined) continue;
    const known = kept.get(item.place);
    if (!known || known.linked && !item.linked) kept.set(item.place, item);
  }
  return items.filter((item) => item.place === undefined || kept.get(item.place) === item);
}

/** Of names in a folder those that lead to different places, in the order of their characters. */
export async function namesOfPlaces(folder: string, names: readonly string[]): Promise<string[]> {
  const items = await withPlaces(names.toSorted(byCodeUnits).map((name) => ({ name })), folder);
  return onePerPlace(items).map(({ name }) => name);
}

/** Says of a place, a real path, whether it counts here. */
export type Claim = (place: string) => boolean;

/** All that a folder holds counts in others that are opened together with it: links alone lead there from here. */
export class CountedElsewhereError extends Error {
  override name = "CountedElsewhereError";
  constructor(path: string) {
    super(`${path}: holds nothing but links to folders that count elsewhere`);
  }
}

/**
 * Claims of folders that are opened together: what really stands in one of them counts there, and any other place in the first
 * that leads to it.
 *
 * @param folders The folders.
 * @param outer The claim of the folder that these stand in, where that is opened together with others.
 * @returns A claim for each.
 */
export async function claimsOf(folders: readonly string[], outer?: Claim): Promise<Claim[]> {
  const roots = await Promise.all(folders.map(realPath)), owners = new Map<string, number>();
  return roots.map((own, number) => {
    const others = roots.filter((root) => root !== null && root !== own).map((root) => join(root!, ""));
    return (place) => {
      if (others.some((other) => join(place, "").startsWith(other)) || outer?.(place) === false) return false;
      const owner = owners.get(place) ?? number;
      owners.set(place, owner);
      return owner === number;
    };
  });
}

/** A folder in another, relative to where a walk began; or a link, which may lead to one. */
export interface Inner {
  name: string;
  isLink: boolean;
}

/**
 * Walks through folders and those in them, each place once: links are followed after all that is really there, in the order of
 * their names, so circles end.
 *
 * @param root Where the walk begins.
 * @param list Lists a folder, given relative to the root: empty for the root itself. `isNew` says whether it was not listed
 * before, and throws what the system has against it. Returns what to walk through next.
 * @param claim Where other folders are opened together with this one: whether a folder counts here.
 * @returns Whether a folder was left out that counts elsewhere.
 */
export async function walkFolders(
  root: string,
  list: (
    folder: string,
    at: { floor: number; isLink: boolean; isNew(): Promise<boolean> },
  ) => Promise<readonly Inner[]>,
  claim: Claim = () => true,
): Promise<boolean> {
  let elsewhere = false;
  const seen = new Set<string>(), links: { name: string; floor: number }[] = [];
  const walk = async (folder: string, floor: number, isLink: boolean): Promise<void> => {
    const isNew = async () => {
      const place = await Deno.realPath(folder === "" ? root : join(root, folder)), known = seen.size;
      if (seen.add(place).size === known) return false;
      const isHere = claim(place);
      elsewhere ||= !isHere;
      return isHere;
    };
    const inner = await list(folder, { floor, isLink, isNew });
    for (const { name, isLink } of inner.toSorted((a, b) => byCodeUnits(a.name, b.name))) {
      if (isLink) links.push({ name, floor: floor + 1 });
      else await walk(name, floor + 1, false);
    }
  };
  await walk("", 0, false);
  for (let i = 0; i < links.length; i++) await walk(links[i].name, links[i].floor, true);
  return elsewhere;
}
