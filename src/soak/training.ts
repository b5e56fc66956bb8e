import { join } from "node:path";
import { randomStream } from "../random.ts";
import { oneLife } from "./life.ts";
import { deal, drawLife, quietLife } from "./plan.ts";
import { type Recorded, roundSteps } from "./reference.ts";
import type { Lane } from "./types.ts";
import type { Round } from "./verdict.ts";

/** How the lives of trainings are spread over a soak. */
export interface Pace {
  /** How many should have died at the end, of whatever. */
  deaths: number;
  /** Seconds that a round would take without disturbance. */
  round: number;
}

/** Milliseconds that a life may take on average, so that as many die as should in what is left of the time. */
function meanLife({ soak, counts }: Lane, { startup }: Recorded, { deaths, round }: Pace): number {
  const { end: _, ...died } = counts.deaths ?? {};
  const had = Object.values(died).reduce((sum, count) => sum + count, 0);
  // A round should see a few lives, and a life its first steps, however late it is.
  return Math.max(1.2 * startup, Math.min(soak.left() / Math.max(1, deaths - had), startup + 250 * round));
}

/**
 * Trains, kills and resumes until the time is up. Rounds take their pictures from files and over http in turn; the last
 * one is led to its end.
 *
 * @returns Rounds that came to their end with nothing broken.
 */
export async function disturbTraining(
  lane: Lane,
  references: readonly Recorded[],
  pace: Pace,
): Promise<number> {
  const { soak } = lane;
  const cards = deal(soak.seed);
  let card = cards.next().value;
  let lives = 0, whole = 0;
  for (let number = 1; (soak.left() > 0 || whole === 0) && !soak.signal.aborted; number++) {
    const reference = references[(number - 1) % references.length];
    const round: Round = {
      number,
      out: join(lane.folder, `round-${number}`),
      reference,
      steps: roundSteps(reference, pace.round),
      checkpoint: 0,
      leftovers: [],
      last: null,
      lives: 0,
      done: false,
    };
    let sound = true;
    while (!round.done && sound && !soak.signal.aborted) {
      if (soak.left() <= 0) {
        ({ sound } = await oneLife(lane, round, quietLife()));
        continue;
      }
      const plan = drawLife(card, randomStream(soak.seed, "soak", 5, ++lives), {
        fresh: round.checkpoint === 0 && round.lives === 0,
        http: reference.feed === "http",
        compiles: soak.engine === "xla",
        disks: soak.disks,
        startup: reference.startup,
        mean: meanLife(lane, reference, pace),
      });
      const lived = await oneLife(lane, round, plan);
      sound = lived.sound;
      // A death that a run's end has forestalled is tried again.
      if (lived.asPlanned) card = cards.next().value;
    }
    if (soak.signal.aborted) break;
    if (sound) whole++;
    else if (soak.left() <= 0) break;
    await Deno.remove(round.out, { recursive: true });
  }
  return whole;
}
