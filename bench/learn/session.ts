/** Trains and judges the runs of `bench learn`, one after the other; whatever is there already is not done again. */
import { join } from "node:path";
import type { EngineOptions } from "../../src/engine/open.ts";
import { openEngine } from "../../src/engine/open.ts";
import * as tf from "../../src/engine/tensors.ts";
import type { Engine, EngineName } from "../../src/engine/types.ts";
import { initModel } from "../../src/model/init.ts";
import { markNear } from "./budget.ts";
import type { LearnData, PartName } from "./data.ts";
import { type Features, openEmbedding, pixelFeatures, writeFeatures } from "./features.ts";
import { judge, type Judgement, SELECTION_GALLERY } from "./judge.ts";
import { shortName } from "./methods.ts";
import { isEnough, type Judged, readResult, type RunResult, writeResult } from "./results.ts";
import { type LearnModel, type LearnRun, trainRun, weightsPath } from "./runs.ts";

/** What a session works with. */
export interface Session {
  /** The benchmark's folder; runs lie in runs/ of it. */
  folder: string;
  model: LearnModel;
  data: LearnData;
  engine: readonly [EngineName | "auto", EngineOptions];
  /** Whether the runs are trials of settings. */
  trial: boolean;
  /** Parts that are judged: of trials the selection part alone. */
  parts: readonly ("selection" | "test")[];
  /** Pictures at which probes are trained too, beside the end; the most that all runs have seen. */
  equal: number | undefined;
  /** Whether runs are judged at all their marks; else at `equal` and at the end. */
  curve: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
  /** Shows a state that the next one replaces. */
  show: (text: string) => void;
}

/** Works with an engine that is open only so long: between judgements the memory is the training's. */
async function withEngine<T>({ engine }: Session, work: (engine: Engine) => Promise<T>): Promise<T> {
  const opened = await openEngine(...engine);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** The parts whose features are needed. */
const needed = ({ parts }: Session): PartName[] => ["train", ...parts];

/** A figure for a line. */
function brief(judgement: Judgement): string {
  const [part, tokens] = Object.entries(judgement)[0];
  const text = Object.entries(tokens).map(([token, { knn }]) => `${token} ${(100 * knn).toFixed(1)} %`);
  return `kNN on the ${part} part: ${text.join(", ")}`;
}

/** Judges what has not been judged of a run that is trained. */
async function judgeRun(session: Session, run: LearnRun, folder: string): Promise<RunResult> {
  const { data, parts, equal, signal, say, model: { config } } = session,
    { method, settings, seed, marks } = run;
  const before = await readResult(folder), end = marks.at(-1)!;
  const probed = equal === undefined ? undefined : markNear(marks, equal);
  const peer = method === "saae" ? undefined : config;
  const trial = session.trial || before?.trial === true;
  const result = { method, settings, seed, pictures: end.pictures, trial };
  const judged: Judged[] = [...before?.judged ?? []];
  const at = (pictures: number) => judged.find((one) => one.pictures === pictures)?.judgement;
  const open = marks.map((mark) => ({ mark, linear: mark === end || mark === probed }))
    .filter(({ linear }) => linear || session.curve)
    .filter(({ mark, linear }) => !isEnough(at(mark.pictures), parts, linear));
  if (open.length === 0) {
    if (trial !== before?.trial) await writeResult(folder, { ...result, judged });
    return { ...result, judged };
  }
  await withEngine(session, async (engine) => {
    const embedding = openEmbedding(engine, data, config.imageSize);
    for (const { mark, linear } of open) {
      signal.throwIfAborted();
      const path = weightsPath(folder, run, mark.step);
      // A trial asks the selection part alone, and few of the train part are its gallery.
      const gallery = parts.includes("test") ? undefined : SELECTION_GALLERY;
      const features = await embedding.file(path, needed(session), { peer, gallery });
      if (mark === end) await writeFeatures(join(folder, "features.safetensors"), features);
      const judgement = await judge(engine, features, data.parts.train.names.length, linear);
      const place = judged.findIndex(({ pictures }) => pictures === mark.pictures);
      // What tuning found on the selection part stays where the last judgement adds the test part.
      if (place >= 0) {
        judged[place] = { ...judged[place], judgement: { ...judged[place].judgement, ...judgement } };
      } else judged.push({ pictures: mark.pictures, judgement });
      judged.sort((a, b) => a.pictures - b.pictures);
      await writeResult(folder, { ...result, judged });
      say(`${method}, seed ${seed}, ${mark.pictures} pictures: ${brief(judgement)}`);
    }
  });
  return { ...result, judged };
}

/** Where a run lies. */
export async function runFolder(folder: string, run: LearnRun): Promise<string> {
  const { method, settings, seed, marks } = run;
  return join(folder, "runs", `${await shortName(method, settings)}-${marks.at(-1)!.pictures}-s${seed}`);
}

/**
 * Trains and judges runs in their order. After a kill, the same call goes on where it was.
 *
 * @throws {Error} A program fails.
 */
export async function doRuns(session: Session, runs: readonly LearnRun[]): Promise<RunResult[]> {
  const results: RunResult[] = [];
  for (const [number, run] of runs.entries()) {
    const folder = await runFolder(session.folder, run), { method, seed, steps, batch } = run;
    const name = `run ${number + 1} of ${runs.length}: ${method}, seed ${seed}`;
    const { say, signal, show } = session;
    say(`${name}: ${steps} steps, ${steps * batch} pictures`);
    const at = (step: number) => show(`${name}: step ${step} of ${steps}`);
    await trainRun(run, session.model, session.data, folder, { say, signal, at });
    results.push(await judgeRun(session, run, folder));
  }
  return results;
}

/** Judges features that are not trained, once. */
async function baseline(
  session: Session,
  about: Pick<RunResult, "method" | "seed">,
  name: string,
  make: (engine: Engine) => Promise<Features>,
): Promise<RunResult> {
  const folder = join(session.folder, "runs", name), before = await readResult(folder);
  if (before) return before;
  session.signal.throwIfAborted();
  await Deno.mkdir(folder, { recursive: true });
  const judgement = await withEngine(session, async (engine) => {
    const features = await make(engine);
    return await judge(engine, features, session.data.parts.train.names.length, true);
  });
  const result = { ...about, settings: {}, pictures: 0, trial: false, judged: [{ pictures: 0, judgement }] };
  await writeResult(folder, result);
  session.say(`${about.method}: ${brief(judgement)}`);
  return result;
}

/** Raw pixels, and the encoder as it is before training, for each seed. */
export async function doBaselines(session: Session, seeds: readonly number[]): Promise<RunResult[]> {
  const { data, model: { config } } = session;
  const pixels = { method: "raw pixels", seed: 0 };
  const results = [await baseline(session, pixels, "pixels", () => pixelFeatures(data, config.imageSize))];
  for (const seed of seeds) {
    const random = { method: "random encoder", seed };
    results.push(
      await baseline(session, random, `random-s${seed}`, async (engine) => {
        const state = initModel(config, seed);
        try {
          return await openEmbedding(engine, data, config.imageSize).of(config, state, [
            "train",
            "selection",
            "test",
          ]);
        } finally {
          tf.dispose([state.params, state.frozen, state.buffers]);
        }
      }),
    );
  }
  return results;
}
