import { select } from "../data/sources/select.ts";
import type { Picture, Source } from "../data/types.ts";
import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { align, decoderInput } from "../model/aligner.ts";
import { gridSize, type ModelConfig } from "../model/config.ts";
import { decoder } from "../model/decoder.ts";
import { encoder } from "../model/encoder.ts";
import { head } from "../model/head.ts";
import type { ModelState, Params } from "../model/types.ts";
import { randomStream } from "../random.ts";
import { publishFile } from "../files/publish.ts";
import { boxesOf } from "../views/geometry.ts";
import { packView } from "../views/pack.ts";
import { denormalise, renderViews } from "../views/render.ts";
import { DEFAULT_VIEWS, sampleView } from "../views/sample.ts";
import { VIEW_FIELDS } from "../views/types.ts";
import { canvas, type Colour, fill, paste, write } from "../data/picture/drawing.ts";
import { allPictures } from "./pictures.ts";
import { encodePng } from "../data/picture/png.ts";

/** What {@linkcode reconstructionPicture} needs. */
export interface ReconstructionOptions {
  engine: Engine;
  config: ModelConfig;
  /** Read, never disposed. */
  state: ModelState;
  /** Where the pictures come from: held-out ones if there are any. Not closed. */
  source: Source;
  /** The PNG to write. */
  file: string;
  /** How many pictures. Default 10; fewer if the source has fewer. */
  count?: number;
  /** Seed of the choice of pictures and of the crops. Default 0. */
  seed?: number;
}

/** What a model makes of one crop of each of some pictures. All pictures count × S × S × 3 bytes. */
export interface Reconstructions {
  /** What is to be decoded: the pictures, or where the model reconstructs views, the crops. */
  base: Uint8Array;
  /** The crops as the encoder sees them. */
  crop: Uint8Array;
  /** count × G × G: 0 where the decoder was given codes, 1 where it was given the mask token. */
  mask: Float32Array;
  /** The decoder's pictures. */
  image: Uint8Array;
}

/** An epoch that no training reaches, so that no crop shown was trained on. */
const EVALUATION_EPOCH = 2 ** 32 - 1;

/** The views that are shown: one crop of each picture, twice, because rendering needs pairs. */
function cropViews({ imageSize }: ModelConfig, count: number, seed: number): Float32Array {
  const options = { ...DEFAULT_VIEWS, imageSize, grey: 0, blur: [0, 0], solarise: [0, 0] } as const;
  const packed = new Float32Array(2 * count * VIEW_FIELDS);
  for (let i = 0; i < count; i++) {
    const view = sampleView({ ...options, cropScale: [.3, .6] }, seed, EVALUATION_EPOCH, i, 0);
    for (const number of [0, 1]) packView(view, packed, (number * count + i) * VIEW_FIELDS);
  }
  return packed;
}

/**
 * Prepares a model's other half to be looked at; it is compiled once for each number of pictures.
 *
 * @returns A function that runs the model in evaluation mode on one crop of each picture. The state is read, never disposed;
 * `base` is count × S × S × 3 bytes, and `seed` determines the crops.
 */
export function reconstructor(
  engine: Engine,
  config: ModelConfig,
): (state: ModelState, base: Uint8Array, seed: number) => Promise<Reconstructions> {
  const { imageSize: size } = config;
  // A decoder of the view itself is shown the crop as its picture.
  const ofView = config.reconstructionTarget === "view";
  type Args = { params: Params; buffers: Params; base: tf.Tensor; views: tf.Tensor };
  const run = engine.jit(({ params, buffers, base, views }: Args) => {
    const count = base.shape[0];
    const images = tf.slice(renderViews(base, views, size), [0, 0, 0, 0], [count, size, size, 3]);
    const boxes = tf.slice(boxesOf(views, size), [0, 0], [count, 4]);
    const { codes } = head(config, params, buffers, encoder(config, params, images).tokens, false);
    const placed = align(config, params["head.mask_feat"], codes, boxes);
    const { given } = decoderInput(config, params["head.mask_feat"], codes, placed);
    const { image } = decoder(config, params, given);
    return {
      crop: denormalise(images) as tf.Tensor,
      mask: (ofView ? tf.zerosLike(placed.mask) : placed.mask) as tf.Tensor,
      image: denormalise(image) as tf.Tensor,
    };
  });
  return async (state, base, seed) => {
    const count = base.length / (size * size * 3);
    const args = {
      params: { ...state.params, ...state.frozen },
      buffers: state.buffers,
      base: engine.bytes(base, [count, size, size, 3]),
      views: tf.tensor3d(cropViews(config, count, seed), [2, count, VIEW_FIELDS]),
    };
    const result = run(args);
    const bytes = async (tensor: tf.Tensor) => Uint8Array.from(await tensor.data());
    const crop = await bytes(result.crop);
    const done = {
      base: ofView ? crop : base,
      crop,
      mask: Float32Array.from(await result.mask.data()),
      image: await bytes(result.image),
    };
    tf.dispose([args.base, args.views, ...Object.values(result)]);
    return done;
  };
}

/** Runs the model once, as {@linkcode reconstructor} says. */
export async function reconstruct(
  engine: Engine,
  config: ModelConfig,
  state: ModelState,
  base: Uint8Array,
  seed: number,
): Promise<Reconstructions> {
  return await reconstructor(engine, config)(state, base, seed);
}

