/** Encoders that others have trained, from their files. */
import { join } from "node:path";
import { asFloat32, float32, type StoredTensor } from "../files/safetensors.ts";
import { gridSize, type ModelConfig } from "../model/config.ts";
import { inventory } from "../model/inventory.ts";
import { resizedPositions } from "../model/positions.ts";
import {
  type BesideFacts,
  factsBeside,
  FOLDER_FILES,
  foldNormalisation,
  isNormalisedOtherwise,
} from "./beside.ts";
import { type ChoiceOptions, chooseEncoder, type FoundEncoder } from "./choose.ts";
import { openWeights } from "./files/open.ts";
import { type FileTensor, WeightsError, type WeightsFile } from "./files/types.ts";
import { groupNames } from "./mapping.ts";
import { isBeside, whyForeign } from "./names.ts";
import { type FoundSizes, isResized, type SizeOptions, sizesOf } from "./sizes.ts";

/** Which encoder of a file is meant, and of which sizes. */
export interface WeightsRequest extends ChoiceOptions, SizeOptions {}

/** Weights in host memory. */
export interface ReadWeights {
  config: ModelConfig;
  /** Under our names: the encoder's below `backbone.`, and of a file of this method all of the head's that there are. */
  tensors: Record<string, StoredTensor>;
  /** What was taken and what was not, and what was done to it; a line each. */
  notes: string[];
}

/** An encoder's tensors by our names: one, or three that are joined. */
interface Sorted {
  ours: Map<string, FileTensor[]>;
  /** The file's names of those that were taken, and ours. */
  taken: [string, string][];
  /** Names of those that were not taken, and why. */
  left: [string, string][];
  /** This method's own tensors behind the encoder. */
  head: Map<string, FileTensor>;
}

/** Sorts a file's tensors into those of the encoder and others; refuses others that features depend on. */
function sort(where: string, { set, prefix, format }: FoundEncoder): Sorted {
  const sorted: Sorted = { ours: new Map(), taken: [], left: [], head: new Map() };
  const around = prefix.replace(/backbone\.$/, ""), own = set.has(`${around}head.mask_feat`);
  const parts = new Map<string, FileTensor[]>(), foreign: [string, string][] = [];
  for (const [name, tensor] of set) {
    const inner = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    const ours = inner === undefined ? undefined : format.ours(inner);
    if (ours !== undefined) {
      const [whole, part] = ours.split("#"), list = parts.get(whole) ?? [];
      if (list[Number(part ?? 0)]) {
        throw new WeightsError(`${where}: has two tensors for ${whole}, one is "${name}"`);
      }
      list[Number(part ?? 0)] = tensor;
      parts.set(whole, list);
      sorted.taken.push([name, ours]);
    } else if (own && name.startsWith(`${around}head.`)) {
      sorted.head.set(name.slice(around.length), tensor);
      sorted.left.push([name, "this method's head and decoder"]);
    } else {
      const beside = inner === undefined ? "no part of this encoder" : isBeside(inner);
      if (beside === undefined) foreign.push([name, whyForeign(inner!)]);
      else sorted.left.push([name, beside]);
    }
  }
  if (foreign.length > 0) {
    const why = new Map(foreign.map(([name, what]) => [what, name]));
    const list = [...why].map(([what, name]) => `"${name}" (${what})`).slice(0, 4).join(", ");
    throw new WeightsError(
      `${where}: its features depend on ${foreign.length} tensors that cannot be taken: ${list}`,
    );
  }
  sorted.ours = parts;
  return sorted;
}

/** Reads tensors and joins those that are one of ours. Refuses what is no finite number. */
async function numbersOf(where: string, name: string, parts: readonly FileTensor[]): Promise<Float32Array> {
  const read: Float32Array[] = [];
  for (const part of parts) {
    const tensor = await part.read();
    if (!/^(F|BF)\d/.test(tensor.dtype)) {
      throw new WeightsError(`${where}: ${name} holds ${tensor.dtype}, which are no weights`);
    }
    read.push(asFloat32(tensor));
  }
  // What follows changes some of them in place.
  const all = new Float32Array(read.reduce((sum, { length }) => sum + length, 0));
  read.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  const odd = all.findIndex((x) => !Number.isFinite(x));
  if (odd >= 0) {
    throw new WeightsError(
      `${where}: ${name} holds ${
        all[odd]
      } at ${odd}: such weights give no features; take an earlier checkpoint`,
    );
  }
  return all;
}

