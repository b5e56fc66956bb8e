/**
 * RandAugment (Cubuk et al. 2019) as timm's `rand-m9-mstd0.5-inc1` has it: drawn on the host, done on the device. All of
 * its changes run there.
 */
import * as tf from "../engine/tensors.ts";
import { randomStream } from "../random.ts";
import { affine } from "../views/affine.ts";
import { luminance } from "../views/photometric.ts";
import { autoContrast, equalise, posterise, smooth, solariseAdd, solariseFrom } from "../views/retouch.ts";

/** The changes, each as probable as any other. */
export const RAND_OPS = [
  "autoContrast",
  "equalise",
  "invert",
  "rotate",
  "posterise",
  "solarise",
  "solariseAdd",
  "colour",
  "contrast",
  "brightness",
  "sharpness",
  "shearX",
  "shearY",
  "translateX",
  "translateY",
] as const;

/** One of {@linkcode RAND_OPS}. */
export type RandOp = typeof RAND_OPS[number];

/** A change of a picture. */
export interface RandChange {
  op: RandOp;
  /** Degrees, bits, a threshold, an amount, a factor, a slope, or a share of the side; 0 where the change has none. */
  amount: number;
}

/** Chance that a change that was drawn is made; deviation of its magnitude; the largest one. */
const CHANCE = 0.5, DEVIATION = 0.5, MOST = 10;

/** The colour that comes in from outside: ImageNet's mean. */
const FILL = [124, 116, 104] as const;

/** How strong a change is at a magnitude of 0 … 1. */
function amountOf(op: RandOp, m: number, sign: number): number {
  switch (op) {
    case "autoContrast":
    case "equalise":
    case "invert":
      return 0;
    case "rotate":
      return sign * 30 * m;
    case "posterise":
      return 4 - Math.floor(4 * m);
    case "solarise":
      return 256 - Math.min(256, Math.floor(256 * m));
    case "solariseAdd":
      return Math.min(128, Math.floor(110 * m));
    case "colour":
    case "contrast":
    case "brightness":
    case "sharpness":
      return Math.max(0.1, 1 + sign * 0.9 * m);
    case "shearX":
    case "shearY":
      return sign * 0.3 * m;
    case "translateX":
    case "translateY":
      return sign * 0.45 * m;
    default:
      return op satisfies never;
  }
}

/**
 * Draws a picture's changes.
 *
 * @param layers How many changes are drawn, with repetition; each is made half the time.
 * @param magnitude Their mean magnitude, 0 … 10.
 * @param epoch The epoch.
 * @param index Where the picture stands in its source.
 * @returns One entry a layer; null where none is made.
 */
export function drawChanges(
  layers: number,
  magnitude: number,
  seed: number,
  epoch: number,
  index: number,
): (RandChange | null)[] {
  const random = randomStream(seed, "randAugment", epoch, index);
  return Array.from({ length: layers }, () => {
    const op = RAND_OPS[random.integer(0, RAND_OPS.length - 1)], made = random.uniform() < CHANCE;
    const m = Math.min(MOST, Math.max(0, magnitude + DEVIATION * random.normal())) / MOST;
    const sign = random.uniform() < 0.5 ? -1 : 1;
    return made ? { op, amount: amountOf(op, m, sign) } : null;
  });
}

/** The affine map of a change: where a place of the result lies in the picture. */
export function mapOf(change: RandChange | null, size: number): number[] {
  const { op, amount } = change ?? { op: "invert", amount: 0 };
  switch (op) {
    case "rotate": {
      const angle = -amount * Math.PI / 180, cos = Math.cos(angle), sin = Math.sin(angle), middle = size / 2;
      return [cos, sin, middle * (1 - cos - sin), -sin, cos, middle * (1 + sin - cos)];
    }
    case "shearX":
      return [1, amount, 0, 0, 1, 0];
    case "shearY":
      return [1, 0, 0, amount, 1, 0];
    case "translateX":
      return [1, 0, amount * size, 0, 1, 0];
    case "translateY":
      return [1, 0, 0, 0, 1, amount * size];
    default:
      return [1, 0, 0, 0, 1, 0];
  }
}

/** Numbers of a packed change: its op, its amount, its map. */
const FIELDS = 8;

/** Pictures of a batch that a layer can equalise: about a thirtieth is drawn, and a quarter nearly never. */
export function equaliseRoom(count: number): number {
  return Math.min(count, Math.max(8, Math.ceil(count / 4)));
}

