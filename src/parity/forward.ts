import * as tf from "../engine/tensors.ts";
import type { Engine } from "../engine/types.ts";
import { cells } from "../model/aligner.ts";
import { autoencoder } from "../model/autoencoder.ts";
import { gridSize, type ModelConfig, patchWidth, tokenCount } from "../model/config.ts";
import { valueAndGradients } from "../model/gradients.ts";
import { head } from "../model/head.ts";
import { DEFAULT_LOSS, type LossConfig } from "../model/loss_config.ts";
import { unpatchify } from "../model/patches.ts";
import type { ModelState, Params } from "../model/types.ts";
import type { Tree } from "../engine/tensors.ts";
import type { Comparer } from "./compare.ts";
import { channelsFirst, type Golden, goldenState, numbers, pictures, stored, tensorOf } from "./golden.ts";
import { classLogits, gradientSample, gradientSums, patchLogits } from "./stored.ts";

/** Weights of the loss that a file says. */
export function goldenLoss({ spec }: Golden): LossConfig {
  const number = (key: string, otherwise: number) => typeof spec[key] === "number" ? spec[key] : otherwise;
  return {
    ...DEFAULT_LOSS,
    classWeight: number("w_cls", DEFAULT_LOSS.classWeight),
    patchWeight: number("w_patch", DEFAULT_LOSS.patchWeight),
    temperature: number("nce_temp", DEFAULT_LOSS.temperature),
  };
}

/** The batch that a file's results are of. */
export function goldenBatch(golden: Golden, config: ModelConfig): Record<string, tf.Tensor> {
  const boxes = [...numbers(stored(golden, "in.box1")) as Float32Array]
    .concat([...numbers(stored(golden, "in.box2")) as Float32Array]);
  const batch: Record<string, tf.Tensor> = {
    images: pictures(golden, "in.view1", "in.view2"),
    reference: pictures(golden, "in.reference"),
    boxes: tf.tensor2d(boxes, [boxes.length / 4, 4]),
  };
  const drop = storedDrop(golden, config, boxes.length / 4);
  return drop ? { ...batch, drop } : batch;
}

/** Stored draws of stochastic depth as [depth, 2, 2B]; the reference draws none for block 0. */
function storedDrop(golden: Golden, config: ModelConfig, rows: number): tf.Tensor | undefined {
  if (!("in.droppath_uniform.0" in golden.tensors)) return undefined;
  const draws = new Float32Array(config.depth * 2 * rows);
  for (let i = 0; i < 2 * (config.depth - 1); i++) {
    const values = Float32Array.from(numbers(stored(golden, `in.droppath_uniform.${i}`)));
    draws.set(values, (2 + i) * rows);
  }
  return tf.tensor3d(draws, [config.depth, 2, rows]);
}

/** What is computed for one flip rule. */
type Outputs = { results: Record<string, tf.Tensor>; grads: Params };

/** Runs the model forward and backward, with the gradients of the intermediates too. */
function compute(
  config: ModelConfig,
  loss: LossConfig,
  state: ModelState,
  input: Record<string, tf.Tensor>,
): Outputs {
  const rows = input.images.shape[0], tokens = tokenCount(config), grid = gridSize(config);
  const nudge = {
    tokens: tf.zeros([rows, tokens, config.width]),
    codes: tf.zeros([rows, tokens, config.codeWidth]),
    aligned: tf.zeros([rows, tokens, config.codeWidth]),
    patches: tf.zeros([rows, grid * grid, patchWidth(config)]),
  };
  const nudgeNames = Object.keys(nudge) as (keyof typeof nudge)[];
  const named = Object.fromEntries(nudgeNames.map((name) => [`nudge.${name}`, nudge[name]]));
  const { outputs, grads } = valueAndGradients((all) => {
    const params: Params = {};
    for (const name of Object.keys(state.params)) params[name] = all[name];
    const by = Object.fromEntries(nudgeNames.map((name) => [name, all[`nudge.${name}`]])) as typeof nudge;
    const result = autoencoder(config, loss, { ...state, params }, {
      ...input as Record<"images" | "reference" | "boxes" | "drop", tf.Tensor>,
      nudge: by,
    });
    // Evaluation codes are stored after one update of the statistics.
    const merged = { ...state.params, ...state.frozen };
    const evaluation = head(config, merged, result.buffers, result.tokens, false);
    const { loss: total, encoderBlocks, decoded, inner, terms, buffers, ...rest } = result;
    const flat: Record<string, tf.Tensor> = { ...rest, ...inner, evalCodes: evaluation.codes };
    encoderBlocks.forEach((x, i) => flat[`encoder_block.${i}`] = x);
    decoded.blocks.forEach((x, i) => flat[`decoder_block.${i}`] = x);
    flat.decoder_tokens = decoded.tokens;
    flat.image = decoded.image;
    for (const [name, term] of Object.entries({ total, ...terms })) flat[`loss.${name}`] = term;
    for (const [name, buffer] of Object.entries(buffers)) flat[`buffer.${name}`] = buffer;
    return { loss: total, results: flat };
  }, { ...state.params, ...named });
  const dImage = unpatchify(grads["nudge.patches"], config.patchSize);
  return { results: { ...outputs.results, dImage }, grads };
}

