import { collect } from "../data/open/collect.ts";
import type { Data } from "../data/open/data.ts";
import type { Evaluator } from "../train/evaluators.ts";
import { type ReconstructionOptions, reconstructionPicture } from "./reconstruction.ts";

/** How many pictures of a stream the figure chooses from. */
const CHOSEN_FROM = 64;

/** What {@linkcode reconstructionFigure} needs. */
export interface FigureOptions extends Omit<ReconstructionOptions, "state" | "source"> {
  /** Where the pictures come from. Not closed. */
  data: Data;
  /** Takes lines for people. */
  progress?: (line: string) => void;
}

/**
 * Writes {@linkcode reconstructionPicture} of a run's state: as an evaluator, after the last step.
 *
 * @param options Of a stream, the pictures are chosen from its first good ones.
 */
export function reconstructionFigure(options: FigureOptions): Evaluator {
  const { data, progress = () => {}, ...rest } = options;
  return {
    name: "figure",
    cadence: { end: true },
    evaluate: async ({ state }) => {
      const source = await collect(data, { count: CHOSEN_FROM, onBad: () => {} });
      await reconstructionPicture({ ...rest, source, state });
      progress(`wrote ${options.file}`);
      return {};
    },
  };
}
