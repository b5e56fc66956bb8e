/** A linear probe of dense features: which class each pixel is of, by one linear layer on frozen patch tokens. */
import { holdJpegLibrary } from "../../data/picture/jpeg.ts";
import * as tf from "../../engine/tensors.ts";
import { gridSize, type ModelConfig } from "../../model/config.ts";
import { randomStream } from "../../random.ts";
import { embedder } from "../embed.ts";
import { headScores, type HeadState, headStep, type HeadStepArgs, initHeads } from "../head_step.ts";
import { rateShare } from "../heads.ts";
import { requireFinite } from "../rows.ts";
import { type SegmentationFigures, segmentationFigures } from "./iou.ts";
import type { MaskedFile } from "./masked_files.ts";
import { type MaskClasses, maskClasses, readColoured, withClasses } from "./masks.ts";
import { checkSegmentation, type SegmentationOptions } from "./options.ts";

/** What was found, and on how many pictures. */
export interface SegmentationReport extends SegmentationFigures {
  train: number;
  test: number;
}

/** Patch tokens and what is in each patch. */
interface Patches {
  /** One row a patch, `width` numbers. */
  tokens: Float32Array;
  /** One row a patch: the share of each class among the pixels that count. */
  shares: Float32Array;
  rows: number;
}

/** The head's norm and optimiser: those of the linear probes of pictures. */
const KIND = { norm: true, optimizer: "sgd" } as const;

/** Embeds pictures in parts and hands out each part with its masks. */
async function* embedded(
  { engine, config, state, embedBatch: batchSize = 32 }: SegmentationOptions,
  files: readonly MaskedFile[],
  classes: MaskClasses,
) {
  const { imageSize: size } = config;
  using embed = embedder(engine, config, { batchSize, patches: true });
  using _library = holdJpegLibrary();
  for (let from = 0; from < files.length; from += batchSize) {
    const read = await Promise.all(
      files.slice(from, from + batchSize).map((file) => readColoured(file, size)),
    );
    // Files are read in whatever order, but numbered in theirs.
    const some = read.map((one) => withClasses(one, classes));
    const bytes = new Uint8Array(some.length * size * size * 3);
    some.forEach(({ picture }, i) => bytes.set(picture, i * picture.length));
    const { patches } = await embed.pictures(state, bytes);
    requireFinite(patches!, (row) => `${files[from + row].picture}: its features by this model`);
    yield { masks: some.map((one) => one.classes), tokens: patches!.data, done: from + some.length };
  }
}

/** The share of each class in each patch of a mask; patches without a pixel that counts are left out. */
function patchShares(
  mask: Int16Array,
  { imageSize: size, patchSize }: Pick<ModelConfig, "imageSize" | "patchSize">,
  classes: number,
): { cell: number; shares: Float32Array }[] {
  const grid = size / patchSize;
  return Array.from({ length: grid * grid }, (_, cell) => {
    const top = Math.floor(cell / grid) * patchSize, left = (cell % grid) * patchSize;
    const shares = new Float32Array(classes);
    let count = 0;
    for (let y = top; y < top + patchSize; y++) {
      for (let x = left; x < left + patchSize; x++) {
        const label = mask[y * size + x];
        if (label < 0) continue;
        shares[label]++;
        count++;
      }
    }
    return { cell, shares: shares.map((value) => value / Math.max(1, count)), count };
  }).filter(({ count }) => count > 0);
}

/** All patches that are learned from. */
async function trainingPatches(options: SegmentationOptions, classes: MaskClasses): Promise<Patches> {
  const { config, train, progress } = options, { width } = config;
  const parts: { mask: Int16Array; tokens: Float32Array }[] = [];
  for await (const { masks, tokens, done } of embedded(options, train, classes)) {
    const each = tokens.length / masks.length;
    masks.forEach((mask, i) => parts.push({ mask, tokens: tokens.slice(i * each, (i + 1) * each) }));
    progress?.(`embedded ${done} of ${train.length} training pictures`);
  }
  // Only now it is known how many classes there are.
  const count = classes.names().length;
  const found = parts.flatMap(({ mask, tokens }) =>
    patchShares(mask, config, count).map(({ cell, shares }) => ({
      token: tokens.subarray(cell * width, (cell + 1) * width),
      shares,
    }))
  );
  const all: Patches = {
    tokens: new Float32Array(found.length * width),
    shares: new Float32Array(found.length * count),
    rows: found.length,
  };
  found.forEach(({ token, shares }, i) => {
    all.tokens.set(token, i * width);
    all.shares.set(shares, i * count);
  });
  return all;
}

