import type { Disk } from "../files/disk.ts";
import type { Evaluator } from "./evaluators.ts";
import { nonFinite } from "./finite.ts";
import type { Snapshot } from "./keeper.ts";
import { type Best, type BestFigure, readBest, saveBest } from "./run/best.ts";
import type { CheckpointInfo } from "./run/checkpoint.ts";
import type { Run } from "./standing.ts";
import { digits } from "../text/amounts.ts";

/** What {@linkcode bestKeeper} works with. */
export interface BestKeeperOptions<State> {
  /** The run folder. */
  run: string;
  /** Copies a state to host memory. */
  take(run: Run<State>): Promise<Snapshot<CheckpointInfo<{ seed: number }>>>;
  disk?: Disk;
  /** Takes a line for people. */
  say(text: string): void;
}

/**
 * Keeps the state with the highest figure of each evaluator that names one. A resumed run compares with the best that
 * lies in its folder, so long as that was measured on the same pictures; an equal figure does not replace it.
 *
 * @returns To be told of each figure, while no step is under way. It throws where the file cannot be written.
 */
export function bestKeeper<State>(
  { run: folder, take, disk, say }: BestKeeperOptions<State>,
): (run: Run<State>, figure: BestFigure) => Promise<void> {
  const known = new Map<string, Best | null>();
  return async (run, found) => {
    const { figure, value, on } = found;
    if (!known.has(figure)) {
      const there = await readBest(folder, figure);
      known.set(figure, there?.on === on ? there : null);
    }
    const best = known.get(figure);
    if (best && best.value >= value) return;
    const { info, tensors } = await take(run);
    // Its loss has not proved to be a number yet.
    if (nonFinite(tensors)) return;
    const path = await saveBest(folder, info, tensors, found, { disk });
    known.set(figure, { ...found, path, step: run.step });
    say(`${figure} ${digits(value, 4)} after step ${run.step}: ${path}`);
  };
}

/**
 * The best states that a run has kept, by the figures of its evaluators; those that were measured on other pictures do not
 * count.
 *
 * @param folder The run folder.
 */
export async function keptBest(
  folder: string,
  evaluators: readonly Pick<Evaluator<never>, "name" | "best">[],
): Promise<Best[]> {
  const found = await Promise.all(evaluators.map(async ({ name, best }) => {
    const there = best && await readBest(folder, `${name} ${best.value}`);
    return there && there.on === best.on ? [there] : [];
  }));
  return found.flat();
}
