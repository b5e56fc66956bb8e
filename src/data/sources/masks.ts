/** Masks that lie beside the pictures that they are of. */
import { baseOf, folderOf } from "../io/paths.ts";
import type { Listing } from "./list_folder.ts";
import { fileKind, passedCounter, sumPassed } from "./passed_over.ts";
import { isSplitFolder } from "./split_names.ts";

/** Folders of masks: VOC's SegmentationClass, ADE20K's annotations, Cityscapes' gtFine. */
const MASK_FOLDER =
  /^((.*[-_ ])?(masks?|annotations?|segmentations?|segs?|labels?|trimaps?|ground[-_ ]?truths?|gts?)|(segmentation(class|object)|gt(fine|coarse)|labelstr)(aug|raw)?)$/i;

/** Folders of the pictures beside them. */
const PICTURE_FOLDER =
  /^((.*[-_ ])?(images?|imgs?|pictures?|photos?|rgb|originals?|inputs?)|jpegimages|leftimg8bit|imagestr)$/i;

/** What names of masks have behind their picture's. */
const MASK_END = /[-_ .](masks?|seg|segmentation|gt|ground_?truth|labels?|trimap|gt(fine|coarse)_[a-z]+)$/i;

/** What names of pictures may have where a mask's has its own end. */
const PICTURE_END = /[-_ .](leftimg8bit|rgb|image|img|sat)$/i;

/** Endings of pictures without losses, as masks are. */
const LOSSLESS = /\.(png|gif|bmp|tiff?)$/i;

/** Why they are no pictures to learn from. */
export const IS_MASK = "is a mask of a picture beside it";
const MASK = `${IS_MASK}; to read such, name their folder alone`;

const stemOf = (path: string) => path.replace(/\.[^./]*$/, "");

/** A picture that may be a mask, and the places and names of which its picture must have one. */
interface Candidate {
  index: number;
  /** Masks that are some all together, or not at all. */
  group: string;
  wanted: string[];
}

/**
 * Leaves out masks: pictures in a folder named as masks' beside one named as pictures', if each of them has a picture of its
 * name there; and pictures without losses that are called as one in the same folder, with `_mask` or the like behind it.
 *
 * @param listing What a folder holds, in the order of names.
 * @returns The same without masks, which are counted among what was passed over.
 */
export function withoutMasks(listing: Listing): Listing {
  const { pictures } = listing, masks = masksAmong(pictures), passed = passedCounter();
  if (masks.size === 0) return listing;
  for (const index of masks) passed.add(fileKind(pictures[index]), MASK, pictures[index]);
  return {
    ...listing,
    pictures: pictures.filter((_, index) => !masks.has(index)),
    passedOver: sumPassed([listing.passedOver, passed.list()]),
  };
}

/** Whether a picture's name says that it may be a mask. */
export function mayBeMask(path: string): boolean {
  return candidatesAmong([path]).length > 0;
}

/**
 * Which of some pictures are masks of others.
 *
 * @param pictures Their paths.
 * @returns Their numbers, in order.
 */
export function masksAmong(pictures: readonly string[]): Set<number> {
  const masks = new Set<number>(), candidates = candidatesAmong(pictures);
  if (candidates.length === 0) return masks;
  const own = new Set(candidates.map(({ index }) => index));
  // What is looked for is less than what is there.
  const found = new Map(candidates.flatMap(({ wanted }) => wanted.map((name) => [name, false])));
  pictures.forEach((path, index) => {
    if (!own.has(index)) { for (const name of namesOf(path)) if (found.has(name)) found.set(name, true); }
  });
  const broken = new Set(
    candidates.flatMap(({ wanted, group }) => wanted.some((name) => found.get(name)) ? [] : [group]),
  );
  for (const { index, group } of candidates) if (!broken.has(group)) masks.add(index);
  return masks;
}

/** Names of pictures that are kept while an archive is read. */
const MOST_NAMES = 200_000;

/** Tells masks of pictures that come one after another, where the picture came before. */
export function maskWatch(): (path: string) => boolean {
  const seen = new Set<string>();
  return (path) => {
    const [candidate] = candidatesAmong([path]);
    if (candidate?.wanted.some((name) => seen.has(name))) return true;
    if (!candidate && seen.size < MOST_NAMES) { for (const name of namesOf(path)) seen.add(name); }
    return false;
  };
}

/** The pictures that may be masks. */
function candidatesAmong(pictures: readonly string[]): Candidate[] {
  const candidates: Candidate[] = [];
  let last: string | null = null, group = "", around = "";
  for (let index = 0; index < pictures.length; index++) {
    const path = pictures[index], folder = folderOf(path);
    if (folder !== last) {
      // Those of one folder stand side by side.
      const parts = folder.split("/"), at = parts.findIndex((part) => MASK_FOLDER.test(part));
      last = folder;
      group = at < 0 ? "" : parts.slice(0, at + 1).join("/");
      around = parts.slice(0, Math.max(0, at)).join("/");
    }
    if (group === "" && !LOSSLESS.test(path)) continue;
    const stem = stemOf(path), plain = stem.replace(MASK_END, "");
    if (group !== "") {
      const inside = plain.slice(group.length + 1);
      candidates.push({ index, group, wanted: [`${around}\0${baseOf(plain)}`, `${around}\0\0${inside}`] });
    } else if (plain !== stem) candidates.push({ index, group: path, wanted: [plain] });
  }
  return candidates;
}

/**
 * The names under which a mask may look for a picture: its own; behind the place of a folder of pictures; and, with the folders
 * below it, behind that of a split's, as MVTec has `ground_truth/bent/0_mask.png` beside `test/bent/0.png`.
 */
function namesOf(path: string): string[] {
  const stem = stemOf(path), plain = stem.replace(PICTURE_END, ""), parts = path.split("/");
  return [stem, plain].flatMap((one) => [
    one,
    ...parts.slice(0, -1).flatMap((part, at) => {
      const around = parts.slice(0, at).join("/"), inside = one.split("/").slice(at + 1).join("/");
      if (PICTURE_FOLDER.test(part)) return [`${around}\0${baseOf(one)}`];
      return isSplitFolder(part) ? [`${around}\0\0${inside}`] : [];
    }),
  ]);
}
