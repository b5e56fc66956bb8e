/** Which of a file's tensors are the encoder's, and whether they are all there. */
import type { ModelConfig } from "../model/config.ts";
import { inventory } from "../model/inventory.ts";
import type { FoundEncoder } from "./choose.ts";
import { type FileTensor, WeightsError, type WeightsFile } from "./files/types.ts";
import { groupNames } from "./mapping.ts";
import { isBeside, whyForeign } from "./names.ts";
import type { FoundSizes } from "./sizes.ts";

/** An encoder's tensors by our names: one, or three that are joined. */
export interface Sorted {
  ours: Map<string, FileTensor[]>;
  /** The file's names of those that were taken, and ours. */
  taken: [string, string][];
  /** Names of those that were not taken, and why. */
  left: [string, string][];
  /** This method's own tensors behind the encoder. */
  head: Map<string, FileTensor>;
}

/**
 * Sorts a file's tensors into those of the encoder and others.
 *
 * @throws {WeightsError} When features depend on others, or two stand for one of ours.
 */
export function sortTensors(where: string, { set, prefix, format }: FoundEncoder): Sorted {
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

/** The encoder's entries of the inventory. */
export function encoderTensors(config: ModelConfig) {
  return inventory(config).filter(({ name }) => name.startsWith("backbone."));
}

/** Biases that an encoder may do without: in all blocks, or they were lost. */
const LINEAR_BIAS = /(patch_embed\.proj|attn\.qkv|attn\.proj|mlp\.fc1|mlp\.fc2)\.bias$/;
const kindOf = (name: string) => name.replace(/^blocks\.\d+/, "blocks.*");

/**
 * Refuses an encoder that is not whole. Without biases, linear layers add none.
 *
 * @throws {WeightsError} When tensors are missing or have another shape; names them.
 */
export function checkShapes(
  where: string,
  config: ModelConfig,
  { ours, left }: Sorted,
  { grid, bareClass }: FoundSizes,
): void {
  const wrong: string[] = [], pooled = left.some(([name]) => /(^|\.)fc_norm\.weight$/.test(name));
  const kinds = new Set([...ours.keys()].map(kindOf));
  for (const { name, shape } of encoderTensors({ ...config, imageSize: grid * config.patchSize })) {
    const plain = name.slice("backbone.".length), parts = ours.get(plain);
    if (!parts) {
      const why = plain === "norm.weight" && pooled
        ? " (a classifier of its patches' mean has fc_norm instead: take the weights that it was made from)"
        : /norm\d?\.bias$/.test(plain) && ours.has(plain.replace(/bias$/, "weight"))
        ? " (norms of weights alone may be RMS norms, which this encoder does not have)"
        : "";
      if (!LINEAR_BIAS.test(plain) || kinds.has(kindOf(plain))) wrong.push(`${plain} is missing${why}`);
      continue;
    }
    const joined = parts.length === 1 ? shape : [shape[0] / 3, ...shape.slice(1)];
    const wanted = plain === "pos_embed" && bareClass ? [1, grid * grid, config.width] : joined;
    if (parts.length !== 1 && (parts.length !== 3 || parts.includes(undefined as unknown as FileTensor))) {
      wrong.push(`${plain} has not all of its three parts`);
    }
    for (const part of parts) {
      if (/mlp\.fc2\.weight$/.test(plain) && part && part.shape[1] * 2 === shape[1]) {
        throw new WeightsError(
          `${where}: ${plain} takes half of what mlp.fc1 gives, a gated MLP (SwiGLU), which this encoder does not have`,
        );
      }
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

/** Lines on what was taken and what was not. */
export function describeSorted(
  file: WeightsFile,
  found: FoundEncoder,
  sorted: Sorted,
  { heads }: FoundSizes,
): string[] {
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
