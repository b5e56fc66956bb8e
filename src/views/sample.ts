import { type RandomStream, randomStream } from "../random.ts";
import type { ColourJitter, Crop, View } from "./types.ts";

/** How views are drawn. Lengths in pixels of the base picture, the rest as in docs/spec.md §1. */
export interface ViewOptions {
  /** Side of the base picture and of every view, in pixels. */
  imageSize: number;
  /** Smallest and largest share of the base picture's area that a crop covers. */
  cropScale: readonly [number, number];
  /** Smallest and largest ratio of a crop's width to its height. */
  cropRatio: readonly [number, number];
  /** Chance of a left–right flip. */
  flip: number;
  /** Chance that the four colour changes happen. */
  colour: number;
  /** Brightness factor is drawn from 1 ± this. */
  brightness: number;
  /** Contrast factor is drawn from 1 ± this. */
  contrast: number;
  /** Saturation factor is drawn from 1 ± this. */
  saturation: number;
  /** Hue shift is drawn from ± this share of a turn, at most 0.5. */
  hue: number;
  /** Chance of a grey view. */
  grey: number;
  /** Chance of a blur in view 1 and in view 2. */
  blur: readonly [number, number];
  /** Smallest and largest radius of the blur, in pixels. */
  blurRadius: readonly [number, number];
  /** Chance of solarisation in view 1 and in view 2. */
  solarise: readonly [number, number];
}

/** The options of the reference's published run. docs/spec.md §1, §9. */
export const DEFAULT_VIEWS: ViewOptions = {
  imageSize: 224,
  cropScale: [0.14, 1],
  cropRatio: [3 / 4, 4 / 3],
  flip: 0.5,
  colour: 0.8,
  brightness: 0.4,
  contrast: 0.4,
  saturation: 0.2,
  hue: 0.1,
  grey: 0.2,
  blur: [1, 0.1],
  blurRadius: [0.1, 2],
  solarise: [0, 0.2],
};

/** Least and most of each option, of both numbers where it has two. `hue` is a share of half a turn, `cropRatio` a quotient. */
export const VIEW_BOUNDS = {
  cropScale: [0, 1],
  cropRatio: [0.01, 100],
  flip: [0, 1],
  colour: [0, 1],
  brightness: [0, 1],
  contrast: [0, 1],
  saturation: [0, 1],
  hue: [0, 0.5],
  grey: [0, 1],
  blur: [0, 1],
  blurRadius: [0, Number.MAX_VALUE],
  solarise: [0, 1],
} as const satisfies Record<Exclude<keyof ViewOptions, "imageSize">, readonly [least: number, most: number]>;

/**
 * Refuses options by which no view can be drawn. Other fields, such as those of a whole run, are not looked at.
 *
 * @throws {RangeError} When one is missing or out of its bounds; names it.
 */
export function checkViews(options: ViewOptions): void {
  if (!(Number.isSafeInteger(options?.imageSize) && options.imageSize >= 1)) {
    throw new RangeError(`views need an imageSize, a whole number of at least 1, not ${options?.imageSize}`);
  }
  for (const [name, [least, most]] of Object.entries(VIEW_BOUNDS)) {
    const given: unknown = options[name as keyof ViewOptions];
    const pair = Array.isArray(DEFAULT_VIEWS[name as keyof ViewOptions]);
    const numbers = pair ? given : [given];
    const good = Array.isArray(numbers) && numbers.length === (pair ? 2 : 1) &&
      numbers.every((x) => typeof x === "number" && x >= least && x <= most);
    if (good) continue;
    const bounds = most === Number.MAX_VALUE ? `${least} up` : `${least} to ${most}`;
    throw new RangeError(
      `${name} of views is ${Array.isArray(given) ? `[${given.join(", ")}]` : given}; it must be ` +
        `${pair ? "two numbers" : "a number"} from ${bounds}`,
    );
  }
}

