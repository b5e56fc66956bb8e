/**
 * What loss and nearest neighbours usually are: figures that were measured, by preset and data. To add some, add a row; a run
 * with the preset's settings on such data then says them at its start and compares at its end.
 *
 * @module
 */
import { digits } from "../../text/amounts.ts";
import { resolveConfig } from "../config/config.ts";
import { type PresetName, type RunConfig, SETTINGS } from "../config/settings.ts";

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
interface Bounds {
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

/** Settings that may differ from the preset's: they change figures, but not which ones are usual. */
const OF_NO_MATTER: readonly (keyof RunConfig)[] = ["seed", "preset", "precision", "gradientSums"];

/** Settings that make a run shorter or longer. */
const OF_LENGTH: readonly (keyof RunConfig)[] = ["epochs", "steps", "warmupEpochs"];

/** Names of settings of a run that change numbers and are not its preset's. */
function changed(config: RunConfig): (keyof RunConfig)[] {
  const preset = resolveConfig({ preset: config.preset });
  return (Object.keys(SETTINGS) as (keyof RunConfig)[]).filter((key) =>
    !SETTINGS[key].free && !OF_NO_MATTER.includes(key) &&
    JSON.stringify(config[key]) !== JSON.stringify(preset[key])
  );
}

const within = (value: number, { least, most }: Bounds) => value >= least && value <= most;

/** Figures of a run as those of a shorter or longer one: a learning rate's whole schedule lies between start and end. */
function stretched(usual: Usual, planned: number): Usual {
  const share = planned / usual.points.at(-1)!.pictures;
  return {
    ...usual,
    points: usual.points.map((at) => ({ ...at, pictures: Math.round(at.pictures * share) })),
  };
}

/**
 * What is usual for a run.
 *
 * @param config The run.
 * @param of Pictures of its data, and how many it sees in all its epochs.
 * @param table Default: {@linkcode USUAL}.
 * @returns Its points are those of the run's own length. Undefined where nobody has measured it: for other data, another
 *   length, or other settings than the preset's.
 */
export function usualFor(
  config: RunConfig,
  { pictures, planned }: { pictures: number; planned: number },
  table: readonly Usual[] = USUAL,
): Usual | undefined {
  const others = changed(config), plain = others.length === 0;
  const onlyLength = others.every((key) => OF_LENGTH.includes(key));
  const usual = table.find(({ preset, data, length }) =>
    preset === config.preset &&
    (data === "demo" ? config.data === "" : config.data !== "" && within(pictures, data)) &&
    (length ? onlyLength && within(planned, length) : plain)
  );
  return usual?.length ? stretched(usual, planned) : usual;
}

/** Between two ranges. */
function between(a: UsualRange, b: UsualRange, share: number): UsualRange {
  const at = (i: 0 | 1) => a[i] + share * (b[i] - a[i]);
  return [at(0), at(1)];
}

/**
 * What is usual after so many pictures, between the points that were measured.
 *
 * @returns Undefined before the first point, and more than a tenth beyond the last.
 */
export function usualAt({ points }: Pick<Usual, "points">, pictures: number): UsualPoint | undefined {
  const last = points.at(-1), next = points.findIndex((point) => point.pictures >= pictures);
  if (!last) return undefined;
  if (next < 0) return pictures <= 1.1 * last.pictures ? { ...last, pictures } : undefined;
  const after = points[next], before = points[next - 1];
  if (!before) return after.pictures === pictures ? after : undefined;
  const share = (pictures - before.pictures) / (after.pictures - before.pictures);
  const knn = before.knn && after.knn && between(before.knn, after.knn, share);
  return { pictures, loss: between(before.loss, after.loss, share), ...knn && { knn } };
}

const short = (value: number) => digits(value, 3);

const range = ([low, high]: UsualRange) => `${short(low)}–${short(high)}`;

const count = (pictures: number) => `${pictures.toLocaleString("en")} pictures`;

/** What a run may expect, for its start. */
export function describeUsual({ preset, of, points }: Usual): string {
  const end = points.at(-1)!, knn = end.knn ? `, knn top1 ${range(end.knn)}` : "";
  return `for ${preset} on ${of}: loss ${range(end.loss)}${knn} after ${
    count(end.pictures)
  } (docs/learning.md)`;
}

/** A figure beside its usual range. */
function compared(name: string, value: number, usual: UsualRange, lowIsGood: boolean): string {
  const [low, high] = usual, text = `${name} ${short(value)}, usually ${range(usual)}`;
  if (value >= low && value <= high) return text;
  const good = lowIsGood ? value < low : value > high;
  return `${text}: ${value < low ? "lower" : "higher"} than usual${
    good ? "" : ", see docs/learning.md, When it fails"
  }`;
}

/**
 * What a run has come to beside what is usual, for its end.
 *
 * @param found `loss`: the mean over its last steps; `knn`: what neighbours came to last, if they were looked at.
 * @returns Undefined where nothing is known of so many pictures.
 */
export function compareUsual(
  usual: Usual,
  pictures: number,
  found: { loss: number; knn?: number },
): string | undefined {
  const point = usualAt(usual, pictures);
  if (!point) return undefined;
  const parts = [compared("loss", found.loss, point.loss, true)];
  if (point.knn && found.knn !== undefined) parts.push(compared("knn top1", found.knn, point.knn, false));
  return `after ${count(pictures)}: ${parts.join("; ")} for ${usual.preset} on ${usual.of}`;
}
