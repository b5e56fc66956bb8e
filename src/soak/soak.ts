import { join } from "node:path";
import { findPlugin } from "../engine/install/plugin.ts";
import { openLedger } from "./ledger.ts";
import { disturbOthers } from "./making.ts";
import { isShort } from "./memory.ts";
import { FEEDS, type SoakEngine } from "./model.ts";
import { openNursery, smallDisksWork } from "./process.ts";
import { compileOnce, type Recorded, recordReference } from "./reference.ts";
import { type SoakReport, soakReport } from "./report.ts";
import { serveFolder } from "./server.ts";
import { setStage } from "./stage.ts";
import { disturbTraining } from "./training.ts";
import type { Lane, Soak } from "./types.ts";

/** How a soak is run. */
export interface SoakOptions {
  /** How long it should take, undisturbed runs included; compiling the step once comes before. */
  minutes: number;
  /** Names everything that is drawn: kinds of deaths, their moments, data. */
  seed: number;
  /** Default auto: xla where its plugin is installed, else wasm. */
  engine?: SoakEngine | "auto";
  /** A new folder for everything that is made. */
  work: string;
  /** Ends the soak early; what was found by then is reported. */
  signal?: AbortSignal;
  /** Told what happens, line by line. */
  progress?: (line: string) => void;
}

/** Share of the time that the undisturbed run takes, by which memory is judged. */
const UNDISTURBED = 0.15;

/** Deaths that a minute of a soak should have: a hundred kills in an hour, and some of other kinds. */
const DEATHS_A_MINUTE = 2.2;

/**
 * What may come on top between the last two quarters of an undisturbed stretch: resident memory moves by this much with
 * the collector's mood.
 */
const GROWTH = { megabytes: 16, share: 0.03, files: 3 };

/** The engine to run on, and the environment that makes processes find it though they have a cache of their own. */
async function chooseEngine(
  wanted: SoakEngine | "auto",
): Promise<{ engine: SoakEngine; env: Record<string, string> }> {
  const plugin = wanted === "wasm" ? undefined : await findPlugin();
  if (plugin) return { engine: "xla", env: { PJRT_PLUGIN: plugin.path } };
  if (wanted === "xla") {
    throw new Error("engine xla is not installed: deno task engine install xla-cpu, or --engine wasm");
  }
  return { engine: "wasm", env: {} };
}

async function openLane(
  soak: Soak,
  name: Lane["name"],
  env: Record<string, string>,
  over: AbortSignal,
): Promise<Lane> {
  const folder = join(soak.work, name), cache = join(folder, "cache"), temporary = join(folder, "tmp");
  await Deno.mkdir(cache, { recursive: true });
  await Deno.mkdir(temporary);
  const own = { NO_COLOR: "1", SEMANTIC_AE_CACHE: cache, TMPDIR: temporary, ...env };
  return { soak, name, folder, cache, temporary, nursery: openNursery(folder, own, over), counts: {} };
}

/** Judges what the undisturbed run held. */
function judgeMemory({ ledger, say }: Soak, { trend }: Recorded): void {
  if (!trend || isShort(trend)) {
    return say("memory     the undisturbed stretch is too short to judge it");
  }
  const scope = ledger.enter("the undisturbed training", [], trend);
  const most = GROWTH.megabytes + GROWTH.share * trend.residentMB;
  scope.check(
    "memory",
    trend.grownMB <= most,
    () =>
      `resident memory grew by ${trend.grownMB.toFixed(1)} MB between the last two quarters (allowed ${
        most.toFixed(0)
      }), ` +
      `${trend.slopeMBPerHour.toFixed(1)} MB/h`,
  );
  scope.check(
    "descriptors",
    trend.filesGrown <= GROWTH.files,
    () => `${trend.filesGrown} more open files in the last quarter than in the one before`,
  );
}

/**
 * Runs the program's commands for a while, killing, stopping and starving them at random and at chosen moments, and checks
 * what they promise.
 *
 * @throws {Error} When it cannot run at all: an engine that is not there, an undisturbed run that fails.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, seed, work, progress: say = () => {} } = options,
    signal = options.signal ?? new AbortController().signal;
  const began = new Date(), evidence = join(work, "evidence");
  let start = performance.now();
  const { engine, env } = await chooseEngine(options.engine ?? "auto");
  const ledger = openLedger(evidence, say);
  const stage = await setStage(join(work, "stage"));
  await using server = serveFolder(stage.tars, seed);
  const round = Math.min(120, Math.max(6, 1.8 * minutes));
  let reserve = 1000 * round;
  const shared: Soak = {
    work,
    minutes,
    ledger,
    stage,
    server,
    engine,
    seed,
    disks: await smallDisksWork(stage.tars),
    left: () => start + 60_000 * minutes - reserve - performance.now(),
    signal,
    say: (line) => say(`${((performance.now() - start) / 60_000).toFixed(1).padStart(5)} min  ${line}`),
  };
  // Once a soak is over, however it ends, neither lane may start anything more in its folder.
  const ending = new AbortController(), over = AbortSignal.any([signal, ending.signal]);
  const training = await openLane(shared, "training", env, over);
  const other = await openLane(shared, "other", env, over);
  let others: Promise<unknown> = Promise.resolve();
  const references: Recorded[] = [];
  let rounds = 0;
  try {
    shared.say(`engine ${engine}, seed ${seed}; everything lies in ${work}`);
    await compileOnce(training);
    // What comes before is as long as the machine likes, and disturbs nothing.
    start = performance.now();
    for (const feed of FEEDS) {
      const reference = await recordReference(
        training,
        feed,
        feed === "files" ? 60 * UNDISTURBED * minutes : round + 1,
      );
      references.push(reference);
      shared.say(`undisturbed over ${feed}: ${reference.done} steps of ${reference.stepTime.toFixed(0)} ms`);
      if (feed === "files") judgeMemory(shared, reference);
    }
    // A round should see a few lives; in a short soak it would else be over before the first signal.
    const startup = Math.max(...references.map(({ startup }) => startup));
    reserve += 1.5 * startup;
    others = disturbOthers(other);
    others.catch(() => {});
    rounds = await disturbTraining(training, references, { deaths: DEATHS_A_MINUTE * minutes, round });
    await others;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
    await Promise.all([training, other].map(({ nursery }) => nursery.killAll()));
    await others.catch(() => {});
    await ledger.settle();
  }
  return soakReport(training, other, {
    began,
    took: (performance.now() - start) / 60_000,
    rounds,
    references,
    evidence,
  });
}