/** Trains the linear layer on the mean cross-entropy over the pixels of patches. */
function trainHead(
  options: SegmentationOptions,
  { tokens, shares, rows }: Patches,
  classes: number,
): HeadState {
  const { engine, config: { width }, epochs = 20, lr = 0.01, seed = 0, progress } = options;
  const batch = Math.min(options.batchSize ?? 1024, rows), steps = Math.floor(rows / batch);
  const step = engine.jit((args: HeadStepArgs) => headStep(args, KIND), { donate: ["state"] });
  let state = initHeads(1, classes, width, seed);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = randomStream(seed, "probe", 1, epoch).shuffle(Array.from({ length: rows }, (_, i) => i));
    for (let at = 0; at < steps; at++) {
      const features = new Float32Array(batch * width), labels = new Float32Array(batch * classes);
      order.slice(at * batch, (at + 1) * batch).forEach((row, i) => {
        features.set(tokens.subarray(row * width, (row + 1) * width), i * width);
        labels.set(shares.subarray(row * classes, (row + 1) * classes), i * classes);
      });
      const share = rateShare(epoch + at / steps, { epochs, warmupEpochs: 0, schedule: "step" });
      const given = {
        features: tf.tensor2d(features, [batch, width]),
        labels: tf.tensor2d(labels, [batch, classes]),
        rates: tf.tensor1d([share * lr * batch / 256]),
      };
      const result = step({ state, ...given });
      state = result.state;
      tf.dispose([result.loss, given]);
    }
    progress?.(`learned ${epoch + 1} of ${epochs} epochs`);
  }
  return state;
}

/**
 * Brings the scores of a picture's patches to its pixels, bilinearly between the centres of the patches, and takes the
 * highest.
 *
 * @param scores grid² rows of K numbers.
 * @returns size² numbers of classes.
 */
export function pixelClasses(scores: Float32Array, grid: number, size: number, classes: number): Int16Array {
  const out = new Int16Array(size * size), step = size / grid;
  const taps = Array.from({ length: size }, (_, pixel) => {
    const at = Math.min(Math.max((pixel + 0.5) / step - 0.5, 0), grid - 1), low = Math.floor(at);
    return { low, high: Math.min(low + 1, grid - 1), share: at - low };
  });
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const row = taps[y], column = taps[x];
      let best = -Infinity;
      for (let k = 0; k < classes; k++) {
        const at = (r: number, c: number) => scores[(r * grid + c) * classes + k];
        const top = at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share;
        const below = at(row.high, column.low) * (1 - column.share) +
          at(row.high, column.high) * column.share;
        const value = top * (1 - row.share) + below * row.share;
        if (value > best) [best, out[y * size + x]] = [value, k];
      }
    }
  }
  return out;
}

/**
 * Measures dense features: a linear layer behind a batch norm learns from frozen patch tokens which classes are in each
 * patch, and predicts the class of each pixel of test pictures, its scores brought to the pixels bilinearly. Pictures and
 * masks are squeezed to the encoder's square.
 *
 * @throws {TypeError} When the engine, the model, pictures or masks are none; before any work.
 * @throws {RangeError} When there are no pictures, a number cannot be used, or masks have one class only.
 * @throws {Error} When a picture or mask cannot be read, sizes differ, a test mask has a class that no training mask has, or a
 * feature or a score is no finite number.
 */
export async function segmentationProbe(options: SegmentationOptions): Promise<SegmentationReport> {
  checkSegmentation(options);
  const { engine, config, train, test, progress } = options, { imageSize: size, width } = config;
  const learned = maskClasses(), patches = await trainingPatches(options, learned), names = learned.names();
  if (names.length < 2) {
    throw new RangeError(
      `the training masks have ${names.length === 1 ? "1 class" : "0 classes"}; two are needed` +
        `${names.length === 1 ? `; theirs is ${names[0]}` : ""}, and white (255) does not count`,
    );
  }
  const head = trainHead(options, patches, names.length), grid = gridSize(config), cells = grid * grid;
  const score = engine.jit((args: { state: HeadState; features: tf.Tensor }) => ({
    scores: headScores(args.state, args.features, KIND),
  }));
  const confusion = names.map(() => new Array<number>(names.length).fill(0));
  try {
    for await (const { masks, tokens, done } of embedded(options, test, maskClasses(names))) {
      for (let i = 0; i < masks.length; i++) {
        const features = tf.tensor2d(tokens.slice(i * cells * width, (i + 1) * cells * width), [
          cells,
          width,
        ]);
        const { scores } = score({ state: head, features });
        const data = await scores.data() as Float32Array, which = done - masks.length + i;
        // Nothing is larger than not-a-number, so every pixel would be of the first class.
        requireFinite(
          { rows: cells, width: names.length, data },
          () => `${test[which].picture}: its scores by the layer that was learned (a smaller lr may help)`,
        );
        const found = pixelClasses(data, grid, size, names.length);
        masks[i].forEach((label, at) => label >= 0 && confusion[label][found[at]]++);
        tf.dispose([features, scores]);
      }
      progress?.(`measured ${done} of ${test.length} test pictures`);
    }
  } finally {
    tf.dispose(head);
    score.dispose();
  }
  return { ...segmentationFigures(confusion, names), train: train.length, test: test.length };
}
