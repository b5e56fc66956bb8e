import { gridSize, hiddenWidth, type ModelConfig, tokenCount } from "../../model/config.ts";
import { LAYER_NORM_EPSILON } from "../../model/layers.ts";
import { stemLayers } from "../../model/stem.ts";
import { OnnxGraph } from "./onnx_graph.ts";

/** An encoder's numbers by the reference's names. */
export type Numbers = (name: string) => Float32Array;

/** What is exported besides the tokens. */
export interface OnnxOptions {
  /** Also give the last block's attention, as `attentions` [batch, heads, T, T]. */
  attention?: boolean;
  /** Give the scores of so many classes, `logits` [batch, K], instead of the tokens. */
  classifier?: { pool: "mean" | "class"; classes: number };
}

/** Pooled tokens, a norm and the head, on a graph: gives the name of the scores. */
function classified(
  graph: OnnxGraph,
  x: string,
  { config, numbers, norm }: {
    config: ModelConfig;
    numbers: Numbers;
    norm: (x: string, name: string) => string;
  },
  { pool, classes }: { pool: "mean" | "class"; classes: number },
): void {
  const { width } = config, tokens = tokenCount(config);
  const sliced = (from: string, start: number, end: number) =>
    graph.node("Slice", [from, graph.ints([start]), graph.ints([end]), graph.ints([1])]);
  const own = (name: string) => graph.floats(name, [width], numbers(name));
  const pooled = pool === "mean"
    ? graph.node(
      "LayerNormalization",
      [
        graph.node("ReduceMean", [sliced(x, 1, tokens)], { axes: [1], keepdims: 0 }),
        own("fc_norm.weight"),
        own("fc_norm.bias"),
      ],
      { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } },
    )
    : graph.node("Squeeze", [sliced(norm(x, "norm"), 0, 1), graph.ints([1])]);
  const weight = graph.floats("head.weight", [width, classes], transposed(numbers("head.weight"), width));
  const product = graph.node("MatMul", [pooled, weight]);
  graph.node("Add", [product, graph.floats("head.bias", [classes], numbers("head.bias"))], {}, "logits");
  graph.output("logits", ["batch", classes]);
}

/** [out, in] → [in, out]. */
function transposed(weight: Float32Array, columns: number): Float32Array {
  const rows = weight.length / columns, out = new Float32Array(weight.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = weight[r * columns + c];
  }
  return out;
}

/** Builds layers on a graph; names are those of the reference without `backbone.`. */
function layersOn(graph: OnnxGraph, config: ModelConfig, numbers: Numbers) {
  const { width, heads } = config, size = width / heads;
  const constant = (name: string, shape: readonly number[]) =>
    graph.floats(name, shape, numbers(`backbone.${name}`));
  const linear = (x: string, name: string, inputs: number, outputs: number) => {
    const weight = transposed(numbers(`backbone.${name}.weight`), inputs);
    const product = graph.node("MatMul", [x, graph.floats(`${name}.weight`, [inputs, outputs], weight)]);
    return graph.node("Add", [product, constant(`${name}.bias`, [outputs])]);
  };
  const norm = (x: string, name: string, as?: string, channels = width) =>
    graph.node(
      "LayerNormalization",
      [x, constant(`${name}.weight`, [channels]), constant(`${name}.bias`, [channels])],
      { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } },
      as,
    );
  /** Queries, keys and values, [batch, heads, T, d / heads] each. */
  const split = (qkv: string) => {
    const parts = graph.node("Transpose", [
      graph.node("Reshape", [qkv, graph.ints([0, 0, 3, heads, size])]),
    ], { perm: [2, 0, 3, 1, 4] });
    const names = ["q", "k", "v"].map((part) => `${parts}_${part}`);
    const axis = graph.ints([0]);
    return graph.nodes("Split", [parts, graph.ints([1, 1, 1])], names, { axis: 0 }).map((part) =>
      graph.node("Squeeze", [part, axis])
    );
  };
  const attention = (x: string, name: string, as?: string) => {
    const [q, k, v] = split(linear(x, `${name}.qkv`, width, 3 * width));
    const scaled = graph.node("Mul", [q, graph.number(size ** -0.5)]);
    const scores = graph.node("MatMul", [scaled, graph.node("Transpose", [k], { perm: [0, 1, 3, 2] })]);
    const weights = graph.node("Softmax", [scores], { axis: -1 }, as);
    const out = graph.node("Transpose", [graph.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
    return linear(graph.node("Reshape", [out, graph.ints([0, 0, width])]), `${name}.proj`, width, width);
  };
  const gelu = (x: string) => {
    const erf = graph.node("Erf", [graph.node("Mul", [x, graph.number(Math.SQRT1_2)])]);
    const below = graph.node("Mul", [graph.node("Add", [erf, graph.number(1)]), graph.number(0.5)]);
    return graph.node("Mul", [x, below]);
  };
  return { constant, linear, norm, attention, gelu };
}

type Layers = ReturnType<typeof layersOn>;

/** Tokens of patches by one linear layer: [batch, G², d]. */
function patchRows(graph: OnnxGraph, config: ModelConfig, { constant }: Layers, pixels: string): string {
  const { patchSize, width } = config, cells = gridSize(config) ** 2;
  const kernel = constant("patch_embed.proj.weight", [width, 3, patchSize, patchSize]);
  const patches = graph.node("Conv", [pixels, kernel, constant("patch_embed.proj.bias", [width])], {
    kernel_shape: [patchSize, patchSize],
    strides: [patchSize, patchSize],
  });
  const flat = graph.node("Reshape", [patches, graph.ints([0, width, cells])]);
  return graph.node("Transpose", [flat], { perm: [0, 2, 1] });
}

/** Tokens by the stem's convolutions: [batch, G², d]. */
function stemRows(graph: OnnxGraph, config: ModelConfig, layers: Layers, pixels: string): string {
  const { width } = config, cells = gridSize(config) ** 2;
  let x = pixels;
  for (const layer of stemLayers(config)) {
    const { from, to } = layer, name = layer.name.slice("backbone.".length);
    const halved = graph.node("Conv", [x, layers.constant(`${name}.weight`, [to, from, 4, 4])], {
      kernel_shape: [4, 4],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    });
    const last = graph.node("Transpose", [halved], { perm: [0, 2, 3, 1] });
    const bent = layers.gelu(layers.norm(last, `${name}.norm`, undefined, to));
    x = graph.node("Transpose", [bent], { perm: [0, 3, 1, 2] });
  }
  const flat = graph.node("Reshape", [x, graph.ints([0, width, cells])]);
  return layers.linear(
    graph.node("Transpose", [flat], { perm: [0, 2, 1] }),
    "patch_embed.proj",
    width,
    width,
  );
}

/** The tokens with the depthwise convolution of their grid added to the cells. */
function mixedLocally(
  graph: OnnxGraph,
  config: ModelConfig,
  { constant }: Layers,
  x: string,
  name: string,
): string {
  const { width } = config, grid = gridSize(config);
  const ends = graph.ints([1 + grid * grid]), axis = graph.ints([1]);
  const first = graph.node("Slice", [x, graph.ints([0]), graph.ints([1]), axis]);
  const cells = graph.node("Slice", [x, graph.ints([1]), ends, axis]);
  const turned = graph.node("Transpose", [cells], { perm: [0, 2, 1] });
  const square = graph.node("Reshape", [turned, graph.ints([0, width, grid, grid])]);
  const mixed = graph.node(
    "Conv",
    [square, constant(`${name}.weight`, [width, 1, 3, 3]), constant(`${name}.bias`, [width])],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: width },
  );
  const flat = graph.node("Reshape", [mixed, graph.ints([0, width, grid * grid])]);
  const added = graph.node("Add", [cells, graph.node("Transpose", [flat], { perm: [0, 2, 1] })]);
  return graph.node("Concat", [first, added], { axis: 1 });
}

