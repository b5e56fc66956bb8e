/**
 * What loss and nearest neighbours usually are: figures that were measured, by preset and data. To add some, add a row; a run
 * with the row's settings on such data then says them at its start and compares at its end.
 *
 * @module
 */
import type { PresetName, RunConfig } from "../config/settings.ts";

/** A range that figures usually lie in. */
export type UsualRange = readonly [low: number, high: number];

/** What is usual after so many pictures. */
export interface UsualPoint {
  /** Pictures seen. */
  pictures: number;
  /** The loss, the mean over some 50 steps. */
  loss: UsualRange;
  /** Top-1 of nearest neighbours (`--eval-data`), 0 to 1, where the data has one usual set of queries. */
  knn?: UsualRange;
}

/** From so many to so many. */
export interface Bounds {
  least: number;
  most: number;
}

/** What is usual for a preset on some data. */
export interface Usual {
  preset: PresetName;
  /** The demo's pictures, or pictures of one's own, so many of them. */
  data: "demo" | Bounds;
  /** How many pictures the whole run sees; else the preset's own epochs are what was measured. */
  length?: Bounds;
  /** Settings beside the preset's that were measured, and do better than its own on such data at such a length. */
  better?: Pick<Partial<RunConfig>, "lr" | "temperature">;
  /** What pictures the figures are of, for people. */
  of: string;
  /** Rising by pictures; the last one is the end of the run. None: the row only tells what is better. */
  points: readonly UsualPoint[];
}

/** The figures. */
export const USUAL: readonly Usual[] = [
  {
    preset: "demo",
    data: "demo",
    of: "the demo's pictures",
    // One run, seed 0; a twentieth up and down, as single batches of 64 differ.
    points: [
      { pictures: 10_000, loss: [42.8, 47.4] },
      { pictures: 20_000, loss: [35.9, 39.7] },
      { pictures: 40_000, loss: [27.3, 30.2] },
      { pictures: 55_000, loss: [24.6, 27.2] },
    ],
  },
  {
    preset: "thumbnail",
    data: { least: 20_000, most: 200_000 },
    length: { least: 120_000, most: 270_000 },
    better: { lr: 0.012, temperature: 0.2 },
    of: "CIFAR-10's photographs",
    // Seed 0 of docs/learning.md's half hour, 45,000 pictures, in bfloat16; a twentieth up and down.
    points: [
      { pictures: 18_000, loss: [40.6, 44.8] },
      { pictures: 36_000, loss: [33.8, 37.4] },
      { pictures: 54_000, loss: [31.4, 34.7] },
      { pictures: 90_000, loss: [28.5, 31.5] },
      { pictures: 126_000, loss: [26.7, 29.6] },
      { pictures: 153_000, loss: [25.8, 28.5] },
      { pictures: 180_000, loss: [25.5, 28.1] },
    ],
  },
  {
    preset: "thumbnail",
    data: { least: 20_000, most: 200_000 },
    length: { least: 270_001, most: 900_000 },
    better: { lr: 0.012, temperature: 0.2 },
    of: "CIFAR-10's photographs",
    // Longer runs were measured with the heads of more layers alone: what is better there, not what is usual now.
    points: [],
  },
];
