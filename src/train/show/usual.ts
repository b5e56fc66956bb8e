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
  /** Rising by pictures; the last one is the end of the run. */
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
    of: "CIFAR-10's photographs",
    // Seeds 1 and 2 of docs/learning.md's half hour, 45,000 pictures; a twentieth up and down.
    points: [
      { pictures: 18_000, loss: [41.0, 45.9] },
      { pictures: 36_000, loss: [31.4, 35.3] },
      { pictures: 54_000, loss: [26.8, 29.8] },
      { pictures: 90_000, loss: [21.5, 24.1] },
      { pictures: 126_000, loss: [17.9, 20.4] },
      { pictures: 153_000, loss: [15.6, 17.4] },
      { pictures: 180_000, loss: [14.6, 16.7] },
    ],
  },
  {
    preset: "thumbnail",
    data: { least: 20_000, most: 200_000 },
    length: { least: 400_000, most: 900_000 },
    of: "CIFAR-10's photographs",
    // One run of docs/learning.md's hundred minutes, seed 0, in bfloat16; a twentieth up and down.
    points: [
      { pictures: 60_000, loss: [28.8, 31.9] },
      { pictures: 120_000, loss: [22.6, 25.0] },
      { pictures: 180_000, loss: [20.0, 22.1] },
      { pictures: 300_000, loss: [17.1, 18.9] },
      { pictures: 420_000, loss: [13.5, 14.9] },
      { pictures: 510_000, loss: [10.9, 12.0] },
      { pictures: 600_000, loss: [10.2, 11.3] },
    ],
  },
  {
    preset: "thumbnail",
    data: { least: 20_000, most: 200_000 },
    length: { least: 400_000, most: 900_000 },
    better: { lr: 0.012, temperature: 0.2 },
    of: "CIFAR-10's photographs",
    // One run of docs/learning.md's hundred minutes, seed 1, in bfloat16; a twentieth up and down.
    points: [
      { pictures: 60_000, loss: [35.6, 39.3] },
      { pictures: 120_000, loss: [30.5, 33.7] },
      { pictures: 180_000, loss: [28.3, 31.3] },
      { pictures: 300_000, loss: [25.9, 28.7] },
      { pictures: 420_000, loss: [24.1, 26.6] },
      { pictures: 510_000, loss: [23.2, 25.7] },
      { pictures: 600_000, loss: [22.9, 25.3] },
    ],
  },
  {
    preset: "photo",
    data: { least: 1500, most: 6000 },
    length: { least: 25_000, most: 60_000 },
    of: "3,000 photographs of Tiny ImageNet",
    // docs/learning.md's ten minutes, seed 0, in bfloat16; a twentieth up and down.
    points: [
      { pictures: 6000, loss: [57.8, 63.9] },
      { pictures: 10_000, loss: [44.1, 48.8] },
      { pictures: 15_000, loss: [35.5, 39.3] },
      { pictures: 20_000, loss: [31.3, 34.6] },
      { pictures: 30_000, loss: [25, 27.7] },
      { pictures: 40_000, loss: [21.2, 23.4] },
    ],
  },
  {
    preset: "photo",
    data: { least: 50_000, most: 200_000 },
    length: { least: 100_000, most: 225_000 },
    of: "Tiny ImageNet's photographs",
    // docs/learning.md's half hour, 100,000 pictures, seed 0, in bfloat16; a twentieth up and down.
    points: [
      { pictures: 15_000, loss: [39.9, 44.1] },
      { pictures: 30_000, loss: [28.2, 31.2] },
      { pictures: 45_000, loss: [24.1, 26.7] },
      { pictures: 75_000, loss: [19.2, 21.2] },
      { pictures: 105_000, loss: [16.3, 18] },
      { pictures: 127_000, loss: [14.6, 16.2] },
      { pictures: 150_000, loss: [13.9, 15.4] },
    ],
  },
];
