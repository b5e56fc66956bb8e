/** Accuracy of a classifier on labelled pictures, while it is trained and afterwards. */
import type { Preparation } from "../data/picture/preparation.ts";
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import { describeUnknown, galleryNumbers, unknownClasses } from "../eval/classes.ts";
import { hitsOf, meanOf } from "../eval/hits.ts";
import { pictureBatches } from "../eval/pictures.ts";
import { requireFinite } from "../eval/rows.ts";
import type { Params } from "../model/types.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { evaluatorsOfTest } from "../train/evaluators_of_test.ts";
import { checkLabels, countClasses, type LabelledPictures, pickPictures } from "./labelled.ts";
import type { ClassifierConfig } from "./model.ts";
import { type Scorer, scorer } from "./score.ts";

/** Pictures that a classifier is measured on, with its own numbers of their classes. */
export interface TestPictures {
  source: Source;
  labels: Int32Array;
  /** What a reader of the figures has to know, one sentence each. */
  notes: string[];
}

/**
 * Pictures by the classifier's classes, matched as `eval` matches them; those of classes that it does not know are left
 * out and counted.
 *
 * @param names The classifier's classes.
 * @param known What has those classes, named in errors.
 * @throws {Error} When the two have no class in common, or a name is ambiguous.
 */
export function testPictures(
  pictures: LabelledPictures,
  names: readonly string[],
  known: string,
): TestPictures {
  const { source, labels, unlabelled } = pictures;
  const numbers = galleryNumbers({ uri: known, labels: names }, { uri: source.uri, labels: pictures.names });
  const unknown = unknownClasses([...labels], pictures.names, numbers);
  const places = [...labels].flatMap((label, i) => numbers[label] >= 0 ? [i] : []);
  if (places.length === 0) throw new Error(`${source.uri}: no picture is of a class of ${known}`);
  const kept = pickPictures(pictures, places), own = kept.labels.map((label) => numbers[label]);
  const counts = countClasses({ labels: own, names });
  const missing = names.filter((_, label) => counts[label] === 0);
  return {
    source: kept.source,
    labels: own,
    notes: [
      ...unlabelled > 0 ? [`${unlabelled} of its pictures have no class: left out`] : [],
      ...unknown.pictures > 0 ? [describeUnknown(unknown, names, { queries: "", gallery: "training" })] : [],
      ...missing.length > 0
        ? [
          `it has no picture of ${missing.length === 1 ? "the class" : `${missing.length} classes,`} ${
            missing.slice(0, 5).map((name) => `"${name}"`).join(", ")
          }${missing.length > 5 ? " …" : ""}`,
        ]
        : [],
    ],
  };
}

/**
 * Refuses pictures that a classifier cannot be measured on.
 *
 * @param names The classifier's classes.
 * @throws {TypeError} When they are none, such as a source or a promise of them.
 * @throws {RangeError} When there are none, or labels do not fit.
 */
export function checkTest(test: TestPictures, names: readonly string[]): void {
  if (test.source === undefined || !Array.isArray(test.notes)) {
    throw new TypeError(
      "`test` must be what `testPictures(PICTURES, CLASSES, NAME)` gives, by the classes that are learned",
    );
  }
  checkLabels("`test`", test, names.length);
  if (test.labels.length === 0) throw new RangeError(`${test.source.uri}: \`test\` has no picture`);
}

/** How pictures are prepared to be classified. */
export interface Preparing {
  imageSize: number;
  /** Share of the shorter side that the middle square has. */
  evalShare: number;
}

/**
 * The middle square of a picture, as the classifier takes it.
 *
 * @throws {RangeError} When the share is not above 0 and at most 1.
 */
export function classifierInput({ imageSize: size, evalShare }: Preparing): Preparation {
  if (!(evalShare > 0 && evalShare <= 1)) {
    throw new RangeError(`evalShare is ${evalShare}; it must be a number above 0 and at most 1`);
  }
  return { kind: "middle", size, shorter: Math.max(size, Math.round(size / evalShare)) };
}

/** Accuracy and loss of a classifier. */
export type Accuracy = { top1: number; top5: number; crossEntropy: number };

/**
 * Measures parameters on pictures.
 *
 * @param onBad Told of pictures that cannot be read; they are left out. Default: the first one is an error.
 * @throws {Error} When no picture can be read, or a score is no finite number.
 */
export async function accuracyOf(
  scores: Scorer["scores"],
  params: Params,
  { source, labels }: Pick<TestPictures, "source" | "labels">,
  how: Preparing & { batchSize: number },
  onBad?: (bad: BadRecordError) => void,
): Promise<Accuracy> {
  const hits = hitsOf(source.length);
  const reading = { batchSize: how.batchSize, prepare: classifierInput(how), onBad };
  let seen = 0, loss = 0;
  for await (const { bytes, indices, keys } of pictureBatches(source, reading)) {
    const found = await scores(params, bytes), { data, width } = found;
    requireFinite(found, (row) => `${source.uri}: ${keys[row]}: its scores by this classifier`);
    indices.forEach((index, row) => {
      hits.enter(data, row * width, width, seen++, labels[index]);
      const own = data.subarray(row * width, (row + 1) * width);
      const top = own.reduce((a, b) => Math.max(a, b), -Infinity);
      loss += top + Math.log(own.reduce((sum, score) => sum + Math.exp(score - top), 0)) - own[labels[index]];
    });
  }
  if (seen === 0) throw new Error(`${source.uri}: no picture can be read`);
  const share = (of: Uint8Array) => meanOf(of.subarray(0, seen));
  return { top1: share(hits.top1), top5: share(hits.top5), crossEntropy: loss / seen };
}

/** What {@linkcode accuracyEvaluators} measures, and when. */
export interface AccuracyOptions extends Preparing {
  engine: Engine;
  model: ClassifierConfig;
  test: TestPictures;
  /** Epochs between two measurements; there is one after the last step, too. */
  every: number;
  /** Pictures at once. */
  batchSize: number;
  /** Measure the averaged parameters as well. */
  ema: boolean;
  onBad?: (bad: BadRecordError) => void;
}

/**
 * Evaluators for a fine-tuning: `test`, and of averaged parameters `average`, with `top1`, `top5` and `crossEntropy`. The
 * state with the highest top1 is kept as a checkpoint.
 */
export function accuracyEvaluators(options: AccuracyOptions): Evaluator[] {
  const { engine, model, test, every, batchSize, ema, onBad } = options;
  const { scores } = scorer(engine, model, batchSize);
  return evaluatorsOfTest({
    ...{ every, ema, onBad },
    best: { value: "top1", on: test.source.uri },
    measure: (params, onBad) => accuracyOf(scores, params, test, options, onBad),
  });
}
