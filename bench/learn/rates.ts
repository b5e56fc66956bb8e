/** How fast the methods are: measured in turn, once, and kept, so that each budget of seconds is a number of pictures. */
import { join } from "node:path";
import { readOwnJson } from "../../src/files/own_json.ts";
import { publishFile } from "../../src/files/publish.ts";
import { spread } from "../measure.ts";
import type { RunFigures } from "../whole_run.ts";
import { measureSides, openScratch, type Side } from "../whole_sides.ts";
import type { Rate } from "./budget.ts";
import type { LearnData } from "./data.ts";
import { type MethodName, type MethodSettings, rateKey } from "./methods.ts";
import { batchOf, type LearnModel, startOf } from "./runs.ts";

/** A method with settings. */
export interface Subject {
  method: MethodName;
  settings: MethodSettings;
}

/** A rate as it is kept, and from how many rounds it is. */
export interface KeptRate extends Rate {
  rounds: number;
}

/** Rates by `rateKey`. */
export type Rates = Readonly<Record<string, KeptRate>>;

/** What is wanted of {@linkcode measureRates}. */
export interface RateWanted {
  subjects: readonly Subject[];
  model: LearnModel;
  data: LearnData;
  rounds: number;
  /** Steps in a run that is measured. */
  steps: number;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** Steps of a run that only warms up. */
const BRIEF = 2;

/** A method as a side of a comparison. */
function sideOf({ method, settings }: Subject, { model, data, steps }: RateWanted): Side {
  const batch = batchOf(model.config, settings);
  return {
    name: rateKey(method, settings),
    program: async (folder, brief) => {
      const run = {
        method,
        settings,
        seed: 0,
        batch,
        steps: brief ? BRIEF : steps,
        marks: [],
        firstMark: 1e9,
      };
      const { lines, ...program } = await startOf(run, model, data, folder);
      return { ...program, marks: lines, pictures: batch };
    },
  };
}

/**
 * The rates of what was measured in turn with a reference whose rate is known already: what the machine was slower or faster
 * by, round by round, is taken out.
 *
 * @param known The reference's kept rate; left out, the first side's own figures are the reference's.
 * @param figures Of each side by round, the reference's first.
 */
export function ratesFrom(
  known: KeptRate | undefined,
  figures: readonly (readonly RunFigures[])[],
): KeptRate[] {
  const median = (values: number[]) => spread(values).median, [reference] = figures;
  return figures.map((rounds) => ({
    steady: known
      ? known.steady * median(rounds.map(({ steady }, i) => steady / reference[i].steady))
      : median(rounds.map(({ steady }) => steady)),
    first: median(rounds.map(({ first }) => first)),
    rounds: rounds.length,
  }));
}

async function read(path: string): Promise<Rates> {
  return await readOwnJson<Rates>(path, "remove it, and rates are measured anew") ?? {};
}

/**
 * Finds the rates of methods with settings. Those that are not kept yet are measured in turn, all in one go, with a
 * reference among them: the first that was ever measured.
 *
 * @param folder Where rates.json is.
 */
export async function findRates(folder: string, wanted: RateWanted): Promise<Rates> {
  const path = join(folder, "rates.json"), kept = await read(path), { rounds, signal, say } = wanted;
  const byKey = new Map(
    wanted.subjects.map((subject) => [rateKey(subject.method, subject.settings), subject]),
  );
  const missing = [...byKey].filter(([key]) => !Object.hasOwn(kept, key)).map(([, subject]) => subject);
  if (missing.length === 0) return kept;
  const [first] = Object.keys(kept);
  const reference = first === undefined ? undefined : referenceOf(first);
  const subjects = reference ? [reference, ...missing] : missing;
  say(`measuring how fast ${subjects.length} methods are, ${rounds} rounds in turn`);
  await using room = await openScratch();
  const sides = subjects.map((subject) => sideOf(subject, wanted));
  const figures = await measureSides({ sides, rounds, scratch: room.path, signal, say });
  const found = ratesFrom(reference && kept[first], figures);
  const all = { ...kept };
  subjects.forEach(({ method, settings }, i) => all[rateKey(method, settings)] ??= found[i]);
  await publishFile(path, JSON.stringify(all, null, 2) + "\n");
  return all;
}

/** The method and the settings that a key stands for: enough of them to measure it again. */
export function referenceOf(key: string): Subject {
  const at = key.indexOf(" ");
  return { method: key.slice(0, at) as MethodName, settings: JSON.parse(key.slice(at + 1)) };
}
