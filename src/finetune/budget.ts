/** Budgets of labels: which of the labelled pictures a classifier learns from. */
import { pickShots } from "../eval/protocols/fewshot.ts";
import { pickSubset, readSubset } from "../eval/subset.ts";
import { randomStream } from "../random.ts";
import { requireWhole } from "../text/whole.ts";
import { countClasses, type LabelledPictures, pickPictures } from "./labelled.ts";

/** How many labels there are; at most one of them, and what is missing sets no limit. */
export interface LabelBudget {
  /** A file that names the pictures, one a line. Empty: none. */
  subset: string;
  /** Pictures of each class, drawn at random. 0: all. */
  perClass: number;
  /** The share of each class, drawn at random, at least one picture. 1: all. */
  share: number;
}

/** A share of each class, at least one picture of each, in the pictures' order. */
function pickShare(labels: Int32Array, share: number, seed: number): number[] {
  const byClass = new Map<number, number[]>();
  labels.forEach((label, i) => {
    const own = byClass.get(label);
    if (own) own.push(i);
    else byClass.set(label, [i]);
  });
  return [...byClass].flatMap(([label, own]) => {
    const count = Math.max(1, Math.round(share * own.length));
    return randomStream(seed, "budget", label).shuffle(own).slice(0, count);
  }).sort((a, b) => a - b);
}

/** What is said of the pictures that a budget leaves. */
export interface Budgeted {
  pictures: LabelledPictures;
  /** Where they stand among all, rising. */
  places: readonly number[];
  notes: string[];
}

/**
 * Takes the pictures that a budget leaves.
 *
 * @param seed Determines what is drawn.
 * @throws {RangeError} When more than one kind of budget is given or a number is none of them, or a class has fewer pictures than are asked for.
 * @throws {Error} When the file of names cannot be read, or names none of the pictures.
 */
export async function withinBudget(
  pictures: LabelledPictures,
  budget: Partial<LabelBudget>,
  seed: number,
): Promise<Budgeted> {
  const { subset = "", perClass = 0, share = 1 } = budget;
  requireWhole("perClass", perClass, 0);
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`share is ${share}; it must be a number above 0 and at most 1`);
  }
  const { source, labels, names } = pictures;
  if (Number(subset !== "") + Number(perClass > 0) + Number(share < 1) > 1) {
    throw new RangeError("--subset, --per-class and --share exclude each other: give one budget of labels");
  }
  if (perClass > 0) {
    const counts = countClasses(pictures), poor = counts.findIndex((count) => count > 0 && count < perClass);
    if (poor >= 0) {
      throw new RangeError(
        `${source.uri}: class "${names[poor]}" has only ${
          counts[poor]
        } pictures, fewer than the ${perClass} of --per-class`,
      );
    }
    const picked = pickShots({ labels: [...labels] }, perClass, seed).sort((a, b) => a - b);
    return { pictures: pickPictures(pictures, picked), places: picked, notes: [] };
  }
  if (share < 1) {
    const places = pickShare(labels, share, seed);
    return { pictures: pickPictures(pictures, places), places, notes: [] };
  }
  if (subset === "") return { pictures, places: Array.from(labels, (_, i) => i), notes: [] };
  const wanted = await readSubset(subset), keys: string[] = [];
  for (let i = 0; i < source.length; i++) keys.push(await source.key(i));
  const whole = { uri: source.uri, blockCount: 0, labels: [...labels], names, keys, unlabelled: 0 };
  const { set, note } = pickSubset({ ...whole, places: keys.map((_, i) => i) }, wanted, subset);
  const places = set.places!;
  return { pictures: pickPictures(pictures, places), places, notes: note ? [note] : [] };
}

/**
 * Says what a reader of the figures must know about the classes.
 *
 * @param uri Named in errors.
 * @throws {RangeError} When pictures are of one class only.
 */
export function checkClasses(
  { labels, names }: Pick<LabelledPictures, "labels" | "names">,
  uri: string,
): string[] {
  const counts = countClasses({ labels, names }), there = counts.filter((count) => count > 0).length;
  if (there < 2) {
    throw new RangeError(
      `${uri}: all ${labels.length} pictures are of one class, "${
        names[labels[0]]
      }"; a classifier needs at least two classes`,
    );
  }
  const without = names.filter((_, label) => counts[label] === 0);
  if (without.length === 0) return [];
  const shown = without.slice(0, 5).map((name) => `"${name}"`).join(", ");
  return [
    `no training picture is of ${
      without.length === 1 ? "the class" : `${without.length} classes,`
    } ${shown}` +
    `${without.length > 5 ? " …" : ""}: the classifier will not know ${without.length === 1 ? "it" : "them"}`,
  ];
}