/** Multiplies each row of a layer's result, [out, in] and [out], by a factor. */
function scaleRows(weight: Float32Array, bias: Float32Array, factors: Float32Array): void {
  const columns = weight.length / factors.length;
  factors.forEach((factor, row) => {
    for (let i = row * columns; i < (row + 1) * columns; i++) weight[i] *= factor;
    bias[row] *= factor;
  });
}

/** Refuses an encoder of which tensors are missing or have another shape; names them. */
function checkShapes(
  where: string,
  config: ModelConfig,
  { ours }: Sorted,
  { grid, bareClass }: FoundSizes,
): void {
  const wrong: string[] = [];
  for (const { name, shape } of encoderTensors({ ...config, imageSize: grid * config.patchSize })) {
    const plain = name.slice("backbone.".length), parts = ours.get(plain);
    const optional = /(attn\.qkv|patch_embed\.proj)\.bias$/.test(plain);
    if (!parts) {
      if (!optional) wrong.push(`${plain} is missing`);
      continue;
    }
    const joined = parts.length === 1 ? shape : [shape[0] / 3, ...shape.slice(1)];
    const wanted = plain === "pos_embed" && bareClass ? [1, grid * grid, config.width] : joined;
    if (parts.length !== 1 && (parts.length !== 3 || parts.includes(undefined as unknown as FileTensor))) {
      wrong.push(`${plain} has not all of its three parts`);
    }
    for (const part of parts) {
      if (part && String(part.shape) !== String(wanted)) {
        wrong.push(`${plain} is [${part.shape}], must be [${wanted}]`);
      }
    }
  }
  for (const [name, parts] of ours) {
    if (/ls[12]\.gamma$/.test(name) && String(parts[0].shape) !== String([config.width])) {
      wrong.push(`${name} is [${parts[0].shape}], must be [${config.width}]`);
    }
  }
  if (wrong.length === 0) return;
  const more = wrong.length > 5 ? `; and ${wrong.length - 5} more` : "";
  throw new WeightsError(`${where}: is no whole encoder: ${wrong.slice(0, 5).join("; ")}${more}`);
}

/** The encoder's entries of the inventory. */
function encoderTensors(config: ModelConfig) {
  return inventory(config).filter(({ name }) => name.startsWith("backbone."));
}

/** The encoder's tensors under our names. */
async function assemble(
  where: string,
  { ours }: Sorted,
  sizes: FoundSizes,
  beside: BesideFacts,
  notes: string[],
): Promise<Record<string, StoredTensor>> {
  const { config, grid, bareClass } = sizes, numbers = new Map<string, Float32Array>();
  const zeros = new Set<string>();
  for (const { name, shape } of encoderTensors({ ...config, imageSize: grid * config.patchSize })) {
    const plain = name.slice("backbone.".length), parts = ours.get(plain);
    if (!parts) zeros.add(plain.replace(/blocks\.\d+/, "blocks.*"));
    numbers.set(
      plain,
      parts ? await numbersOf(where, plain, parts) : new Float32Array(shape.reduce((a, b) => a * b, 1)),
    );
  }
  if (zeros.size > 0) notes.push(`without a bias, which is 0 here: ${[...zeros].join(", ")}`);
  let scaled = 0;
  for (const [name, parts] of ours) {
    const [, block, which] = /^(blocks\.\d+)\.ls([12])\.gamma$/.exec(name) ?? [];
    if (!block) continue;
    const layer = `${block}.${which === "1" ? "attn.proj" : "mlp.fc2"}`;
    const factors = await numbersOf(where, name, parts);
    scaleRows(numbers.get(`${layer}.weight`)!, numbers.get(`${layer}.bias`)!, factors);
    scaled++;
  }
  if (scaled > 0) notes.push(`layer scale is worked into the layers before it: ${scaled} tensors`);
  const [weight, bias] = ["weight", "bias"].map((end) => numbers.get(`patch_embed.proj.${end}`)!);
  if (config.stem === "convolutions" && isNormalisedOtherwise(beside)) {
    throw new WeightsError(
      `${where}: pictures were normalised with mean ${beside.mean} and deviation ${beside.std}, which a stem of ` +
        "convolutions cannot make up for",
    );
  }
  if (config.stem === "patches" && foldNormalisation(weight, bias, config, beside)) {
    notes.push(
      `pictures were normalised with mean ${beside.mean} and deviation ${beside.std}; the patch embedding is changed so ` +
        "that it takes ours",
    );
  }
  let positions = numbers.get("pos_embed")!;
  if (bareClass) {
    positions = Float32Array.from([...new Float32Array(config.width), ...positions]);
    notes.push("the class token has no position, which is 0 here");
  }
  if (isResized(sizes)) {
    const side = gridSize(config);
    positions = resizedPositions(positions, grid, side, side);
    notes.push(
      `positions are resized from ${grid} × ${grid} to ${side} × ${side}, bicubic, as the reference and DINO do`,
    );
  }
  numbers.set("pos_embed", positions);
  return Object.fromEntries(
    encoderTensors(config).map((
      { name, shape },
    ) => [name, float32(shape, numbers.get(name.slice("backbone.".length))!)]),
  );
}

