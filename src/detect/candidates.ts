/** From a detector's answers to detections: the best candidates on the device, the rest on the host. */
import * as tf from "../engine/tensors.ts";
import { requireEngine } from "../engine/required.ts";
import type { Engine } from "../engine/types.ts";
import { batchOf, countOf } from "../eval/picture_bytes.ts";
import type { Params } from "../model/types.ts";
import { renderReference } from "../views/render.ts";
import { type Level, levelsOf, locationsOf } from "./levels.ts";
import { detectorAnswers, type DetectorConfig } from "./model.ts";
import type { Answers } from "./losses.ts";
import { requireHead } from "../finetune/score.ts";
import { requireWhole } from "../text/whole.ts";
import { type Detections, suppress, type SuppressOptions } from "./nms.ts";

/** Classes that are less probable at a location are no candidates there, and how many of a level are (FCOS). */
const LEAST_PROBABLE = 0.05, MOST_CANDIDATES = 1000;

/** The best candidates of a batch. */
export type Candidates = {
  /** [N, T] scores, the best of each level first, level after level; −1 for what is no candidate. */
  scores: tf.Tensor;
  /** [N, T] int32: number of the location times K plus the class. */
  places: tf.Tensor;
  /** [N, L, 4]: left, top, right, bottom of the box at each location, in pixels. */
  boxes: tf.Tensor;
  /** The sum of all scores before the sigmoid, a scalar: no finite number where one of them is none. */
  sum: tf.Tensor;
};

/**
 * The best candidates of each level, a pure function with static shapes: a class that is probable enough at a location, scored by the
 * root of its probability times the centre-ness.
 *
 * @param levels Those that the answers are of.
 */
export function bestCandidates(answers: Answers, levels: readonly Level[]): Candidates {
  return tf.tidy(() => {
    const kinds = answers.classes.shape[2]!, { count, x, y, stride } = locationsOf(levels);
    const probable = tf.sigmoid(answers.classes), near = tf.expandDims(tf.sigmoid(answers.centreness), 2);
    const score = tf.sqrt(tf.mul(probable, near));
    const ranked = tf.where(tf.greater(probable, LEAST_PROBABLE), score, tf.fill(score.shape, -1));
    const scores: tf.Tensor[] = [], places: tf.Tensor[] = [];
    let at = 0;
    for (const { side } of levels) {
      const cells = side * side, own = tf.slice(ranked, [0, at, 0], [-1, cells, -1]);
      const best = tf.topk(tf.reshape(own, [-1, cells * kinds]), Math.min(MOST_CANDIDATES, cells * kinds));
      scores.push(best.values);
      places.push(tf.add(best.indices, tf.scalar(at * kinds, "int32")));
      at += cells;
    }
    const column = (values: Float32Array) => tf.tensor(values, [1, count, 1]);
    const far = tf.mul(answers.distances, column(stride));
    const [l, t, r, b] = [0, 1, 2, 3].map((i) => tf.slice(far, [0, 0, i], [-1, -1, 1]));
    const [px, py] = [column(x), column(y)];
    const boxes = tf.concat([tf.sub(px, l), tf.sub(py, t), tf.add(px, r), tf.add(py, b)], 2);
    const sum = tf.add(tf.sum(answers.classes), tf.sum(answers.centreness));
    return { scores: tf.concat(scores, 1), places: tf.cast(tf.concat(places, 1), "int32"), boxes, sum };
  });
}

/** How detections are chosen among the candidates. */
export interface ChoosingOptions extends SuppressOptions {
  /** Detections with a lower score are left out. Default 0: none. */
  threshold?: number;
}

/** A detector that has been prepared for pictures of its size. Several states can share it. */
export interface Finder {
  /**
   * The detections in pictures of the detector's size, in their pixels.
   *
   * @param params Trainable and frozen parameters in one record; read, never disposed.
   * @param pictures count × S × S × 3 bytes.
   * @returns One a picture, by falling score; boxes are not cut. It throws an Error where an answer is no finite number, which would
   * be taken for nothing to be found.
   */
  find(params: Params, pictures: Uint8Array, options?: ChoosingOptions): Promise<Detections[]>;
  /** Frees the compiled program. */
  close(): void;
}

/** The candidates of one picture as detections. */
function candidatesOf(
  scores: ArrayLike<number>,
  places: ArrayLike<number>,
  boxes: Float32Array,
  classes: number,
  least: number,
): Detections {
  const rows: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i] > 0 && scores[i] >= least) rows.push(i);
  const locations = rows.map((row) => Math.floor(places[row] / classes));
  return {
    boxes: Float64Array.from(locations.flatMap((at) => [...boxes.subarray(4 * at, 4 * at + 4)])),
    classes: Int32Array.from(rows, (row) => places[row] % classes),
    scores: Float64Array.from(rows, (row) => scores[row]),
  };
}

/**
 * Prepares a detector to look at pictures; it is compiled once, at the first call.
 *
 * @param batchSize Pictures at once; fewer are padded.
 * @throws {TypeError} When the engine is no opened one.
 * @throws {RangeError} When the batch is no whole number from 1 up.
 */
export function finder(engine: Engine, config: DetectorConfig, batchSize: number): Finder {
  requireEngine(engine);
  requireWhole("batchSize", batchSize);
  const { imageSize: size } = config, levels = levelsOf(config);
  const run = engine.jit(({ params, base }: { params: Params; base: tf.Tensor }) =>
    bestCandidates(detectorAnswers(config, params, renderReference(base)), levels)
  );
  /** A batch's candidates on the host. The batch is disposed. */
  const read = async (params: Params, base: tf.Tensor) => {
    let made: Partial<Candidates> = {};
    try {
      const { scores, places, boxes, sum } = made = run({ params, base });
      return await Promise.all([scores.data(), places.data(), boxes.data(), sum.data()]);
    } finally {
      tf.dispose([base, made]);
    }
  };
  return {
    async find(params, pictures, options = {}) {
      const classes = requireHead(params, "head.classes.bias"),
        count = pictures.length && countOf(pictures, size);
      const { threshold = 0 } = options;
      if (!(threshold >= 0)) throw new RangeError(`threshold is ${threshold}, not a number of at least 0`);
      const found: Detections[] = [];
      for (let from = 0; from < count; from += batchSize) {
        const base = batchOf(engine, pictures, [size, size], from, batchSize),
          good = Math.min(batchSize, count - from);
        const [scores, places, boxes, [sum]] = await read(params, base);
        if (!Number.isFinite(sum) || boxes.some(Number.isNaN)) {
          throw new Error("what the detector answers are not finite numbers: its weights are damaged");
        }
        const [wide, all] = [scores.length / batchSize, boxes.length / batchSize];
        for (let n = 0; n < good; n++) {
          const own = <T extends { subarray(a: number, b: number): T }>(values: T, width: number) =>
            values.subarray(n * width, (n + 1) * width);
          const candidates = candidatesOf(
            own(scores as Float32Array, wide),
            own(places as Int32Array, wide),
            own(boxes as Float32Array, all),
            classes,
            threshold,
          );
          found.push(suppress(candidates, options));
        }
      }
      return found;
    },
    close: () => run.dispose(),
  };
}
