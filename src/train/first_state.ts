import type { StoredTensor } from "../files/stored_tensor.ts";
import { checkModel } from "../model/check_model.ts";
import { fewOf, wrongTensors } from "../model/check_tensors.ts";
import type { ModelConfig } from "../model/config.ts";
import type { ModelState } from "../model/init.ts";
import { inventory } from "../model/inventory.ts";
import { ConfigError } from "./config/config.ts";
import type { OptimizerKind } from "./optimizer.ts";
import { latestCheckpoint } from "./run/checkpoint.ts";
import { copies, initialState, type TrainState, untrained, writeState } from "./state.ts";

/** The part of a model that holds the tensors of a role. */
const PARTS = { param: "params", frozen: "frozen", buffer: "buffers" } as const;

/**
 * Refuses weights that a model cannot start from.
 *
 * @param config The model's sizes.
 * @param weights Must hold all tensors of the model under their names, and no others.
 * @throws {RangeError} When tensors are missing, are not the model's, or have another shape; names them.
 */
export function checkWeights(config: ModelConfig, weights: ModelState): void {
  const wanted = inventory(checkModel(config));
  const wrong = wrongTensors(
    wanted,
    ({ name, role }) => weights[PARTS[role]][name],
    ({ name, role }) => `${name} is missing in ${PARTS[role]}`,
  );
  const known = new Set(wanted.map(({ name, role }) => `${PARTS[role]}/${name}`));
  for (const part of Object.values(PARTS)) {
    const others = Object.keys(weights[part]).filter((name) => !known.has(`${part}/${name}`));
    wrong.push(...others.map((name) => `${name} in ${part} is not the model's`));
  }
  if (wrong.length === 0) return;
  throw new RangeError(`the run cannot start from these weights: ${fewOf(wrong)}`);
}

/**
 * Refuses a run that names weights and does not get them: it would begin from random ones.
 *
 * @param given The weights that it gets, if any.
 * @throws {ConfigError} Says how to give them.
 */
export async function requireInitial(
  { init, out, resume }: { init?: string; out: string; resume: boolean },
  given: ModelState | undefined,
): Promise<void> {
  if (!init || given || (resume && await latestCheckpoint(out))) return;
  throw new ConfigError(
    `the run is to begin from ${init}, but \`initial\` has no weights: give those of \`warmStart(config, config.seed, (await ` +
      `readModel(${JSON.stringify(init)})).tensors)\`, or leave \`init\` empty`,
  );
}

/**
 * The state that a run begins with. In this order: what a checkpoint holds (resume), given weights with moments of zero
 * (warm start), random weights (scratch).
 *
 * @param settings The model, the seed, the optimiser, and whether an average of the parameters is kept.
 * @param resumed The tensors of the run's checkpoint, if it has one.
 * @param initial Weights to start from, if any, see {@linkcode checkWeights}. Copied; read, never disposed.
 * @throws {RangeError} When the model cannot be built, or cannot start from these weights.
 */
export function firstState(
  settings: ModelConfig & { seed: number; ema: boolean; optimizer: OptimizerKind },
  resumed: Record<string, StoredTensor> | undefined,
  initial: ModelState | undefined,
): TrainState {
  if (resumed) return writeState(resumed);
  if (!initial) return initialState(settings, settings.seed, settings.ema);
  checkWeights(settings, initial);
  const { params, frozen, buffers } = initial;
  return untrained(
    { params: copies(params), frozen: copies(frozen), buffers: copies(buffers) },
    settings.ema,
    settings.optimizer,
  );
}
