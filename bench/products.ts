/** `deno task bench products`: the products of a training step, each beside PyTorch's, in GFLOP/s. */
import { task } from "../src/cli/command.ts";
import { onOff, whole } from "../src/cli/kinds.ts";
import { PRESET } from "../src/cli/model_options.ts";
import { openEngine } from "../src/engine/open.ts";
import * as tf from "../src/engine/tensors.ts";
import type { Engine } from "../src/engine/types.ts";
import { gridSize, type ModelPreset, PRESETS, viewSide } from "../src/model/config.ts";
import { type Comparison, inTurn, report } from "./measure.ts";
import { startPython } from "./peer.ts";

/** A linear layer on rows of tokens. */
interface Layer {
  name: string;
  rows: number;
  from: number;
  to: number;
}

/** What a layer's pass and its gradients multiply: x·Wᵀ, dy·W and dyᵀ·x. */
const KINDS = ["forward", "to the input", "to the weights"] as const;
type Kind = typeof KINDS[number];

/** How often a product is done between two looks at the clock. */
const TIMES = 12;

/** The linear layers of a preset's step that differ in shape. */
function layersOf(preset: ModelPreset, batch: number): Layer[] {
  const config = PRESETS[preset], { width, headWidth, codeWidth } = config;
  const seen = 2 * batch * (1 + (viewSide(config) / config.patchSize) ** 2);
  const canvas = 2 * batch * (1 + gridSize(config) ** 2);
  return [
    { name: "qkv", rows: seen, from: width, to: 3 * width },
    { name: "projection", rows: seen, from: width, to: width },
    { name: "mlp up", rows: seen, from: width, to: width * config.mlpRatio },
    { name: "mlp down", rows: seen, from: width * config.mlpRatio, to: width },
    { name: "head in", rows: seen, from: width, to: headWidth },
    ...config.headLayers > 2 ? [{ name: "head", rows: seen, from: headWidth, to: headWidth }] : [],
    { name: "head out", rows: seen, from: headWidth, to: codeWidth },
    { name: "decoder up", rows: canvas, from: codeWidth, to: codeWidth * config.decoderMlpRatio },
    { name: "decoder down", rows: canvas, from: codeWidth * config.decoderMlpRatio, to: codeWidth },
  ];
}

/** The product of a kind, of operands that are made anew each time, so that no two of a run are the same. */
const PRODUCTS: Readonly<Record<Kind, (x: tf.Tensor, w: tf.Tensor, dy: tf.Tensor, by: number) => tf.Tensor>> =
  {
    "forward": (x, w, _, by) => tf.matMul(x, tf.mul(w, by), false, true),
    "to the input": (_, w, dy, by) => tf.matMul(dy, tf.mul(w, by)),
    "to the weights": (x, _, dy, by) => tf.matMul(dy, tf.mul(x, by), true, false),
  };

/** Prepares a product on an engine; gives the seconds that {@linkcode TIMES} of them take. */
function ours(
  engine: Engine,
  { rows, from, to }: Layer,
  kind: Kind,
): { run(): Promise<number>; close(): void } {
  const operands = {
    x: tf.randomNormal([rows, from]),
    w: tf.randomNormal([to, from]),
    dy: tf.randomNormal([rows, to]),
  };
  const step = engine.jit(({ x, w, dy }: typeof operands) => {
    // One number of each result is enough to have it computed.
    const corners = Array.from(
      { length: TIMES },
      (_, i) => tf.slice(PRODUCTS[kind](x, w, dy, 1 + i / 100), [0, 0], [1, 1]),
    );
    return tf.addN(corners);
  });
  return {
    async run() {
      const start = performance.now(), sum = step(operands);
      await sum.data();
      sum.dispose();
      return (performance.now() - start) / 1000;
    },
    close: () => tf.dispose(operands),
  };
}

export const benchTask = task({
  name: "bench products",
  summary: "Measures the matrix products of a training step beside PyTorch's, in float32.",
  options: {
    preset: { kind: PRESET, help: "whose step", default: "tiny" },
    batch: { kind: whole(1), help: "pictures in a step", default: 8 },
    rounds: { kind: whole(1), help: "how often each side is measured", default: 7 },
    json: { kind: onOff, help: "print one JSON object a line" },
  },
  notes: ["Needs PyTorch in Python (PYTHON names the interpreter); without it, only ours is measured."],
}, async ({ preset, batch, rounds, json }, shell) => {
  const layers = layersOf(preset, batch);
  const peer = await startPython<{ torch: string; threads: number }, { seconds: number }>(
    ["products.py", JSON.stringify(layers), `${TIMES}`],
  );
  if (typeof peer === "string") shell.progress.line(`PyTorch is not measured: ${peer}`);
  const engine = await openEngine("auto", { progress: shell.progress.line });
  const rows: Comparison[] = [];
  try {
    for (const [i, layer] of layers.entries()) {
      for (const [j, kind] of KINDS.entries()) {
        const { run, close } = ours(engine, layer, kind);
        const work = 2 * layer.rows * layer.from * layer.to * TIMES / 1e9;
        const theirs = typeof peer === "string"
          ? undefined
          : async () => work / (await peer.ask(KINDS.length * i + j)).seconds;
        await run();
        const found = await inTurn(rounds, async () => work / await run(), theirs);
        close();
        const name = `${layer.name}, ${layer.rows} × ${layer.from} → ${layer.to}, ${kind}`;
        const note = typeof peer === "string"
          ? undefined
          : `PyTorch ${peer.ready.torch}, ${peer.ready.threads} threads`;
        rows.push({ name, ...found, unit: "GFLOP/s", note });
      }
    }
  } finally {
    if (typeof peer !== "string") await peer.close();
    await engine.close();
  }
  report(rows, json, shell.print);
  return 0;
});
