import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { featuresOf } from "../eval/features.ts";
import { probeLogits, probeRate, type ProbeState, probeStep, topShare } from "../eval/linear.ts";
import type { ModelConfig } from "../model/config.ts";
import { encoder } from "../model/encoder.ts";
import type { Params } from "../model/types.ts";
import type { Comparer } from "./compare.ts";
import { type Golden, goldenState, numbers, pictures, stored, tensorOf } from "./golden.ts";

const NORM_NAMES = ["_bn_.running_mean", "_bn_.running_var"];
const LINEAR_NAMES = ["linear.weight", "linear.bias"];

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
  const named = (names: string[]): Params =>
    Object.fromEntries(names.map((name) => [name, tensorOf(golden, `w.probe.${name}`)]));
  const params = named(LINEAR_NAMES);
  const classes = params["linear.bias"].size;
  const labels = Array.from(numbers(stored(golden, "in.labels")));
  const oneHot = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => oneHot[row * classes + label] = 1);
  let state: ProbeState = {
    params,
    buffers: named(NORM_NAMES),
    velocity: Object.fromEntries(LINEAR_NAMES.map((name) => [name, tf.zeros(params[name].shape)])),
  };
  const step = engine.jit(probeStep);
  const targets = tf.tensor2d(oneHot, [labels.length, classes]);
  const found: number[] = [];
  const rates = Array.from(numbers(stored(golden, "out.lr"))), byEpoch = [...new Set(rates)];
  const ours = rates.map((rate) => probeRate(rates[0], byEpoch.indexOf(rate), byEpoch.length));
  to.check("probe", "out.lr", ours);
  for (const lr of ours) {
    const result = step({ state, features: inputs, labels: targets, lr: tf.scalar(lr) });
    state = result.state;
    found.push((await result.loss.data())[0]);
  }
  to.check("update losses", "out.losses", found);
  for (const [name, tensor] of Object.entries({ ...state.params, ...state.buffers })) {
    to.check("probe", `after.probe.${name}`, await tensor.data() as Float32Array);
  }
  const score = engine.jit((args: { state: ProbeState; inputs: tf.Tensor }) => ({
    logits: probeLogits(args.state, args.inputs),
  }));
  const logits = await score({ state, inputs }).logits.data() as Float32Array;
  to.check("maps", "out.eval_logits", logits);
  to.check("accuracy", "out.acc", [1, 5].map((k) => 100 * topShare(logits, labels, classes, k)));
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