/** Gradients that are 0 in theory, because a batch norm takes away every shift (docs/spec.md §10 D18). */
export function vanishes(name: string, config: ModelConfig): boolean {
  return config.headBatchNorm && (name === "head.mlp.0.bias" || name === "backbone.norm.bias");
}

/** Terms of the loss that golden files call otherwise; all others have one name. */
const GOLDEN_TERMS: Record<string, string> = {
  reconstruction1: "mse1",
  reconstruction2: "mse2",
  class: "cls",
};

async function compareRule(
  to: Comparer,
  prefix: string,
  config: ModelConfig,
  { results, grads }: Outputs,
): Promise<void> {
  const read = async (tensor: tf.Tensor) => await tensor.data() as Float32Array;
  const both = (kind: "maps", name: string, values: ArrayLike<number>) => {
    to.check(kind, `${prefix}.${name}`, values);
    if (prefix === "fix" || !to.has(`fix.${name}`)) to.check(kind, `out.${name}`, values);
  };
  const rows = results.tokens.shape[0];
  for (const name of Object.keys(results)) {
    if (name.startsWith("loss.")) {
      const term = name.slice(5);
      to.check("losses", `${prefix}.loss.${GOLDEN_TERMS[term] ?? term}`, await read(results[name]));
    }
    if (/^(tokens|codes|aligned|decoder_tokens|(en|de)coder_block\.\d+)$/.test(name)) {
      both("maps", name, await read(results[name]));
    }
    if (name.startsWith("buffer.")) to.check("buffers", `after.${name.slice(7)}`, await read(results[name]));
  }
  both("maps", "eval.codes", await read(results.evalCodes));
  both("maps", "image", channelsFirst(await read(results.image), results.image.shape));
  const mask = await read(results.mask), half = mask.length / 2;
  both("maps", "mask1", mask.subarray(0, half));
  both("maps", "mask2", mask.subarray(half));
  both("maps", "cls_logits", classLogits(await read(results.classSimilarity), rows));
  both("maps", "patch_logits", patchLogits(await read(results.patchSimilarity), gridSize(config) ** 2));

  to.check("gradients", `${prefix}.d_image`, channelsFirst(await read(results.dImage), results.image.shape));
  for (const [name, tensor] of Object.entries(grads)) {
    const values = await read(tensor);
    if (name.startsWith("nudge.")) {
      to.check("gradients", `${prefix}.d_${name.slice(6)}`, values);
      continue;
    }
    const zero = vanishes(name, config);
    to.check(zero ? "vanishing gradients" : "gradients", `${prefix}.grad.${name}`, values);
    const sampled = `${prefix}.gradsample.${name}`;
    if (to.has(sampled)) {
      const kind = zero ? "vanishing gradients" : "gradients";
      to.check(kind, sampled, gradientSample(values, to.sizeOf(sampled)));
    }
    if (!zero) to.check("gradient sums", `${prefix}.gradstat.${name}`, gradientSums(values));
  }
}

/** Compares the cells of the aligner, which are whole numbers, and the labels that follow from them. */
async function compareCells(
  to: Comparer,
  golden: Golden,
  engine: Engine,
  config: ModelConfig,
): Promise<void> {
  const grid = gridSize(config);
  const place = engine.jit(({ boxes }: { boxes: tf.Tensor }) => ({ ...cells(boxes, config) }));
  const common: number[][] = [];
  for (const view of [1, 2]) {
    const at = place({ boxes: tensorOf(golden, `in.box${view}`) });
    const columns = await Promise.all([at.top, at.bottom, at.left, at.right, at.flip].map((x) => x.data()));
    const [top, bottom, left, right, flip] = columns.map((column) => [...column as Float32Array]);
    to.check("cells", `in.cells${view}`, top.flatMap((_, i) => [top[i], bottom[i], left[i], right[i]]));
    to.check("cells", `in.flip${view}`, flip);
    common.push(top.flatMap((_, i) =>
      Array.from({ length: grid * grid }, (_, cell) => {
        const row = Math.floor(cell / grid), column = cell % grid;
        return Number(row >= top[i] && row < bottom[i] && column >= left[i] && column < right[i]);
      })
    ));
  }
  const labels = common[0].map((seen, i) => (seen && common[1][i] ? 0 : 200));
  to.check("cells", "out.patch_labels", labels);
}

/** Compares one forward and backward pass for both flip rules (docs/spec.md §10 D1). */
export async function compareForward(
  engine: Engine,
  golden: Golden,
  config: ModelConfig,
  to: Comparer,
): Promise<void> {
  const state = await goldenState(golden, config);
  const input = goldenBatch(golden, config);
  await compareCells(to, golden, engine, config);
  for (const [prefix, flipRule] of [["fix", "columns"], ["bug", "channels"]] as const) {
    if (!Object.keys(golden.tensors).some((name) => name.startsWith(`${prefix}.`))) continue;
    const rule: ModelConfig = { ...config, flipRule };
    const run = engine.jit(({ state, input }: { state: Tree; input: Tree }) =>
      compute(rule, goldenLoss(golden), state as unknown as ModelState, input as Record<string, tf.Tensor>)
    );
    const outputs = run({ state: { ...state }, input });
    await compareRule(to, prefix, rule, outputs);
    for (const tensor of [...Object.values(outputs.results), ...Object.values(outputs.grads)]) {
      tensor.dispose();
    }
  }
}