const BACKGROUND: Colour = [228, 230, 234];
const INK: Colour = [32, 32, 32];
const MASK: Colour = [176, 176, 176];
const GRID: Colour = [208, 208, 208];
const EDGE: Colour = [214, 60, 40];

/** Space between pictures, in pixels. */
const GAP = 6;

/** Each row's label, in lines. */
const ROWS = [
  ["picture"],
  ["crop"],
  ["given to", "the decoder"],
  ["decoded"],
  ["decoded", "outside", "the crop"],
] as const;

/** Draws where a crop lies: what it covers as it is, the rest as mask, the grid, the region's edge. */
function drawGiven(
  sheet: Picture,
  picture: Uint8Array,
  mask: Float32Array,
  grid: number,
  patch: number,
  left: number,
  top: number,
  scale: number,
): void {
  const cell = patch * scale, masked = (row: number, column: number) => mask[row * grid + column] === 1;
  paste(sheet, picture, grid * patch, left, top, scale);
  const cells = [...mask.keys()].map((i) => ({ row: Math.floor(i / grid), column: i % grid }));
  for (const { row, column } of cells.filter(({ row, column }) => masked(row, column))) {
    const x = left + column * cell, y = top + row * cell;
    fill(sheet, x, y, cell, cell, MASK);
    fill(sheet, x, y, cell, 1, GRID);
    fill(sheet, x, y, 1, cell, GRID);
  }
  const covered = cells.filter(({ row, column }) => !masked(row, column));
  const rows = covered.map(({ row }) => row), columns = covered.map(({ column }) => column);
  const x = left + Math.min(...columns) * cell, y = top + Math.min(...rows) * cell;
  const width = (Math.max(...columns) - Math.min(...columns) + 1) * cell;
  const height = (Math.max(...rows) - Math.min(...rows) + 1) * cell;
  fill(sheet, x, y, width, 2, EDGE);
  fill(sheet, x, y + height - 2, width, 2, EDGE);
  fill(sheet, x, y, 2, height, EDGE);
  fill(sheet, x + width - 2, y, 2, height, EDGE);
}

/** The picture where a mask says 0, the decoded one where it says 1. */
function composite(
  picture: Uint8Array,
  decoded: Uint8Array,
  mask: Float32Array,
  grid: number,
  patch: number,
) {
  const size = grid * patch;
  return picture.map((value, i) => {
    const pixel = Math.floor(i / 3), y = Math.floor(pixel / size), x = pixel % size;
    return mask[Math.floor(y / patch) * grid + Math.floor(x / patch)] === 1 ? decoded[i] : value;
  });
}

/** Draws all rows and columns. Pictures smaller than 128 pixels are drawn larger, by a whole factor. */
export function drawReconstructions(config: ModelConfig, shown: Reconstructions): Picture {
  const { imageSize: size, patchSize: patch } = config, grid = gridSize(config);
  const pixels = size * size * 3, count = shown.base.length / pixels;
  const scale = Math.max(1, Math.floor(128 / size)), side = size * scale;
  const letter = 2, margin = GAP + 11 * 6 * letter + GAP;
  const sheet = canvas(
    margin + count * (side + GAP),
    GAP + ROWS.length * (side + GAP),
    BACKGROUND,
  );
  ROWS.forEach((label, row) => {
    const top = GAP + row * (side + GAP);
    const first = top + Math.max(0, Math.floor(side / 2 - label.length * 9 * letter / 2));
    label.forEach((line, n) => write(sheet, line, GAP, first + n * 9 * letter, letter, INK));
    for (let i = 0; i < count; i++) {
      const left = margin + i * (side + GAP);
      const of = (pictures: Uint8Array) => pictures.subarray(i * pixels, (i + 1) * pixels);
      const mask = shown.mask.subarray(i * grid * grid, (i + 1) * grid * grid);
      if (row === 2) drawGiven(sheet, of(shown.base), mask, grid, patch, left, top, scale);
      else {
        const square = row === 0
          ? of(shown.base)
          : row === 1
          ? of(shown.crop)
          : row === 3
          ? of(shown.image)
          : composite(of(shown.base), of(shown.image), mask, grid, patch);
        paste(sheet, square, size, left, top, scale);
      }
    }
  });
  return sheet;
}

/**
 * Writes a PNG that shows what the model makes of crops. Its rows are the picture, its crop, what the decoder was given
 * (the region of the codes; the rest is mask token), what it decoded, and the picture with only its unseen part
 * decoded, which alone is trained (docs/spec.md §6).
 *
 * @throws {Error} The source's pictures cannot be read or the file cannot be written; an old file then stays.
 */
export async function reconstructionPicture(options: ReconstructionOptions): Promise<void> {
  const { engine, config, state, source, file, count = 10, seed = 0 } = options;
  const random = randomStream(seed, "figure");
  const chosen = new Set<number>();
  // A few more than will be shown, because some may be bad.
  const wanted = Math.min(source.length, count + 8);
  while (chosen.size < wanted) chosen.add(random.integer(0, source.length - 1));
  const part = select(source, [...chosen]);
  const { bytes } = await allPictures(part, {
    prepare: { kind: "base", size: config.imageSize },
    onBad: () => {},
  });
  const base = bytes.slice(0, count * config.imageSize ** 2 * 3);
  const shown = await reconstruct(engine, config, state, base, seed);
  await publishFile(file, encodePng(drawReconstructions(config, shown)));
}
