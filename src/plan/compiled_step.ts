/** A step compiled for a card: its kernels with their least times, and its memory. */
import { needOf } from "../train/memory.ts";
import type { Card } from "./cards.ts";
import { type CardCompiler, compileFor, type Spread } from "./compiler.ts";
import { parseHlo } from "./hlo.ts";
import { type Kernel, kernelsOf } from "./kernels.ts";
import { type Roofline, roofline, timed, type TimedKernel } from "./roofline.ts";

/** What a compiled step needs of one card. */
export interface CompiledStep {
  bounds: Roofline;
  /** All kernels, exchanges between cards among them. */
  kernels: Kernel[];
  /** Those that compute. */
  timedKernels: TimedKernel[];
  /** Bytes: of arguments, of intermediates, the most at a time. */
  argumentBytes: number;
  temporaryBytes: number;
  peakBytes: number;
  /** The optimised program. */
  hlo: string;
}

/**
 * Compiles a step for a card that is not here, and reads off what it needs.
 *
 * @param text StableHLO, split over as many cards as `spread` says.
 * @param cache Instead of the user's cache folder.
 * @throws {PlanError} As {@linkcode compileFor} says.
 */
export async function compileStep(
  compiler: CardCompiler,
  card: Card,
  text: string,
  spread: Spread,
  cache?: string,
): Promise<CompiledStep> {
  const { hlo, memory } = await compileFor(compiler, card, text, spread, cache);
  const kernels = kernelsOf(parseHlo(hlo)), timedKernels = timed(card, kernels);
  return {
    bounds: roofline(card, timedKernels),
    kernels,
    timedKernels,
    argumentBytes: memory.arguments,
    temporaryBytes: memory.temporaries,
    peakBytes: Math.max(memory.peak ?? 0, needOf({ ...memory, peak: 0 })),
    hlo,
  };
}
