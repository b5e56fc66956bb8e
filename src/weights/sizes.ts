import { checkModel } from "../model/check_model.ts";
import { gridSize, type ModelConfig, type ModelPreset, PRESETS } from "../model/config.ts";
import type { BesideFacts } from "./beside.ts";
import { type FileTensor, WeightsError } from "./files/types.ts";

/** What of the sizes the user says. */
export interface SizeOptions {
  /** The weights must have the sizes of this preset. */
  preset?: ModelPreset;
  /** Attention heads; weights do not tell them. */
  heads?: number;
  /** Side of the pictures; the position embedding is resized. Default: the weights' own. */
  imageSize?: number;
}

/** An encoder's sizes. */
export interface FoundSizes {
  /** Those of the model that is asked for, with the method's defaults for all besides the encoder. */
  config: ModelConfig;
  /** Side of the grid of positions in the file. */
  grid: number;
  /** Whether the class token has no position in the file. */
  bareClass: boolean;
  /** How the number of heads was found. */
  heads: string;
}

/** Heads of published encoders by their width, where they are not width / 64. */
const HEADS: Readonly<Record<number, number>> = { 1280: 16, 1408: 16, 1664: 16 };

/** The encoders that DINO's and the reference's settings name. */
const ARCHITECTURES: Readonly<Record<string, number>> = {
  vit_tiny: 3,
  deit_tiny: 3,
  vit_small: 6,
  deit_small: 6,
  vit_base: 12,
};

/** Where MoCo v3 has its encoders, and what it calls its ViT-S in the file itself. */
const MOCO = /(^|\.)(base|momentum)_encoder\.$/, MOCO_SMALL = "vit_small";

function headsOf(
  where: string,
  width: number,
  { preset, heads }: SizeOptions,
  beside: BesideFacts,
  facts: ReadonlyMap<string, string | number>,
  prefix: string,
): { heads: number; how: string } {
  if (heads !== undefined) return { heads, how: "as given" };
  if (preset) return { heads: PRESETS[preset].heads, how: `of preset ${preset}` };
  if (beside.heads !== undefined) return { heads: beside.heads, how: "from config.json" };
  const stored = Number(facts.get("heads"));
  if (Number.isInteger(stored) && stored > 0) return { heads: stored, how: "from the file" };
  const architecture = String(facts.get("args.arch") ?? "");
  if (Object.hasOwn(ARCHITECTURES, architecture)) {
    return { heads: ARCHITECTURES[architecture], how: `of ${architecture}, which the file's settings name` };
  }
  if (width === 384 && (MOCO.test(prefix) || facts.get("arch") === MOCO_SMALL)) {
    return { heads: 12, how: "of MoCo v3's ViT-S; --heads says otherwise" };
  }
  const usual = HEADS[width] ?? width / 64;
  if (Number.isInteger(usual)) {
    return { heads: usual, how: `usual at width ${width}; --heads says otherwise` };
  }
  throw new WeightsError(
    `${where}: weights do not tell how many attention heads they are for: say it with --heads`,
  );
}

/** What makes tokens of pixels, told by the tensors before the first block. */
function stemOf(
  where: string,
  tensors: ReadonlyMap<string, readonly FileTensor[]>,
  patch: readonly number[],
): Pick<ModelConfig, "width" | "patchSize" | "stem"> {
  const halvings = [...tensors.keys()].filter((name) =>
    /^patch_embed\.convolutions\.\d+\.weight$/.test(name)
  );
  const [width, channels, patchSize] = patch;
  if (halvings.length > 0) return { width, patchSize: 2 ** halvings.length, stem: "convolutions" };
  if (patch.length !== 4 || channels !== 3 || patch[3] !== patchSize) {
    throw new WeightsError(`${where}: the patch embedding is [${patch}], must be [width, 3, side, side]`);
  }
  return { width, patchSize, stem: "patches" };
}

/**
 * The grid of an embedding of positions, and whether the class token is in it. Their number alone does not tell 2 × 8 patches
 * from 4 × 4; the sides of pictures do, where a file beside the weights says them.
 */
