/** What a classifier says of pictures. */
import type { BadRecordError, Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import { pictureBatches } from "../eval/pictures.ts";
import { requireFinite } from "../eval/rows.ts";
import type { Params } from "../model/types.ts";
import { classifierInput } from "./evaluate.ts";
import type { ClassifierConfig } from "./model.ts";
import { scorer, softmax } from "./score.ts";

/** What a classifier says of a picture. */
export interface Prediction {
  /** Of its source. */
  key: string;
  /** Where it stands in its source. */
  index: number;
  /** One a class, by the classifier's numbers; they sum to 1. */
  probabilities: Float64Array;
}

/** How {@linkcode predictPictures} works. */
export interface PredictOptions {
  engine: Engine;
  config: ClassifierConfig;
  /** Of the classifier, see `StoredClassifier.load`. Read, never disposed. */
  params: Params;
  /** Share of the shorter side that the middle square has, as it was evaluated in training. */
  evalShare: number;
  /** Pictures at once. Default 64. */
  batchSize?: number;
  /** Told of pictures that cannot be read; they are left out. Default: the first one is an error. */
  onBad?: (bad: BadRecordError) => void;
}

/**
 * Classifies all pictures of a source, in its order.
 *
 * @param source Pictures by index. Not closed.
 * @throws {BadRecordError} When a picture cannot be read and `onBad` is not there to hear of it.
 * @throws {Error} When a score is no finite number.
 * @example Classes of a folder's pictures.
 * ```ts ignore
 * const classifier = await readClassifier("runs/finetune-demo");
 * const engine = await openEngine(), source = await openSource("./photos");
 * const { config, settings: { evalShare }, classes } = classifier, params = classifier.load();
 * for await (const { key, probabilities } of predictPictures(source, { engine, config, params, evalShare })) {
 *   console.log(key, classes[rankedClasses(probabilities)[0]]);
 * }
 * ```
 */
export async function* predictPictures(
  source: Source,
  options: PredictOptions,
): AsyncGenerator<Prediction, void, void> {
  const { engine, config, params, evalShare, batchSize = 64, onBad } = options, { imageSize } = config;
  const { scores, close } = scorer(engine, config, batchSize);
  const prepare = classifierInput({ imageSize, evalShare });
  try {
    for await (const { bytes, keys, indices } of pictureBatches(source, { batchSize, prepare, onBad })) {
      const found = await scores(params, bytes), { data, width } = found;
      requireFinite(found, (row) => `${source.uri}: ${keys[row]}: its scores by this classifier`);
      for (let row = 0; row < keys.length; row++) {
        const probabilities = softmax(data.subarray(row * width, (row + 1) * width));
        yield { key: keys[row], index: indices[row], probabilities };
      }
    }
  } finally {
    close();
  }
}

/**
 * The numbers of the classes, the most probable first; of equals the one that stands first.
 *
 * @throws {TypeError} When there are no probabilities.
 */
export function rankedClasses(probabilities: Float64Array): number[] {
  if (!(probabilities instanceof Float64Array)) {
    throw new TypeError("`probabilities` must be a Float64Array, one a class, as `predictPictures` gives");
  }
  return Array.from(probabilities, (_, i) => i).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}
