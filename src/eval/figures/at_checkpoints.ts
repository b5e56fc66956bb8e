import { join } from "node:path";
import { basePicture } from "../../data/picture/resize.ts";
import type { Picture, Source } from "../../data/types.ts";
import type { Engine } from "../../engine/types.ts";
import { makeFolder } from "../../files/make_folder.ts";
import { publishFile } from "../../files/publish.ts";
import { redact } from "../../files/redact.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { ModelState } from "../../model/types.ts";
import type { Evaluator } from "../../train/evaluators.ts";
import { type EventPicture, openEventFile, TENSORBOARD_FOLDER } from "../../train/run/event_file.ts";
import {
  figureNames,
  FIGURES_FOLDER,
  type FigureSet,
  figureSteps,
  removeFigures,
  spread,
} from "../../train/run/figure_files.ts";
import { embedder } from "../embed.ts";
import { drawReconstructions, type Reconstructions, reconstructor } from "../reconstruction.ts";
import { unitRows } from "../rows.ts";
import { attentionReader, drawAttention } from "./attention.ts";
import { type GalleryPictures, readGallery } from "./gallery.ts";
import { nearestRows, principalMap } from "./map.ts";

/** Pictures that are reconstructed, whose attention is shown, that ask for neighbours; and neighbours of each. */
const RECONSTRUCTED = 8, ATTENDED = 3, QUERIES = 8, NEIGHBOURS = 7;

/** The share of attention that is kept, DINO's. */
const MASS = 0.6;

/** Sets that a run keeps: when there are more, every second of them goes. */
const MOST_SETS = 24;

/** Pictures embedded at once. */
const BATCH = 64;

/** The largest share of the time that figures may take. */
const SHARE = 0.01;

/** JPEG quality of the figures and of the thumbnails. */
const QUALITY = 72;

/** Pictures that are open. */
export interface OpenPictures {
  source: Source;
  close(): Promise<void>;
}

/** What {@linkcode checkpointFigures} needs. */
export interface CheckpointFiguresOptions {
  engine: Engine;
  config: ModelConfig;
  /** The run folder. */
  run: string;
  /** Opens the pictures that are shown: held-out ones if there are any. Called at most once; closed after reading. */
  open(): Promise<OpenPictures>;
  /** Seed of the choice of pictures and of the crops. Default 0. */
  seed?: number;
  /** Whether the pictures also go into event files for TensorBoard. Default false. */
  tensorboard?: boolean;
  /** The largest share of the time that they may take, the first ones and the last ones not counted. Default 0.01. */
  share?: number;
  /** Takes lines for people. */
  progress?: (line: string) => void;
  /** The time in milliseconds; for tests. */
  now?: () => number;
}

/** What draws, compiled and with its pictures. */
interface Studio extends GalleryPictures {
  embed: ReturnType<typeof embedder>;
  reconstruct: ReturnType<typeof reconstructor>;
  attend: ReturnType<typeof attentionReader>;
}

async function openStudio(options: CheckpointFiguresOptions): Promise<Studio> {
  const { engine, config, seed = 0 } = options;
  const { source, close } = await options.open();
  try {
    const read = await readGallery(source, config.imageSize, seed);
    const batchSize = Math.min(BATCH, read.gallery.pictures.length);
    return {
      ...read,
      embed: embedder(engine, config, { batchSize }),
      reconstruct: reconstructor(engine, config),
      attend: attentionReader(engine, config),
    };
  } finally {
    await close();
  }
}

/** The same pictures with smaller sides, so that a sheet of them stays small. */
function smaller(
  config: ModelConfig,
  shown: Reconstructions,
): { config: ModelConfig; shown: Reconstructions } {
  const { imageSize: size, patchSize: patch } = config;
  const by = [4, 3, 2].find((factor) => size / factor >= 96 && patch % factor === 0) ?? 1;
  if (by === 1) return { config, shown };
  const side = size / by, pixels = size * size * 3, count = shown.base.length / pixels;
  const shrink = (pictures: Uint8Array) => {
    const out = new Uint8Array(count * side * side * 3);
    for (let i = 0; i < count; i++) {
      const picture = { width: size, height: size, data: pictures.subarray(i * pixels, (i + 1) * pixels) };
      out.set(basePicture(picture, side), i * side * side * 3);
    }
    return out;
  };
  return {
    config: { ...config, imageSize: side, patchSize: patch / by },
    shown: { ...shown, base: shrink(shown.base), crop: shrink(shown.crop), image: shrink(shown.image) },
  };
}

/** Writes the gallery where it is not there yet as it is now. */
async function writeGallery(
  folder: string,
  { gallery, sheet }: GalleryPictures,
  jpeg: Encode,
): Promise<void> {
  const path = join(folder, "gallery.json"),
    pictures = gallery.pictures.map((one) => ({ ...one, key: redact(one.key) }));
  const text = JSON.stringify({ ...gallery, pictures }) + "\n";
  if (await Deno.readTextFile(path).catch(() => "") === text) return;
  await publishFile(join(folder, "gallery.jpg"), await jpeg(sheet));
  await publishFile(path, text);
}

