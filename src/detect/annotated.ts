/** Pictures with boxes, as detectors learn from them and are measured on them. */
import { createHash } from "node:crypto";
import type { Lines } from "../cli/lines.ts";
import { picturesWithObjects } from "../data/objects.ts";
import { collect } from "../data/open/collect.ts";
import { openData } from "../data/open/open_data.ts";
import { plain } from "../data/plain.ts";
import { describePassedOver } from "../data/sources/passed_over.ts";
import { requireWhole } from "../text/whole.ts";
import type { PictureObjects, Source } from "../data/types.ts";

/** A source that knows its objects. */
export type AnnotatedSource = Source & { objects(index: number): PictureObjects };

/**
 * Opens pictures with boxes by index, and says what was passed over.
 *
 * @param role Which part of a data set with several is meant.
 * @returns The pictures; to be closed.
 * @throws {Error} When they cannot be opened, or have no boxes or no names of classes.
 */
export async function openAnnotated(
  uri: string,
  role: "train" | "test",
  progress: Lines,
): Promise<AnnotatedSource> {
  const data = await openData(uri, { objects: true, role, progress: progress.line });
  const source = await collect(data, { onBad: (bad) => progress.line(`left out: ${bad.message}`) });
  try {
    const passedOver = describePassedOver(source.passedOver?.() ?? []);
    if (passedOver) progress.line(`${source.uri}: ${passedOver}`);
    return annotatedSource(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * A source as one that knows its objects.
 *
 * @throws {Error} When it knows of none, or not what their classes are called.
 */
export function annotatedSource(source: Source): AnnotatedSource {
  const { uri, labels } = source;
  if (!source.objects) {
    throw new Error(
      `${uri}: its pictures have no boxes; name pictures in COCO's layout or a pack of them, such as coco:./coco/train2017 with ` +
        "annotations/instances_train2017.json beside it",
    );
  }
  if (labels.length === 0) {
    throw new Error(`${uri}: its annotations list no categories, so boxes have no classes`);
  }
  return plain(source) as AnnotatedSource;
}

/** Pictures that a detector learns from. */
export interface TrainingPictures {
  /** Only pictures with an object that is no crowd. */
  source: AnnotatedSource;
  /** Names of the classes. */
  names: readonly string[];
  /** Objects that are no crowds, and the most of a picture. */
  objects: number;
  most: number;
  /** What a reader of the figures has to know, a sentence each. */
  notes: string[];
}

/** Whether an object is learned from: no crowd, and larger than a pixel in both directions. */
export function isLearned({ boxes, crowd }: Pick<PictureObjects, "boxes" | "crowd">, i: number): boolean {
  return !crowd[i] && boxes[4 * i + 2] - boxes[4 * i] > 1 && boxes[4 * i + 3] - boxes[4 * i + 1] > 1;
}

/**
 * The pictures that a detector learns from, and what is known of them.
 *
 * @param all Closing the result's source closes it.
 * @throws {Error} When none has an object.
 */
export function trainingPictures(all: AnnotatedSource): TrainingPictures {
  const source = annotatedSource(picturesWithObjects(all)), { labels: names } = source;
  const counts = new Int32Array(names.length);
  let objects = 0, most = 0, crowds = 0, tiny = 0;
  for (let i = 0; i < all.length; i++) {
    const found = all.objects(i);
    let own = 0;
    found.classes.forEach((kind, j) => {
      if (isLearned(found, j)) {
        own++;
        counts[kind]++;
      } else if (found.crowd[j]) crowds++;
      else tiny++;
    });
    objects += own;
    most = Math.max(most, own);
  }
  const without = names.filter((_, kind) => counts[kind] === 0), left = all.length - source.length;
  const notes = [
    ...left > 0
      ? [
        `${left} of ${all.length} pictures ${left === 1 ? "has" : "have"} no object to learn from and ${
          left === 1 ? "is" : "are"
        } left out`,
      ]
      : [],
    ...crowds > 0 ? [`${crowds} ${crowds === 1 ? "crowd is" : "crowds are"} not learned from`] : [],
    ...tiny > 0
      ? [
        `${tiny} ${tiny === 1 ? "box" : "boxes"} of at most a pixel in a direction ${
          tiny === 1 ? "is" : "are"
        } not learned from`,
      ]
      : [],
    ...without.length > 0
      ? [
        `no object is of ${without.length === 1 ? "the class" : `${without.length} classes,`} ${
          without.slice(0, 5).map((name) => `"${name}"`).join(", ")
        }${without.length > 5 ? " …" : ""}`,
      ]
      : [],
  ];
  return { source, names, objects, most, notes };
}

/**
 * Refuses pictures that a detector cannot learn from.
 *
 * @throws {TypeError} When they are none, such as a source or a promise of them.
 * @throws {RangeError} When an object is of none of the classes, or its box is not four finite numbers.
 */
export function checkTrainingPictures(pictures: TrainingPictures): void {
  const { source, names, most, notes } = pictures ?? {};
  if (typeof source?.objects !== "function" || !Array.isArray(names) || !Array.isArray(notes)) {
    throw new TypeError("`pictures` must be what `trainingPictures(SOURCE)` gives, of a source with objects");
  }
  requireWhole("most of `pictures`", most);
  for (let i = 0; i < source.length; i++) {
    const { boxes, classes } = source.objects(i), where = `${source.uri}: picture ${i}`;
    const strange = classes.find((kind) => !(kind >= 0 && kind < names.length));
    if (strange !== undefined) {
      throw new RangeError(
        `${where} has an object of class number ${strange}, none of the ${names.length} classes`,
      );
    }
    if (boxes.length !== 4 * classes.length || !boxes.every(Number.isFinite)) {
      throw new RangeError(`${where}: its ${classes.length} boxes are not four finite numbers each`);
    }
  }
}

/** Keys that go into the digest of a data set. */
const DIGEST_KEYS = 64;

/**
 * What tells one set of pictures with boxes from another: a SHA-256 of the names, all boxes and their classes, and some keys.
 *
 * @returns `sha256:…`.
 */
export async function objectsDigest({ source, names }: TrainingPictures): Promise<string> {
  const hash = createHash("sha256"), keys: string[] = [];
  const count = Math.min(DIGEST_KEYS, source.length);
  for (let i = 0; i < count; i++) {
    keys.push(await source.key(Math.floor(i * source.length / count)).catch(() => ""));
  }
  hash.update(JSON.stringify([names, keys]));
  for (let i = 0; i < source.length; i++) {
    const { width, height, boxes, classes, crowd } = source.objects(i);
    hash.update(Float64Array.of(width, height, classes.length)).update(boxes).update(classes).update(crowd);
  }
  return `sha256:${hash.digest("hex")}`;
}