/**
 * The changes of a layer as tensors. Counting levels is dear, so only pictures that are equalised are counted: `equal` says
 * which, `place` puts them back. Where more are drawn than there is room for, those beyond it stay as they are.
 *
 * @param size Side of the pictures in pixels.
 * @returns `changes` [N, 8], `equal` [M] int32, `place` [N, M].
 */
export function packChanges(
  changes: readonly (RandChange | null)[],
  size: number,
): { changes: tf.Tensor; equal: tf.Tensor; place: tf.Tensor } {
  const count = changes.length, room = equaliseRoom(count);
  const packed = new Float32Array(count * FIELDS),
    equal = new Int32Array(room),
    place = new Float32Array(count * room);
  let used = 0;
  changes.forEach((change, i) => {
    let made = change;
    if (change?.op === "equalise" && used === room) made = null;
    else if (change?.op === "equalise") {
      equal[used] = i;
      place[i * room + used++] = 1;
    }
    const op = made ? RAND_OPS.indexOf(made.op) : -1;
    packed.set([op, made?.amount ?? 0, ...mapOf(made, size)], i * FIELDS);
  });
  return {
    changes: tf.tensor(packed, [count, FIELDS]),
    equal: tf.tensor(equal, [room], "int32"),
    place: tf.tensor(place, [count, room]),
  };
}

/** `x` where `on` is 0, `other` where it is 1; exact for whole numbers. */
const choose = (on: tf.Tensor, other: tf.Tensor, x: tf.Tensor) =>
  tf.add(x, tf.mul(on, tf.sub(other, x))) as tf.Tensor4D;

/** Equalises the pictures that are meant, and puts them back. */
function equaliseSome(x: tf.Tensor4D, on: tf.Tensor, equal: tf.Tensor, place: tf.Tensor): tf.Tensor4D {
  const some = tf.gather(x, equal as tf.Tensor1D), [room] = some.shape;
  const made = tf.reshape(equalise(some as tf.Tensor4D), [room, -1]);
  // Whole numbers up to 255 times 0 or 1: exact in any precision of products.
  const back = tf.reshape(tf.matMul(place as tf.Tensor2D, made as tf.Tensor2D), x.shape);
  return choose(on, back, x);
}

/** Colour, contrast, brightness and sharpness: PIL's blends with another picture. */
function enhance(x: tf.Tensor4D, on: (op: RandOp) => tf.Tensor, amount: tf.Tensor): tf.Tensor4D {
  const grey = luminance(x), level = tf.floor(tf.add(tf.mean(grey, [1, 2, 3], true), 0.5));
  const other = tf.add(
    tf.add(tf.mul(on("colour"), grey), tf.mul(on("contrast"), level)),
    tf.mul(on("sharpness"), smooth(x)),
  );
  const active = tf.add(tf.add(on("colour"), on("contrast")), tf.add(on("brightness"), on("sharpness")));
  const factor = tf.add(tf.mul(active, tf.sub(amount, 1)), 1);
  return tf.floor(
    tf.minimum(tf.maximum(tf.add(other, tf.mul(factor, tf.sub(x, other))), 0), 255),
  ) as tf.Tensor4D;
}

/**
 * Makes one layer of changes.
 *
 * @param x Pictures [N, S, 3, S], whole numbers 0…255.
 * @param layer {@linkcode packChanges}.
 */
export function changePictures(
  x: tf.Tensor4D,
  { changes, equal, place }: { changes: tf.Tensor; equal: tf.Tensor; place: tf.Tensor },
): tf.Tensor4D {
  return tf.tidy(() => {
    const column = (at: number) => tf.reshape(tf.slice(changes, [0, at], [-1, 1]), [-1, 1, 1, 1]);
    const number = column(0), amount = column(1);
    const on = (op: RandOp) => tf.cast(tf.equal(number, RAND_OPS.indexOf(op)), "float32");
    let y = affine(x, tf.slice(changes, [0, 2], [-1, 6]), FILL);
    y = equaliseSome(y, on("equalise"), equal, place);
    y = choose(on("autoContrast"), autoContrast(y), y);
    y = choose(on("invert"), tf.sub(255, y), y);
    const bits = tf.add(tf.mul(on("posterise"), tf.sub(amount, 8)), 8);
    y = posterise(y, bits);
    y = choose(on("solarise"), solariseFrom(y, amount), y);
    y = choose(on("solariseAdd"), solariseAdd(y, amount), y);
    return enhance(y, on, amount);
  });
}