/**
 * An encoder as an ONNX model (opset 17): `pixel_values` [batch, 3, S, S], normalised, to `last_hidden_state`
 * [batch, 1 + G², d] after the final norm, the class token first, or to a classifier's `logits`. S is fixed: no position is resized in it.
 *
 * @param config The encoder's sizes.
 * @param numbers Its tensors.
 * @returns The file's bytes.
 * @throws {RangeError} When it has more than 2 GiB.
 */
export function onnxModel(config: ModelConfig, numbers: Numbers, options: OnnxOptions = {}): Uint8Array {
  const { imageSize, width, depth, heads, mlpRatio } = config;
  const graph = new OnnxGraph(), layers = layersOn(graph, config, numbers);
  const { constant, linear, norm, attention, gelu } = layers;
  const tokens = tokenCount(config), hidden = hiddenWidth(width, mlpRatio);

  const pixels = graph.input("pixel_values", ["batch", 3, imageSize, imageSize]);
  const rows = config.stem === "convolutions"
    ? stemRows(graph, config, layers, pixels)
    : patchRows(graph, config, layers, pixels);
  const batch = graph.node("Shape", [pixels], { start: 0, end: 1 });
  const shape = graph.node("Concat", [batch, graph.ints([1, width])], { axis: 0 });
  const first = graph.node("Expand", [constant("cls_token", [1, 1, width]), shape]);
  const all = graph.node("Concat", [first, rows], { axis: 1 });
  let x = graph.node("Add", [all, constant("pos_embed", [1, tokens, width])]);
  for (let i = 0; i < depth; i++) {
    const name = `blocks.${i}`, shown = options.attention && i === depth - 1 ? "attentions" : undefined;
    if (config.localMixing) x = mixedLocally(graph, config, layers, x, `${name}.local`);
    x = graph.node("Add", [x, attention(norm(x, `${name}.norm1`), `${name}.attn`, shown)]);
    const inner = gelu(linear(norm(x, `${name}.norm2`), `${name}.mlp.fc1`, width, hidden));
    x = graph.node("Add", [x, linear(inner, `${name}.mlp.fc2`, hidden, width)]);
  }
  if (options.classifier) classified(graph, x, { config, numbers, norm }, options.classifier);
  else {
    norm(x, "norm", "last_hidden_state");
    graph.output("last_hidden_state", ["batch", tokens, width]);
  }
  if (options.attention) graph.output("attentions", ["batch", heads, tokens, tokens]);
  return graph.file(options.classifier ? "classifier" : "encoder");
}
