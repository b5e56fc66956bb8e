import * as tf from "../engine/tensors.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { asFloat32, float32, type StoredTensor } from "../files/stored_tensor.ts";
import { checkModel } from "./check_model.ts";
import { type ModelConfig, tokenCount } from "./config.ts";
import { inventory, type InventoryEntry, isDerived } from "./inventory.ts";
import { sineCosine } from "./positions.ts";
import type { ModelState, Params } from "./types.ts";

/** Which part of a model is loaded. */
export interface WeightsOptions {
  /** "all" (default), or "encoder" for the tensors under `backbone.` alone; others are then left unread. */
  part?: "all" | "encoder";
  /** Named in errors, such as the file's path. */
  where?: string;
}

/** Names without the prefix that PyTorch's wrappers for several devices add. */
function plainNames(names: Iterable<string>, where: string): Map<string, string> {
  const plain = new Map<string, string>();
  for (const name of names) {
    const short = name.replace(/^module\./, "");
    if (plain.has(short)) throw new Error(`${where}: holds both "${plain.get(short)}" and "${name}"`);
    plain.set(short, name);
  }
  return plain;
}

/** The first few of many names. */
function some(names: string[]): string {
  const shown = names.slice(0, 6).map((name) => `"${name}"`).join(", ");
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

/** Refuses tensors that do not make up the model; names all that are missing, unknown or of another shape. */
function checkNames(
  expected: InventoryEntry[],
  found: Map<string, string>,
  shapeOf: (stored: string) => readonly number[],
  { part = "all", where = "weights" }: WeightsOptions,
): void {
  const wanted = new Set(expected.map(({ name }) => name));
  const missing = expected.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  const extra = [...found].filter(([name]) => part === "all" && !wanted.has(name) && !isDerived(name));
  const wrong = expected.flatMap(({ name, shape }) => {
    const stored = found.get(name);
    if (stored === undefined || `${shapeOf(stored)}` === `${shape}`) return [];
    return [`"${stored}" is [${shapeOf(stored)}], must be [${shape}]`];
  });
  const faults: string[] = [];
  if (missing.length > 0) faults.push(`missing are ${some(missing)}`);
  if (extra.length > 0) faults.push(`not part of the model are ${some(extra.map(([, stored]) => stored))}`);
  if (wrong.length > 0) {
    faults.push(`of another shape: ${wrong.slice(0, 6).join("; ")}${wrong.length > 6 ? "; …" : ""}`);
  }
  if (faults.length === 0) return;
  const norm = [...missing, ...extra.map(([name]) => name)].some((name) => name.startsWith("head.mlp."));
  const hint = norm ? " (is headBatchNorm as the weights need it?)" : "";
  throw new Error(`${where}: does not fit the configuration: ${faults.join(". ")}${hint}`);
}

function expectedTensors(config: ModelConfig, part: WeightsOptions["part"]): InventoryEntry[] {
  const all = inventory(checkModel(config));
  return part === "encoder" ? all.filter(({ name }) => name.startsWith("backbone.")) : all;
}

/** Reads each tensor in turn and puts it where its role says. */
async function assemble(
  expected: InventoryEntry[],
  read: (name: string) => StoredTensor | Promise<StoredTensor>,
): Promise<ModelState> {
  const state: ModelState = { params: {}, frozen: {}, buffers: {} };
  const place: Record<InventoryEntry["role"], Params> = {
    param: state.params,
    frozen: state.frozen,
    buffer: state.buffers,
  };
  for (const { name, shape, role } of expected) {
    place[role][name] = tf.tensor(asFloat32(await read(name)), shape, "float32");
  }
  return state;
}

/**
 * A model from tensors under the reference's names, with or without the prefix `module.`. Step counters of batch norms
 * and the table of the decoder's positions are ignored.
 *
 * @param config The model's sizes.
 * @param tensors From `decodeSafetensors`.
 * @throws {Error} When a tensor is missing, too many, or of another shape; names every one.
 */
export async function weightsFromTensors(
  config: ModelConfig,
  tensors: Record<string, StoredTensor>,
  options: WeightsOptions = {},
): Promise<ModelState> {
  const found = plainNames(Object.keys(tensors), options.where ?? "weights");
  const expected = expectedTensors(config, options.part);
  checkNames(expected, found, (stored) => tensors[stored].shape, options);
  return await assemble(expected, (name) => tensors[found.get(name)!]);
}

/**
 * A model from a safetensors file, see {@linkcode weightsFromTensors}. Tensors are read one by one.
 *
 * @param config The model's sizes.
 * @param path The file.
 */
export async function loadWeights(
  config: ModelConfig,
  path: string,
  options: WeightsOptions = {},
): Promise<ModelState> {
  const file = await openSafetensors(path);
  try {
    const where = options.where ?? path;
    const found = plainNames(Object.keys(file.entries), where);
    const expected = expectedTensors(config, options.part);
    checkNames(expected, found, (stored) => file.entries[stored].shape, { ...options, where });
    return await assemble(expected, (name) => file.read(found.get(name)!));
  } finally {
    file.close();
  }
}

/**
 * Tensors in the reference's order and complete, so that PyTorch's strict loading takes them: the decoder's positions and
 * the batch norms' step counters are added.
 *
 * @param tensors All of the model's.
 * @param batches How many batches the statistics have seen.
 */
export function completeTensors(
  config: ModelConfig,
  tensors: Readonly<Record<string, StoredTensor>>,
  batches = 0,
): Record<string, StoredTensor> {
  const stored: Record<string, StoredTensor> = {};
  for (const { name } of inventory(config)) {
    if (name === "head.mask_feat") {
      const positions = sineCosine(config);
      stored["head.decoder_pos_embed_"] = float32([1, tokenCount(config), config.codeWidth], positions);
    }
    stored[name] = tensors[name];
    if (name.endsWith(".running_var")) {
      const counter = name.replace(/running_var$/, "num_batches_tracked");
      stored[counter] = { dtype: "I64", shape: [], data: BigInt64Array.of(BigInt(batches)) };
    }
  }
  return stored;
}

/**
 * A model as tensors to store, as {@linkcode completeTensors} gives them.
 *
 * @param batches How many batches the statistics have seen.
 * @throws {Error} When a tensor is missing or of another shape; names every one.
 */
export async function weightsToTensors(
  config: ModelConfig,
  state: ModelState,
  batches = 0,
): Promise<Record<string, StoredTensor>> {
  const all: Params = { ...state.params, ...state.frozen, ...state.buffers };
  const stored: Record<string, StoredTensor> = {};
  checkNames(inventory(config), plainNames(Object.keys(all), "state"), (name) => all[name].shape, {
    where: "state",
  });
  for (const { name, shape } of inventory(config)) {
    stored[name] = float32(shape, await all[name].data() as Float32Array);
  }
  return completeTensors(config, stored, batches);
}
