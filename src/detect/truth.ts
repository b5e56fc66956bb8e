/** Test pictures as COCO's evaluation takes them: their objects, and the ids of pictures and classes. */
import { readCocoTruth } from "../coco/read.ts";
import { cocoTruth } from "../coco/truth.ts";
import type { CocoResult, CocoTruth } from "../coco/types.ts";
import type { CocoId } from "../data/sources/coco_ids.ts";
import type { AnnotatedSource } from "./annotated.ts";
import type { FoundObjects } from "./found.ts";

/** Pictures that a detector is measured on. */
export interface TestObjects {
  source: AnnotatedSource;
  truth: CocoTruth;
  /** The id of each of the detector's classes; undefined where these pictures know no such class. */
  categories: readonly (CocoId | undefined)[];
  /** The id of a picture. */
  picture(index: number): CocoId;
  /** Whether ids are those of a file of annotations; else pictures and classes are numbered from 1. */
  idsOfFile: boolean;
  /** What a reader of the figures has to know, a sentence each. */
  notes: string[];
}

/**
 * Refuses pictures that a detector cannot be measured on.
 *
 * @throws {TypeError} When they are none, such as a source or a promise of them.
 */
export function checkTestObjects(test: TestObjects): void {
  if (
    typeof test.source?.objects === "function" && test.truth !== undefined && test.categories !== undefined
  ) return;
  throw new TypeError(
    "`test` must be what `await testObjects(SOURCE, CLASSES, NAME)` gives, by the classes that are learned",
  );
}

/** The objects of a source that has no file of annotations, with ids from 1. */
function truthOf({ uri, length, labels, objects }: AnnotatedSource): CocoTruth {
  const annotations = Array.from({ length }, (_, index) => {
    const { boxes, classes, crowd } = objects(index);
    return Array.from(classes, (kind, i) => {
      const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4), bbox = [x0, y0, x1 - x0, y1 - y0];
      return { image_id: index + 1, category_id: kind + 1, bbox, area: bbox[2] * bbox[3], iscrowd: crowd[i] };
    });
  }).flat().map((annotation, i) => ({ id: i + 1, ...annotation }));
  return cocoTruth(
    {
      images: Array.from({ length }, (_, index) => {
        const { width, height } = objects(index);
        return { id: index + 1, width, height };
      }),
      categories: labels.map((name, kind) => ({ id: kind + 1, name })),
      annotations,
    },
    "bbox",
    uri,
  );
}

/** Some names, for people. */
const listed = (names: readonly string[]) =>
  names.slice(0, 5).map((name) => `"${name}"`).join(", ") + (names.length > 5 ? " …" : "");

/**
 * Test pictures by the detector's classes, which are matched by name. All pictures count, those without objects too. Annotations that
 * stand in one file, with no other pictures in it, are taken from it, with their ids and areas.
 *
 * @param names The detector's classes.
 * @param known What has those classes, named in errors.
 * @throws {Error} When the two have no class in common, two classes have one name, or the file cannot be read.
 */
export async function testObjects(
  source: AnnotatedSource,
  names: readonly string[],
  known: string,
): Promise<TestObjects> {
  const { labels, uri } = source, numbers = new Map(labels.map((name, i) => [name, i]));
  if (numbers.size < labels.length) {
    const twice = labels.find((name, i) => labels.indexOf(name) !== i);
    throw new Error(`${uri}: two of its classes are called "${twice}", so they cannot be matched by name`);
  }
  const found = names.map((name) => numbers.get(name));
  if (found.every((number) => number === undefined)) {
    throw new Error(
      `${uri}: has no class of ${known}; it has ${listed(labels)}, and the detector knows ${listed(names)}`,
    );
  }
  const unknown = labels.filter((name) => !names.includes(name)),
    missing = names.filter((name) => !numbers.has(name));
  // Of a selection, the file has pictures that are not meant.
  const read = source.annotations && await readCocoTruth(source.annotations.file, "bbox");
  const annotations = read?.images.length === source.length ? source.annotations : undefined;
  const boxAreas = annotations
    ? []
    : ["its objects are small, medium or large by their boxes, not their masks"];
  return {
    source,
    truth: annotations ? read! : truthOf(source),
    categories: found.map((number) =>
      number === undefined ? undefined : annotations?.classes[number] ?? number + 1
    ),
    picture: (index) => annotations?.picture(index) ?? index + 1,
    idsOfFile: annotations !== undefined,
    notes: [
      ...unknown.length > 0
        ? [
          `the detector does not know ${unknown.length} of its ${labels.length} classes, ${
            listed(unknown)
          }: their objects ` +
          "count as not found",
        ]
        : [],
      ...missing.length > 0
        ? [
          `it does not have ${missing.length} of the detector's classes, ${
            listed(missing)
          }: what is found of them is left out`,
        ]
        : [],
      ...boxAreas,
    ],
  };
}

/**
 * What was found in a picture as COCO's results, in the pixels that the annotations state; classes that the test pictures do not
 * have are left out.
 */
export function cocoResults(test: TestObjects, found: FoundObjects): CocoResult[] {
  const { index, width, height, boxes, classes, scores } = found, stated = test.source.objects(index);
  const [across, down] = [stated.width / width, stated.height / height], image_id = test.picture(index);
  return Array.from(classes, (kind, i): CocoResult[] => {
    const category_id = test.categories[kind];
    if (category_id === undefined) return [];
    const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4);
    const bbox = [x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down];
    return [{ image_id, category_id, bbox, score: scores[i] }];
  }).flat();
}