/** Where a folder has its weights; the path itself for a file. */
async function fileIn(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info?.isDirectory) return path;
  for (const name of FOLDER_FILES) {
    const file = join(path, name);
    if (await Deno.stat(file).then(({ isFile }) => isFile, () => false)) return file;
  }
  throw new WeightsError(`${path}: a folder without weights; looked for ${FOLDER_FILES.join(" and ")}`);
}

/** Lines on what was taken and what was not. */
function describe(file: WeightsFile, found: FoundEncoder, sorted: Sorted, { heads }: FoundSizes): string[] {
  const place = found.key === "" ? "" : `, its "${found.key}"`;
  const left = new Map<string, string[]>();
  for (const [name, why] of sorted.left) left.set(why, [...left.get(why) ?? [], name]);
  const taken = sorted.taken.map(([from, to]) => [from, `backbone.${to}`] as const);
  return [
    `${file.path}: ${file.what}${place}, with ${found.format.what}; ${heads}`,
    ...groupNames(taken).map((line) => `taken: ${line}`),
    ...[...left].flatMap(([why, names]) => {
      const lines = groupNames(names.map((name) => [name, ""]));
      const more = lines.length > 6 ? ` and ${lines.length - 6} more` : "";
      return [`not taken (${why}): ${lines.slice(0, 6).join(", ")}${more}`];
    }),
    ...[...file.sets.keys()].filter((key) => key !== found.key).slice(0, 8).map((key) =>
      `not taken: ${file.sets.get(key)!.size} tensors in ${key === "" ? "the file itself" : `"${key}"`}`
    ),
  ];
}

/**
 * Reads an encoder that others have trained: a `.pth` that PyTorch wrote, or safetensors, with the names of the
 * reference, DINO, MAE, timm, or Hugging Face's ViT and DINOv2, told apart by the names. The sizes are those of its
 * tensors. Nothing in a file is executed.
 *
 * Layer scale is worked into the layers before it, and another normalisation of pictures, where a file beside the weights
 * names one, into the patch embedding; both are exact but for rounding. For another `imageSize` the position embedding
 * is resized by the reference's and DINO's rule: bicubic, by the factor (new + .1) / old.
 *
 * @param path The file, or a folder with model.safetensors or pytorch_model.bin in it.
 * @throws {WeightsError} When it is no such file, damaged, or its features depend on what this encoder cannot compute.
 * @throws {Error} When it cannot be read.
 */
export async function readWeights(path: string, request: WeightsRequest = {}): Promise<ReadWeights> {
  const where = await fileIn(path), file = await openWeights(where);
  try {
    const found = chooseEncoder(file, request), beside = await factsBeside(where);
    const sorted = sort(where, found);
    const sizes = sizesOf(where, sorted.ours, request, beside, file.facts);
    checkShapes(where, sizes.config, sorted, sizes);
    const notes = [...describe(file, found, sorted, sizes), ...beside.notes];
    const tensors = await assemble(where, sorted, sizes, beside, notes);
    for (const [name, tensor] of sorted.head) {
      const stored = await tensor.read();
      if (/^(F|BF)\d/.test(stored.dtype)) {
        tensors[name] = float32(tensor.shape, await numbersOf(where, name, [tensor]));
      }
    }
    return { config: sizes.config, tensors, notes };
  } finally {
    file.close();
  }
}