function gridOf(
  where: string,
  shape: readonly number[],
  { width, patchSize }: Pick<ModelConfig, "width" | "patchSize">,
  { sides }: BesideFacts,
): { grid: number; bareClass: boolean } {
  const [one, rows, columns] = shape;
  if (shape.length !== 3 || one !== 1 || columns !== width) {
    throw new WeightsError(`${where}: the position embedding is [${shape}], must be [1, tokens, ${width}]`);
  }
  const [down, across] = (sides ?? [0, 0]).map((pixels) => Math.floor(pixels / patchSize));
  if (down !== across && [rows, rows - 1].includes(down * across)) {
    throw new WeightsError(
      `${where}: its config.json says that pictures are ${sides![0]} pixels high and ${
        sides![1]
      } wide; only square ` +
        "pictures are read here",
    );
  }
  const side = Math.sqrt(rows - 1), bare = Math.sqrt(rows);
  if (Number.isInteger(side) && side > 0) return { grid: side, bareClass: false };
  if (Number.isInteger(bare) && bare > 0) return { grid: bare, bareClass: true };
  throw new WeightsError(
    `${where}: ${rows} positions are those of no square grid of patches, with or without a class token; only square ` +
      "pictures are read here",
  );
}

/**
 * The sizes of an encoder from its tensors' shapes.
 *
 * @param where The file, for messages.
 * @param tensors By our names, without `backbone.`.
 * @param prefix What stands before the encoder's names in the file.
 * @throws {WeightsError} When they are of no encoder that can be built, or not of the sizes that are asked for.
 */
export function sizesOf(
  where: string,
  tensors: ReadonlyMap<string, readonly FileTensor[]>,
  options: SizeOptions,
  beside: BesideFacts,
  facts: ReadonlyMap<string, string | number>,
  prefix: string,
): FoundSizes {
  const shape = (name: string): readonly number[] => {
    const found = tensors.get(name);
    if (!found) throw new WeightsError(`${where}: the encoder's tensor ${name} is missing`);
    return found[0].shape;
  };
  const { width, patchSize, stem } = stemOf(where, tensors, shape("patch_embed.proj.weight"));
  const localMixing = tensors.has("blocks.0.local.weight");
  const blocks = [...tensors.keys()].flatMap((name) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? []).map(Number);
  const { grid, bareClass } = gridOf(where, shape("pos_embed"), { width, patchSize }, beside);
  const numbered = new Set(blocks), depth = numbered.size;
  if ([...numbered].some((number) => number >= depth)) {
    throw new WeightsError(`${where}: has ${depth} blocks, but not those from 0 to ${depth - 1}`);
  }
  const mlpRatio = depth > 0 ? shape("blocks.0.mlp.fc1.weight")[0] / width : 4;
  const { heads, how } = headsOf(where, width, options, beside, facts, prefix);
  const own = options.preset ? PRESETS[options.preset].imageSize : grid * patchSize;
  const imageSize = options.imageSize ?? own;
  const config = {
    ...PRESETS[options.preset ?? "tiny"],
    imageSize,
    patchSize,
    stem,
    localMixing,
    width,
    depth,
    heads,
    mlpRatio,
  };
  checkPreset(where, config, options.preset);
  try {
    checkModel(config);
  } catch (cause) {
    throw new WeightsError(`${where}: ${(cause as Error).message}`, { cause });
  }
  return { config, grid, bareClass, heads: `${heads} heads (${how})` };
}

/** Refuses sizes that are not the preset's. */
function checkPreset(where: string, config: ModelConfig, preset: ModelPreset | undefined): void {
  if (!preset) return;
  const wanted = PRESETS[preset];
  const keys = ["patchSize", "stem", "localMixing", "width", "depth", "mlpRatio"] as const;
  const other = keys.filter((key) => config[key] !== wanted[key]);
  if (other.length === 0) return;
  const list = other.map((key) => `${key} is ${config[key]}, of the preset ${wanted[key]}`).join("; ");
  throw new WeightsError(
    `${where}: is not of the sizes of preset ${preset}: ${list}; leave --preset out to take its own`,
  );
}

/** Whether positions have to be resized. */
export function isResized({ config, grid }: FoundSizes): boolean {
  return gridSize(config) !== grid;
}
