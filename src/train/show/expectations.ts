/** What is told of a run by the figures that were measured, and how it compares with them. */
import { digits } from "../../text/amounts.ts";
import { resolveConfig } from "../config/config.ts";
import { type RunConfig, SETTINGS } from "../config/settings.ts";
import { type Bounds, USUAL, type Usual, type UsualPoint, type UsualRange } from "./usual.ts";

/** Settings that may differ from the preset's: they change figures, but not which ones are usual. */
const OF_NO_MATTER: readonly (keyof RunConfig)[] = ["seed", "preset", "precision", "gradientSums"];

/** Settings that make a run shorter or longer. */
const OF_LENGTH: readonly (keyof RunConfig)[] = ["epochs", "steps", "warmupEpochs"];

/** Names of settings of a run that change numbers and are not its preset's, or those that are to stand in their place. */
function changed(config: RunConfig, better: Usual["better"]): (keyof RunConfig)[] {
  const preset = resolveConfig({ preset: config.preset, ...better });
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

/** What is known of a run's data and length. */
interface Extent {
  /** Pictures of its data, and how many it sees in all its epochs. */
  pictures: number;
  planned: number;
}

/** Whether a row is of a preset's runs on such data, and as long where it names a length. */
function isOf({ preset, data, length }: Usual, config: RunConfig, { pictures, planned }: Extent): boolean {
  return preset === config.preset &&
    (data === "demo" ? config.data === "" : config.data !== "" && within(pictures, data)) &&
    (!length || within(planned, length));
}

/** Whether a run has the settings that a row was measured with, or those of its preset. */
function hasSettings(config: RunConfig, { length }: Usual, better: Usual["better"]): boolean {
  const others = changed(config, better);
  return length ? others.every((key) => OF_LENGTH.includes(key)) : others.length === 0;
}

/**
 * What is usual for a run.
 *
 * @param config The run.
 * @param of Pictures of its data, and how many it sees in all its epochs.
 * @param table Default: {@linkcode USUAL}.
 * @returns Its points are those of the run's own length. Undefined where nobody has measured it: for other data, another
 *   length, or other settings than the row's.
 */
export function usualFor(config: RunConfig, of: Extent, table: readonly Usual[] = USUAL): Usual | undefined {
  const usual = table.find((row) =>
    row.points.length > 0 && isOf(row, config, of) && hasSettings(config, row, row.better)
  );
  return usual?.length ? stretched(usual, of.planned) : usual;
}

/**
 * What does better than a preset's own settings on such data at such a length, as options; undefined where nothing is known
 * to, or the run has settings of its own. Else as {@linkcode usualFor}.
 */
export function adviceFor(
  config: RunConfig,
  of: Extent,
  table: readonly Usual[] = USUAL,
): string | undefined {
  const row = table.find((row) => row.better && isOf(row, config, of) && hasSettings(config, row, undefined));
  if (!row) return undefined;
  const options = Object.entries(row.better!).map(([name, value]) => `--${name} ${value}`);
  return `a run of ${count(of.planned)} learns more with ${options.join(" ")} (docs/learning.md)`;
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
