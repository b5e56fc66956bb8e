import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { featuresOf } from "../eval/features.ts";
import { headScores, type HeadState, headStep, type HeadStepArgs } from "../eval/head_step.ts";
import { rateShare } from "../eval/heads.ts";
import { hitsOf, meanOf } from "../eval/hits.ts";
import { REFERENCE_PROBE } from "../eval/linear.ts";
import type { ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import type { Params } from "../model/types.ts";
import type { Comparer } from "./compare.ts";
import { type Golden, goldenState, numbers, pictures, stored, tensorOf } from "./golden.ts";

/** The reference's names of the probe's tensors, and ours. */
const STATISTICS = { "_bn_.running_mean": "norm.running_mean", "_bn_.running_var": "norm.running_var" };

/** How many last blocks the stored probe's features are of. */
function probeBlocks(golden: Golden, config: ModelConfig): number {
  return stored(golden, "w.probe.linear.weight").shape[1] / config.width;
}

/** Class and mean features one after the other, put in turn as the reference stores them. */
function interleave(values: ArrayLike<number>, rows: number, width: number): Float64Array {
  const out = new Float64Array(rows * 2 * width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < 2 * width; i++) {
      out[row * 2 * width + i] = values[row * 2 * width + (i % 2) * width + Math.floor(i / 2)];
    }
  }
  return out;
}

/** Trains the stored probe as the reference did and compares losses, weights, scores and accuracies. */
async function compareProbe(engine: Engine, golden: Golden, to: Comparer, inputs: tf.Tensor): Promise<void> {
  const of = (name: string) => tensorOf(golden, `w.probe.${name}`);
  const weight = of("linear.weight"), bias = of("linear.bias"), [classes, width] = weight.shape;
  const labels = Array.from(numbers(stored(golden, "in.labels")));
  const oneHot = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => oneHot[row * classes + label] = 1);
  let state: HeadState = {
    weight: tf.reshape(weight, [1, classes, width]),
    bias: tf.reshape(bias, [1, classes]),
    weightVelocity: tf.zeros([1, classes, width]),
    biasVelocity: tf.zeros([1, classes]),
    statistics: Object.fromEntries(Object.entries(STATISTICS).map(([theirs, ours]) => [ours, of(theirs)])),
  };
  const step = engine.jit((args: HeadStepArgs) => headStep(args, REFERENCE_PROBE));
  const targets = tf.tensor2d(oneHot, [labels.length, classes]);
  const found: number[] = [];
  const rates = Array.from(numbers(stored(golden, "out.lr"))), byEpoch = [...new Set(rates)];
  const schedule = { ...REFERENCE_PROBE, epochs: byEpoch.length };
  const ours = rates.map((rate) => rates[0] * rateShare(byEpoch.indexOf(rate), schedule));
  to.check("probe", "out.lr", ours);
  for (const lr of ours) {
    const result = step({ state, features: inputs, labels: targets, rates: tf.tensor1d([lr]) });
    state = result.state;
    found.push((await result.loss.data())[0]);
  }
  to.check("update losses", "out.losses", found);
  const after: Record<string, tf.Tensor> = { "linear.weight": state.weight, "linear.bias": state.bias };
  for (const [theirs, ours] of Object.entries(STATISTICS)) after[theirs] = state.statistics[ours];
  for (const [name, tensor] of Object.entries(after)) {
    to.check("probe", `after.probe.${name}`, await tensor.data() as Float32Array);
  }
  const score = engine.jit((args: { state: HeadState; inputs: tf.Tensor }) => ({
    scores: headScores(args.state, args.inputs, REFERENCE_PROBE),
  }));
  const logits = await score({ state, inputs }).scores.data() as Float32Array;
  to.check("maps", "out.eval_logits", logits);
  const hits = hitsOf(labels.length);
  labels.forEach((label, row) => hits.enter(logits, row * classes, classes, row, label));
  to.check("accuracy", "out.acc", [hits.top1, hits.top5].map((hit) => 100 * meanOf(hit)));
}

/** Compares features, attention, another input size and the linear probe (docs/spec.md §9 "Linear evaluation"). */
export async function compareEvaluation(
  engine: Engine,
  golden: Golden,
  config: ModelConfig,
  to: Comparer,
): Promise<void> {
  const { params, frozen } = await goldenState(golden, config, "encoder");
  const all: Params = { ...params, ...frozen };
  const images = pictures(golden, "in.images"), other = pictures(golden, "in.images96");
  const run = engine.jit((
    args: { all: Params; images: tf.Tensor; other: tf.Tensor },
  ): Record<string, tf.Tensor> => {
    const encoded = encoder(config, args.all, args.images, undefined, { attention: true });
    const of = (blocks: number, pool: boolean) => featuresOf(config, args.all, encoded, { blocks, pool });
    return {
      last: of(probeBlocks(golden, config), false),
      pooled: of(1, true),
      attention: encoded.attention!,
      tokens: encoder(config, args.all, args.other).tokens,
    };
  });
  const result = run({ all, images, other });
  const read = async (name: string) => await result[name].data() as Float32Array;
  to.check("maps", `out.features_n${probeBlocks(golden, config)}`, await read("last"));
  const pooled = interleave(await read("pooled"), images.shape[0], config.width);
  to.check("maps", "out.features_n1_avgpool", pooled);
  to.check("maps", "out.attention_last", await read("attention"));
  to.check("maps", "out.tokens96", await read("tokens"));
  await compareProbe(engine, golden, to, result.last);
}
