/** What a plan is made for. */
import { isObject } from "../files/json_values.ts";
import { requireWhole } from "../text/whole.ts";
import type { RunConfig } from "../train/config/settings.ts";
import type { Card } from "./cards.ts";
import type { CardCompiler } from "./compiler.ts";
import type { Network } from "./exchange.ts";

/** The card, the compiler, and what is to be trained. */
export interface PlanOptions {
  card: Card;
  compiler: CardCompiler;
  /** Settings of the run, as `train` takes them; without a batch the largest that fits is taken. */
  settings: Partial<RunConfig>;
  /** Between nodes. Default: InfiniBand, 400 Gbit/s. */
  network?: Network;
  /** Pictures in an epoch. */
  pictures: number;
  /** Instead of the user's cache folder. */
  cache?: string;
  /** Told what is under way. */
  progress?: (line: string) => void;
}

/**
 * Refuses what no plan can be made for, before anything is compiled.
 *
 * @throws {TypeError} When the card, the compiler or the settings are none.
 * @throws {RangeError} When the pictures are no whole number from 1.
 */
export function checkPlanOptions({ card, compiler, settings, pictures }: PlanOptions): void {
  if (!isObject(card?.teraflops)) throw new TypeError("`card` must be a card, such as `CARDS.h100`");
  if (!isObject(compiler) || (compiler as unknown) instanceof Promise) {
    throw new TypeError("`compiler` must be what `await findCompiler()` gives");
  }
  if (!isObject(settings)) throw new TypeError("`settings` must be those of a run");
  requireWhole("pictures", pictures);
}
