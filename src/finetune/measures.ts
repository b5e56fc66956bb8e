/** Figures of a classifier on labelled pictures: confusion, each class, calibration. */
import { rankedClasses } from "./predict.ts";

/** Predictions of pictures whose class is known. */
export interface Judged {
  /** The class of each picture. */
  label: number;
  probabilities: Float64Array;
}

/** Figures of one class. */
export interface ClassFigures {
  name: string;
  /** Pictures that are of it, and that were said to be. */
  pictures: number;
  predicted: number;
  /** Share of its pictures that were found; null where it has none. */
  recall: number | null;
  /** Share of right ones among those said to be of it; null where there are none. */
  precision: number | null;
  /** Harmonic mean of both; null where one is. */
  f1: number | null;
}

/** One bin of the calibration. */
export interface CalibrationBin {
  /** Probabilities above the first and up to the second. */
  from: number;
  to: number;
  pictures: number;
  /** Mean of the highest probabilities, and the share of right ones; 0 where there are none. */
  confidence: number;
  accuracy: number;
}

/** How good a classifier is. */
export interface ClassifierReport {
  pictures: number;
  /** Shares of pictures whose class is the most probable one, or among the five most probable. */
  top1: number;
  top5: number;
  /** Mean of recalls of the classes that have pictures. */
  balanced: number;
  crossEntropy: number;
  /** Expected calibration error. */
  ece: number;
  bins: CalibrationBin[];
  /** Pictures by their class (rows) and the predicted one (columns). */
  confusion: number[][];
  classes: ClassFigures[];
}

/** Bins of the calibration, Guo et al. 2017. */
const BINS = 15;

/**
 * The expected calibration error (Guo et al. 2017): the mean distance of the highest probability and the share of right
 * ones, in bins of equal width, weighted by their pictures.
 *
 * @param certain For each picture its highest probability and whether it is right.
 */
export function calibration(
  certain: readonly { confidence: number; right: boolean }[],
  bins = BINS,
): { ece: number; bins: CalibrationBin[] } {
  const found = Array.from({ length: bins }, (_, i) => ({
    ...{ from: i / bins, to: (i + 1) / bins, pictures: 0, confidence: 0, accuracy: 0 },
  }));
  for (const { confidence, right } of certain) {
    const bin = found[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    bin.pictures++;
    bin.confidence += confidence;
    bin.accuracy += Number(right);
  }
  let ece = 0;
  for (const bin of found) {
    if (bin.pictures === 0) continue;
    ece += Math.abs(bin.accuracy - bin.confidence) / certain.length;
    bin.confidence /= bin.pictures;
    bin.accuracy /= bin.pictures;
  }
  return { ece, bins: found };
}

/** The figures of each class by its confusion. */
function classFigures(confusion: readonly number[][], names: readonly string[]): ClassFigures[] {
  return names.map((name, label) => {
    const pictures = confusion[label].reduce((a, b) => a + b, 0), right = confusion[label][label];
    const predicted = confusion.reduce((sum, row) => sum + row[label], 0);
    const recall = pictures > 0 ? right / pictures : null,
      precision = predicted > 0 ? right / predicted : null;
    const f1 = recall === null || precision === null
      ? null
      : right > 0
      ? 2 * recall * precision / (recall + precision)
      : 0;
    return { name, pictures, predicted, recall, precision, f1 };
  });
}

/** Probabilities are float32 numbers of a softmax, so the largest may round to a little more than 1. */
const MOST = 1 + 1e-6;

function checkProbabilities(given: Float64Array, classes: number, picture: number): void {
  if (given.length !== classes) {
    throw new RangeError(
      `picture ${picture} has ${given.length} probabilities, but there are ${classes} classes`,
    );
  }
  const wrong = given.find((share) => !(share >= 0 && share <= MOST));
  if (wrong !== undefined) {
    throw new RangeError(`picture ${picture} has a probability of ${wrong}, not from 0 to 1`);
  }
}

/**
 * Judges predictions.
 *
 * @param judged At least one.
 * @param names The classifier's classes.
 * @throws {RangeError} When there is no picture, a label is none of the classes, or probabilities are not one from 0 to 1 for
 * each class.
 */
export function judge(judged: Iterable<Judged>, names: readonly string[]): ClassifierReport {
  const confusion = names.map(() => new Array<number>(names.length).fill(0));
  const certain: { confidence: number; right: boolean }[] = [];
  let top5 = 0, loss = 0;
  for (const { label, probabilities } of judged) {
    if (!(Number.isInteger(label) && label >= 0 && label < names.length)) {
      throw new RangeError(`class number ${label} is none of the ${names.length} classes`);
    }
    checkProbabilities(probabilities, names.length, certain.length);
    const ranked = rankedClasses(probabilities);
    confusion[label][ranked[0]]++;
    certain.push({ confidence: probabilities[ranked[0]], right: ranked[0] === label });
    top5 += Number(ranked.slice(0, 5).includes(label));
    // A probability that rounds to 0 counts as the smallest number there is.
    loss -= Math.log(Math.max(probabilities[label], Number.MIN_VALUE));
  }
  const count = certain.length;
  if (count === 0) throw new RangeError("there is no picture to judge");
  const classes = classFigures(confusion, names);
  const recalls = classes.flatMap(({ recall }) => recall === null ? [] : [recall]);
  return {
    pictures: count,
    top1: certain.filter(({ right }) => right).length / count,
    top5: top5 / count,
    balanced: recalls.reduce((a, b) => a + b, 0) / recalls.length,
    crossEntropy: loss / count,
    ...calibration(certain),
    confusion,
    classes,
  };
}
