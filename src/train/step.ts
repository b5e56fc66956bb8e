import { divideRows, keepWhole, scope, splitRows } from "../engine/tensors.ts";
import type * as tf from "../engine/tensors.ts";
import { autoencoder } from "../model/autoencoder.ts";
import { type ModelConfig, viewSide } from "../model/config.ts";
import { valueAndGradients } from "../model/gradients.ts";
import { LOSS_TERMS, type LossTerm } from "../model/loss.ts";
import type { LossConfig } from "../model/loss_config.ts";
import { codeSpread } from "../model/spread.ts";
import { stackViews } from "../model/stack.ts";
import { boxesOf } from "../views/geometry.ts";
import { renderReference, renderViews } from "../views/render.ts";
import { isMuons } from "./muon.ts";
import { adamw, type ClipKind, moveTeacher, type OptimizerKind } from "./optimizer.ts";
import type { TrainState } from "./state.ts";

/** What a step is compiled for. A whole run configuration is one. */
export interface StepSettings extends ModelConfig, LossConfig {
  clipGrad: number;
  clipKind: ClipKind;
  /** Default: AdamW. */
  optimizer?: OptimizerKind;
}

/** How a step is laid out over several devices. */
export interface StepLayout {
  /**
   * Devices that share the batch. Each has both views of its own pictures, see `viewOf`, and the draws of stochastic depth
   * lie in that order. Default 1.
   */
  parts?: number;
  /** Whether what the optimiser keeps lies divided among devices. Default: whole on each. */
  divided?: boolean;
  /** Whether Muon's matrices of one size are computed at once, for devices where every operation costs a launch. Default: no. */
  together?: boolean;
}

/** What a step reads, as tensors. */
export type StepBatch = {
  /** Base pictures, [B, S, S, 3] whole numbers 0…255. */
  base: tf.Tensor;
  /** Sampled views, [2, B, VIEW_FIELDS]. */
  views: tf.Tensor;
  /** Uniform draws of stochastic depth, [depth, 2, 2B]. */
  drop: tf.Tensor;
};

/** Numbers that change from step to step, each a scalar tensor. See `stepScalars`. */
export type ScalarTensors = {
  lr: tf.Tensor;
  wd: tf.Tensor;
  bias1: tf.Tensor;
  bias2: tf.Tensor;
  ema: tf.Tensor;
};

/** What a step reports, each a scalar tensor; the loss's terms are among them, before their weights. */
export type StepMetrics = {
  loss: tf.Tensor;
  /** Norm of all gradients before clipping. */
  gradNorm: tf.Tensor;
  /** How far the class codes of the batch are spread, 0 to 1, see {@linkcode codeSpread}. */
  codeSpread: tf.Tensor;
  [term: string]: tf.Tensor;
};

/** The arguments of a step. */
export type StepArgs = { state: TrainState; batch: StepBatch; scalars: ScalarTensors };

/** The result of a step. */
export type StepResult = { state: TrainState; metrics: StepMetrics };