/** Attempts at a crop that fits before the whole base picture is taken. */
const ATTEMPTS = 10;

/** Rounds to the nearest whole number, halves to the even one, as Python does. */
function roundHalfEven(x: number): number {
  const low = Math.floor(x), rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** Draws a crop: area, ratio, top, left in this order. docs/spec.md §1.2. */
function sampleCrop(options: ViewOptions, random: RandomStream): Crop {
  const size = options.imageSize;
  const [smallest, largest] = options.cropScale, [narrow, wide] = options.cropRatio;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = random.uniform(smallest, largest) * size * size;
    const ratio = Math.exp(random.uniform(Math.log(narrow), Math.log(wide)));
    const width = roundHalfEven(Math.sqrt(area * ratio)), height = roundHalfEven(Math.sqrt(area / ratio));
    if (width < 1 || width > size || height < 1 || height > size) continue;
    const top = random.integer(0, size - height), left = random.integer(0, size - width);
    return { top, left, height, width };
  }
  return { top: 0, left: 0, height: size, width: size };
}

/** Draws the colour changes and their order, each of the 24 orders alike. docs/spec.md §1.5. */
function sampleColour(options: ViewOptions, random: RandomStream): ColourJitter {
  const factor = (spread: number) => Math.fround(random.uniform(1 - spread, 1 + spread));
  const brightness = factor(options.brightness);
  const contrast = factor(options.contrast);
  const saturation = factor(options.saturation);
  const hue = Math.fround(random.uniform(-options.hue, options.hue));
  const order = random.shuffle<[number, number, number, number]>([0, 1, 2, 3]);
  return { order, brightness, contrast, saturation, hue };
}

/**
 * Draws the parameters of one view. docs/spec.md §1; every view has its own random stream, so any view of any picture
 * can be drawn again alone.
 *
 * Every real parameter is a float32 number, so packing a view for the device loses nothing.
 *
 * @param options How views are drawn.
 * @param seed The run's seed.
 * @param epoch The epoch, from 0.
 * @param index Where the picture stands in its source.
 * @param viewNumber 0 for view 1, 1 for view 2: their chances of blur and solarisation differ.
 * @returns The view; the same arguments always give the same one.
 * @throws {RangeError} When an option is missing or out of its bounds, or a number names no place, see `randomStream`.
 * @example
 * ```ts
 * import { DEFAULT_VIEWS, sampleView } from "./sample.ts";
 * import assert from "node:assert/strict";
 * const view = sampleView(DEFAULT_VIEWS, 0, 3, 17, 0);
 * assert.deepEqual(view, sampleView(DEFAULT_VIEWS, 0, 3, 17, 0));
 * assert.ok(view.crop.left + view.crop.width <= 224);
 * ```
 */
export function sampleView(
  options: ViewOptions,
  seed: number,
  epoch: number,
  index: number,
  viewNumber: 0 | 1,
): View {
  checkViews(options);
  if (viewNumber !== 0 && viewNumber !== 1) {
    throw new RangeError(`view number ${viewNumber} is neither 0 nor 1`);
  }
  return drawView(options, seed, epoch, index, viewNumber);
}

/** As {@linkcode sampleView}, for options that were checked before: a stream draws two views for each of its pictures. */
export function drawView(
  options: ViewOptions,
  seed: number,
  epoch: number,
  index: number,
  viewNumber: 0 | 1,
): View {
  const random = randomStream(seed, "view", epoch, index, viewNumber);
  const crop = sampleCrop(options, random);
  const flip = random.uniform() < options.flip;
  const colour = random.uniform() < options.colour ? sampleColour(options, random) : null;
  const grey = random.uniform() < options.grey;
  const [small, large] = options.blurRadius;
  const blur = random.uniform() < options.blur[viewNumber] ? Math.fround(random.uniform(small, large)) : 0;
  const solarise = random.uniform() < options.solarise[viewNumber];
  return { crop, flip, colour, grey, blur, solarise };
}
