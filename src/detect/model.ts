/** A detector on the encoder: a pyramid of its last map, and a head that all levels share. */
import * as tf from "../engine/tensors.ts";
import type { StoredTensor } from "../files/stored_tensor.ts";
import { initEncoder } from "../finetune/model.ts";
import { gridSize, type ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import { gelu, layerNorm, linear } from "../model/layers.ts";
import type { ModelState, Params } from "../model/types.ts";
import { randomStream } from "../random.ts";
import { convolve, double, groupNorm, halve } from "./convolution.ts";
import { levelsOf } from "./levels.ts";
import type { Answers } from "./losses.ts";

/** The sizes of a detector. */
export interface DetectorConfig extends ModelConfig {
  /** How often the encoder's map is doubled for the finest level, 0 to 2. */
  upscale: number;
  /** How many levels there are. */
  levels: number;
  /** Channels of the pyramid and of the towers, a multiple of 8. */
  pyramidWidth: number;
  /** Convolutions in each of the two towers. */
  towerDepth: number;
}

/** Channels that a group norm takes together: FCOS has 32 groups of 256 channels. */
const GROUP = 8;

/** Standard deviation of the head's first weights, and how probable each class is before the first step (FCOS). */
const HEAD_DEVIATION = 0.01, PRIOR = 0.01;

/** The farthest that a side of a box can be, as the logarithm of strides: beyond every picture, and far from overflow. */
const FARTHEST = 8;

/** The first place among the streams of first weights that is a detector's. */
const FIRST_PLACE = 2 ** 31 + 1;

/** A map as the rows that linear layers take. */
const rowsOf = (x: tf.Tensor) => tf.reshape(x, [-1, x.shape[3]!]);

/** Layer norm over the channels of a map. */
const mapNorm = (x: tf.Tensor, params: Params, name: string) =>
  tf.reshape(layerNorm(rowsOf(x), params, name), x.shape);

/**
 * A simple feature pyramid (Li et al., "Exploring plain vision transformer backbones for object detection", ECCV 2022): each level is
 * made of the encoder's last map alone, doubled or halved, then by a 1 × 1 and a 3 × 3 convolution without bias, each with a
 * layer norm over the channels. A level that is coarser than half of the map is the level before it, halved.
 *
 * @param map [N, G, G, d].
 * @returns The levels, the finest first, each [N, side, side, pyramidWidth].
 */
export function pyramid(config: DetectorConfig, params: Params, map: tf.Tensor): tf.Tensor[] {
  const made: tf.Tensor[] = [];
  for (let i = 0; i < config.levels; i++) {
    const name = `pyramid.${i}`, doublings = config.upscale - i;
    if (doublings < -1) {
      made.push(halve(made[i - 1]));
      continue;
    }
    let x = doublings === -1 ? halve(map) : map;
    for (let k = 0; k < doublings; k++) {
      if (k > 0) x = gelu(mapNorm(x, params, `${name}.up_norm`));
      x = double(x, params, `${name}.up.${k}`);
    }
    const [count, side] = x.shape as [number, number];
    const narrow = layerNorm(linear(rowsOf(x), params, `${name}.lateral`), params, `${name}.lateral_norm`);
    const map3 = convolve(
      tf.reshape(narrow, [count, side, side, config.pyramidWidth]),
      params,
      `${name}.output`,
    );
    made.push(mapNorm(map3, params, `${name}.output_norm`));
  }
  return made;
}

/** A tower of convolutions, each with a group norm and a ReLU. */
function tower(
  { pyramidWidth, towerDepth }: DetectorConfig,
  params: Params,
  name: string,
  x: tf.Tensor,
): tf.Tensor {
  for (let i = 0; i < towerDepth; i++) {
    const y = convolve(x, params, `${name}.${i}`);
    x = tf.relu(groupNorm(y, params, `${name}.${i}.norm`, pyramidWidth / GROUP));
  }
  return x;
}

/**
 * The head of FCOS (Tian et al., ICCV 2019) on a level: scores of the classes from one tower, distances and centre-ness from the other.
 * A distance is e^(s·x) strides, s a number of the level that is learned.
 *
 * @param x [N, side, side, pyramidWidth].
 * @param level Its number.
 */
function headOn(config: DetectorConfig, params: Params, x: tf.Tensor, level: number): Answers {
  const [count, side] = x.shape as [number, number], cells = side * side;
  const ofClass = tower(config, params, "head.class_tower", x),
    ofBox = tower(config, params, "head.box_tower", x);
  const classes = convolve(ofClass, params, "head.classes");
  const raw = tf.mul(convolve(ofBox, params, "head.boxes"), params[`head.scales.${level}`]);
  return {
    classes: tf.reshape(classes, [count, cells, -1]),
    distances: tf.reshape(tf.exp(tf.minimum(raw, FARTHEST)), [count, cells, 4]),
    centreness: tf.reshape(convolve(ofBox, params, "head.centreness"), [count, cells]),
  };
}

/**
 * What a detector answers at all its locations, a pure function. The map is that of the last block behind the encoder's own norm.
 *
 * @param params Trainable and frozen parameters in one record.
 * @param images Normalised pictures, [N, S, S, 3].
 * @param drop Uniform draws of stochastic depth, [depth, 2, N]; left out: every branch is kept.
 */
export function detectorAnswers(
  config: DetectorConfig,
  params: Params,
  images: tf.Tensor,
  drop?: tf.Tensor,
): Answers {
  const { tokens } = encoder(config, params, images, drop), grid = gridSize(config);
  const map = tf.reshape(tf.slice(tokens, [0, 1, 0], [-1, -1, -1]), [-1, grid, grid, config.width]);
  const each = pyramid(config, params, map).map((x, level) => headOn(config, params, x, level));
  return {
    classes: tf.concat(each.map(({ classes }) => classes), 1),
    distances: tf.concat(each.map(({ distances }) => distances), 1),
    centreness: tf.concat(each.map(({ centreness }) => centreness), 1),
  };
}

/** A tensor behind the encoder: its shape, and its first value or how far its first values are spread. */
export interface DetectorEntry {
  name: string;
  shape: number[];
  first: { value: number } | { deviation: number };
}

/**
 * The tensors behind the encoder, in order.
 *
 * @param classes K.
 */
export function detectorEntries(config: DetectorConfig, classes: number): DetectorEntry[] {
  const { width, pyramidWidth: wide, upscale, levels, towerDepth } = config, list: DetectorEntry[] = [];
  const add = (name: string, shape: number[], first: DetectorEntry["first"]) =>
    list.push({ name, shape, first });
  const norm = (name: string, channels: number) => {
    add(`${name}.weight`, [channels], { value: 1 });
    add(`${name}.bias`, [channels], { value: 0 });
  };
  const conv = (name: string, from: number, to: number, deviation: number, bias?: number) => {
    add(`${name}.weight`, [to, from, 3, 3], { deviation });
    if (bias !== undefined) add(`${name}.bias`, [to], { value: bias });
  };
  for (let i = 0; i < levels && upscale - i >= -1; i++) {
    const name = `pyramid.${i}`, doublings = Math.max(0, upscale - i);
    for (let k = 0; k < doublings; k++) {
      const from = width / 2 ** k;
      if (k > 0) norm(`${name}.up_norm`, from);
      add(`${name}.up.${k}.weight`, [from, from / 2, 2, 2], { deviation: 1 / Math.sqrt(from) });
      add(`${name}.up.${k}.bias`, [from / 2], { value: 0 });
    }
    const from = width / 2 ** doublings;
    add(`${name}.lateral.weight`, [wide, from], { deviation: 1 / Math.sqrt(from) });
    norm(`${name}.lateral_norm`, wide);
    conv(`${name}.output`, wide, wide, Math.sqrt(2 / (9 * wide)));
    norm(`${name}.output_norm`, wide);
  }
  for (const side of ["class", "box"]) {
    for (let i = 0; i < towerDepth; i++) {
      conv(`head.${side}_tower.${i}`, wide, wide, HEAD_DEVIATION, 0);
      norm(`head.${side}_tower.${i}.norm`, wide);
    }
  }
  conv("head.classes", wide, classes, HEAD_DEVIATION, -Math.log((1 - PRIOR) / PRIOR));
  conv("head.boxes", wide, 4, HEAD_DEVIATION, 0);
  conv("head.centreness", wide, 1, HEAD_DEVIATION, 0);
  for (let i = 0; i < levels; i++) add(`head.scales.${i}`, [1], { value: 1 });
  return list;
}

/** What a detector begins with. */
export interface InitDetectorOptions {
  /** Blocks that are frozen. */
  freeze: number;
  /** Classes. */
  classes: number;
  seed: number;
  /** The encoder's tensors under our names; left out: random ones, from scratch. */
  from?: Readonly<Record<string, StoredTensor>>;
}

/**
 * Refuses sizes that no detector can have.
 *
 * @throws {RangeError} When the map cannot be halved as often as levels ask, or widths cannot be divided.
 */
export function checkDetector(config: DetectorConfig): void {
  const { width, upscale, pyramidWidth } = config;
  levelsOf(config);
  if (pyramidWidth % GROUP !== 0) {
    throw new RangeError(`pyramidWidth is ${pyramidWidth}, but it must be a multiple of ${GROUP}`);
  }
  if (width % 2 ** upscale !== 0) {
    throw new RangeError(
      `the encoder's width, ${width}, cannot be halved ${upscale} times; take a smaller upscale`,
    );
  }
}

/**
 * A detector before its first step: the given encoder or a random one, a fresh pyramid and head.
 *
 * @returns Its tensors; those that are not trained are in `frozen`. The caller's to dispose.
 * @throws {RangeError} When a tensor of the encoder is missing or of another shape, or the model cannot be built.
 */
export function initDetector(config: DetectorConfig, options: InitDetectorOptions): ModelState {
  const { classes, seed, freeze, from } = options;
  checkDetector(config);
  const state = initEncoder(config, { freeze, pool: "class", seed, from });
  detectorEntries(config, classes).forEach(({ name, shape, first }, i) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if ("value" in first) values.fill(first.value);
    else randomStream(seed, "init", FIRST_PLACE + i).normals(values, first.deviation);
    state.params[name] = tf.tensor(values, shape);
  });
  return state;
}