/**
 * One training step as a pure function: renders the views, computes the loss and its gradients, and updates the
 * parameters. Have an engine prepare it: `engine.jit(trainStep(config), { donate: ["state"] })`.
 *
 * @param settings The model, the loss and the clipping.
 * @param terms What the loss is the sum of. Default: the method's terms.
 * @param over How the step is laid out over several devices.
 * @returns (state, batch, scalars) → (state, metrics). Changes and disposes nothing that it is given.
 * It throws a RangeError for terms that cannot be summed, see {@linkcode losses}.
 * @example A training loop of one's own.
 * ```ts
 * import assert from "node:assert/strict";
 * import { openWasm } from "../engine/wasm.ts";
 * import { sampleView } from "../views/sample.ts";
 * import { packView } from "../views/pack.ts";
 * import { resolveConfig } from "./config/config.ts";
 * import { batchTensors, readValues, scalarTensors } from "./step_inputs.ts";
 * import { disposeTree, initialState } from "./state.ts";
 * import { trainStep } from "./step.ts";
 *
 * const config = resolveConfig({
 *   imageSize: 16, patchSize: 8, width: 16, depth: 1, heads: 2, headWidth: 16, codeWidth: 8, decoderDepth: 1,
 *   decoderHeads: 2, batchSize: 2, warmupEpochs: 0,
 * });
 * const engine = await openWasm();
 * const step = engine.jit(trainStep(config), { donate: ["state"] });
 * let state = initialState(config, config.seed);
 * for (let i = 0; i < 2; i++) {
 *   // Usually from streamBatches(source, { ...config, views: config }).
 *   const views = new Float32Array(2 * 2 * 16);
 *   for (const v of [0, 1] as const) {
 *     for (const b of [0, 1]) packView(sampleView(config, 0, 0, b, v), views, (2 * v + b) * 16);
 *   }
 *   const base = new Uint8Array(2 * 16 * 16 * 3).map((_, at) => at * 7 % 256);
 *   const batch = batchTensors(engine, config, { base, views, indices: [0, 1] }, i);
 *   const scalars = scalarTensors(config, 100, i);
 *   const result = step({ state, batch, scalars });
 *   state = result.state; // The old state was given up.
 *   disposeTree([batch, scalars]);
 *   assert.ok((await readValues(result.metrics)).loss > 0);
 * }
 * ```
 */
export function trainStep(
  settings: StepSettings,
  terms: readonly LossTerm[] = LOSS_TERMS,
  { parts = 1, divided = false, together = false }: StepLayout = {},
): (args: StepArgs) => StepResult {
  return ({ state, batch, scalars }) => {
    const { params, frozen, buffers, m, v } = state;
    // With several devices each takes its share of the 2B views from here on.
    const images = scope(
      "render",
      () => splitRows(renderViews(batch.base, batch.views, viewSide(settings), parts)),
    );
    // With other targets for the two views, these are stacked as the views are.
    const reference = scope(
      "render",
      () =>
        settings.reconstructionTarget === "view"
          ? splitRows(renderViews(batch.base, batch.views, settings.imageSize, parts))
          : renderReference(batch.base),
    );
    const boxes = scope("aligner", () => boxesOf(stackViews(batch.views, parts), settings.imageSize));
    const { outputs, grads } = valueAndGradients((trainable) => {
      const { loss, terms: found, buffers: after, aligned } = autoencoder(
        settings,
        settings,
        { params: trainable, frozen, buffers },
        { images, reference, boxes, drop: batch.drop, parts },
        terms,
      );
      return { loss, terms: found, buffers: after, spread: codeSpread(aligned) };
    }, params);

    const { lr, wd, bias1, bias2 } = scalars;
    const { clipGrad: clip, clipKind } = settings;
    // Gradients are whole before they are divided: else the compiler divides what they come of, weights among it, and gathers that.
    const sums = divided
      ? Object.fromEntries(Object.keys(grads).map((name) => [name, keepWhole(grads[name])]))
      : grads;
    const divide = divided ? divideRows : undefined,
      muons = settings.optimizer === "muon" ? isMuons : undefined;
    const next = scope(
      "optimiser",
      () =>
        adamw({ params, grads: sums, m, v, lr, wd, bias1, bias2, clip, clipKind, muons, divide, together }),
    );
    return {
      state: {
        params: next.params,
        frozen,
        // In the order in which they came: a run that is resumed then finds its compiled step again.
        buffers: Object.fromEntries(Object.keys(buffers).map((name) => [name, outputs.buffers[name]])),
        m: next.m,
        v: next.v,
        ema: scope("optimiser", () => moveTeacher(state.ema, next.params, scalars.ema)),
      },
      metrics: { loss: outputs.loss, ...outputs.terms, gradNorm: next.gradNorm, codeSpread: outputs.spread },
    };
  };
}
