/** The figures of a run folder: what is drawn at checkpoints, in `figures/`. */
import { join } from "node:path";

/** The folder's name in a run folder. */
export const FIGURES_FOLDER = "figures";

/** The file of a run folder that shows what a detector finds in test pictures. */
export const DETECTIONS_FILE = "detections.png";

/** The pictures that all figures of a run are about. */
export interface Gallery {
  version: 1;
  /** Side of a thumbnail in gallery.jpg, in pixels. */
  side: number;
  /** Thumbnails in a row of it. */
  columns: number;
  pictures: { key: string; label: number }[];
  /** Names of the classes, where the source has some. */
  labels: string[];
}

/** What was found after some steps. The pictures beside it have the same number in their names. */
export interface FigureSet {
  version: 1;
  step: number;
  /** Where each picture of the gallery lies on the map of their features, −1 … 1. */
  map: [x: number, y: number][];
  /** The share of the features' variance that the map's two axes show. */
  explained: [x: number, y: number];
  /** Some of the gallery's pictures, and those that are nearest to each, best first. */
  neighbours: { query: number; nearest: [index: number, cosine: number][] }[];
  /** Share of the attention's mass that is kept in the second row of each picture. */
  mass: number;
  /** Attention heads. */
  heads: number;
}

const number = (step: number) => String(step).padStart(8, "0");

/** Names of the files of a set, in the figures' folder. The JSON file is written last and removed first. */
export function figureNames(step: number): { set: string; reconstruction: string; attention: string } {
  const name = `step-${number(step)}`;
  return {
    set: `${name}.json`,
    reconstruction: `${name}-reconstruction.jpg`,
    attention: `${name}-attention.jpg`,
  };
}

const NAME = /^step-(\d+)(?:\.json|-reconstruction\.jpg|-attention\.jpg)$/;

/**
 * Steps that a run folder has figures of, rising.
 *
 * @param run The run folder.
 * @returns `whole`: those whose set is there; `all`: those of which any file is there.
 * @throws {Error} When the folder is there and cannot be read.
 */
export async function figureSteps(run: string): Promise<{ whole: number[]; all: number[] }> {
  const whole = new Set<number>(), all = new Set<number>();
  try {
    for await (const { name } of Deno.readDir(join(run, FIGURES_FOLDER))) {
      const step = NAME.exec(name)?.[1];
      if (step === undefined) continue;
      all.add(Number(step));
      if (name.endsWith(".json")) whole.add(Number(step));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const rising = (steps: Set<number>) => [...steps].sort((a, b) => a - b);
  return { whole: rising(whole), all: rising(all) };
}

/** Some of many, evenly, with the first and the last. */
export function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  if (most === 1) return [all.at(-1)!];
  return Array.from({ length: most }, (_, i) => all[Math.round(i * (all.length - 1) / (most - 1))]);
}

/** Removes the figures of a step. */
export async function removeFigures(run: string, step: number): Promise<void> {
  const { set, ...pictures } = figureNames(step);
  for (const name of [set, ...Object.values(pictures)]) {
    await Deno.remove(join(run, FIGURES_FOLDER, name)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