type Encode = (picture: Picture) => Promise<Uint8Array>;

/** Draws and writes a set; the JSON file comes last, and only with it the set counts. */
async function drawSet(options: CheckpointFiguresOptions, studio: Studio, state: ModelState, step: number) {
  const { config, run, seed = 0 } = options, { gallery, base } = studio;
  const { encodeJpeg } = await import("../../data/picture/sharp.ts");
  const jpeg: Encode = (picture) => encodeJpeg(picture, QUALITY);
  const folder = join(run, FIGURES_FOLDER), names = figureNames(step);
  const first = (count: number) => base.subarray(0, Math.min(count * config.imageSize ** 2 * 3, base.length));
  const { class: features } = await studio.embed.pictures(state, base), unit = unitRows(features);
  const { points, explained } = principalMap(unit);
  const shown = smaller(config, await studio.reconstruct(state, first(RECONSTRUCTED), seed));
  const attention = await studio.attend(state, first(ATTENDED));
  const queries = Array.from({ length: Math.min(QUERIES, gallery.pictures.length) }, (_, i) => i);
  const set: FigureSet = {
    version: 1,
    step,
    map: points,
    explained,
    neighbours: nearestRows(unit, queries, NEIGHBOURS),
    mass: MASS,
    heads: config.heads,
  };
  await makeFolder(folder);
  await writeGallery(folder, studio, jpeg);
  const pictures = {
    reconstruction: drawReconstructions(shown.config, shown.shown),
    attention: drawAttention(config, first(ATTENDED), attention, MASS),
  };
  const events: Record<string, EventPicture> = {};
  for (const [name, picture] of Object.entries(pictures)) {
    const encoded = await jpeg(picture);
    await publishFile(join(folder, names[name as keyof typeof pictures]), encoded);
    events[name] = { width: picture.width, height: picture.height, encoded };
  }
  await publishFile(join(folder, names.set), JSON.stringify(set) + "\n");
  if (options.tensorboard) await writeEvents(run, step, events);
}

/** Pictures have files of their own, because TensorBoard reads one growing file of a folder only. */
async function writeEvents(run: string, step: number, pictures: Record<string, EventPicture>): Promise<void> {
  const file = await openEventFile(join(run, TENSORBOARD_FOLDER, FIGURES_FOLDER), step - 1);
  try {
    file.pictures(step, pictures);
  } finally {
    file.close();
  }
}

/** Removes sets that a killed process left half, those of steps that are to be done again, and some of very many. */
async function tidy(run: string, step: number): Promise<void> {
  const { whole, all } = await figureSteps(run);
  const good = whole.filter((one) => one <= step);
  const kept = new Set(good.length > MOST_SETS ? spread(good, Math.ceil(MOST_SETS / 2)) : good);
  for (const one of all) if (!kept.has(one)) await removeFigures(run, one);
}

/**
 * Figures of a run's state, as an evaluator at checkpoints and after the last step: reconstructions of some pictures, the
 * last block's attention, a map of the features and nearest neighbours, in the run folder's `figures/` for
 * `deno task report`.
 *
 * They take at most a share of the time: a checkpoint at which they would take more goes without. The first ones, for which
 * the model is compiled, and those after the last step are always drawn. Figures that cannot be drawn, such as on a full
 * disk, are told and left out; the training goes on.
 *
 * @throws {RangeError} When the share is no number from 0 up.
 */
export function checkpointFigures(options: CheckpointFiguresOptions): Evaluator {
  const { share = SHARE, progress = () => {}, now = () => performance.now() } = options;
  if (!(share >= 0)) throw new RangeError(`share is ${share}; it must be a number from 0 up`);
  const begun = now();
  let studio: Studio | null | undefined, spent = 0, last = 0;
  return {
    name: "figures",
    cadence: { checkpoints: true, end: true },
    evaluate: async ({ state, step, total }) => {
      const start = now(), fresh = studio === undefined;
      const dear = spent + last > share * (start - begun);
      if (studio === null || (!fresh && step < total && dear)) return {};
      try {
        // Without pictures now there will be none later either.
        studio ??= await openStudio(options).catch((error) => {
          studio = null;
          throw error;
        });
        await drawSet(options, studio, state, step);
        await tidy(options.run, step);
      } catch (error) {
        progress(`figures of step ${step} were left out: ${(error as Error).message}`);
      }
      last = now() - start;
      // The first ones took the time of compiling besides, so they say nothing of the next ones.
      if (fresh) last = 0;
      else spent += last;
      return {};
    },
  };
}
