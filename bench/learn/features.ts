/** Features of the prepared parts, made by our own encoder whoever trained the weights, and those of raw pixels. */
import type { Engine } from "../../src/engine/types.ts";
import * as tf from "../../src/engine/tensors.ts";
import { type Embedder, embedder, type Embedding } from "../../src/eval/embed.ts";
import { pixelRows } from "../../src/eval/pixels.ts";
import { centreRows, joinRows, type Rows } from "../../src/eval/rows.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { galleryNumbers } from "../../src/eval/classes.ts";
import { encodeSafetensors, float32 } from "../../src/files/safetensors.ts";
import { publishFile } from "../../src/files/publish.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { ModelState } from "../../src/model/types.ts";
import { readPeer } from "./peer_weights.ts";
import type { LearnData, Part, PartName } from "./data.ts";

/** Two kinds of features of the same pictures, or one, by name; and the classes by the train part's numbers. */
export interface PartFeatures {
  tokens: Readonly<Record<string, Rows>>;
  labels: number[];
}

/** Features of some parts; train is always there. */
export type Features = Readonly<Partial<Record<PartName, PartFeatures>>>;

/** Pictures that are read at once, and that are encoded at once. */
const CHUNK = 4096, BATCH = 128;

/** The bytes of a part's file, some pictures at a time. */
async function* chunks(path: string, pixels: number): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  while (true) {
    const bytes = new Uint8Array(CHUNK * pixels);
    let filled = 0;
    while (filled < bytes.length) {
      const got = await file.read(bytes.subarray(filled));
      if (got === null) break;
      filled += got;
    }
    if (filled > 0) yield bytes.subarray(0, filled);
    if (filled < bytes.length) return;
  }
}

/** The classes of a part's pictures as numbers of the train part's; −1 for a class that this lacks. */
async function labelsOf(part: Part, train: Part): Promise<number[]> {
  const bytes = await Deno.readFile(part.labels), own = new Int32Array(bytes.buffer, 0, bytes.length / 4);
  if (part === train) return [...own];
  const uri = (which: Part) => ({ uri: which.labels, labels: which.names });
  const numbers = galleryNumbers(uri(train), uri(part));
  return Array.from(own, (label) => numbers[label]);
}

/** Makes the features of parts, some pictures at a time. */
async function featuresBy(
  data: LearnData,
  names: readonly PartName[],
  size: number,
  make: (bytes: Uint8Array) => Promise<Record<string, Rows>>,
  file: "base" | "evaluated",
): Promise<Features> {
  const found: Partial<Record<PartName, PartFeatures>> = {};
  for (const name of names) {
    const part = data.parts[name], made: Record<string, Rows>[] = [];
    for await (const bytes of chunks(part[file], size * size * 3)) made.push(await make(bytes));
    const tokens = Object.keys(made[0]).map((token) => [token, joinRows(made.map((rows) => rows[token]))]);
    found[name] = { tokens: Object.fromEntries(tokens), labels: await labelsOf(part, data.parts.train) };
  }
  return found;
}

/**
 * Makes features of the parts.
 *
 * @param size Side of the prepared pictures.
 */
export function openEmbedding(engine: Engine, data: LearnData, size: number) {
  const embedders = new Map<string, Embedder>();
  /** Encoders of the same sizes share a program. */
  const embedderOf = (config: ModelConfig) => {
    const key = JSON.stringify(config), known = embedders.get(key);
    const found = known ?? embedder(engine, config, { batchSize: BATCH });
    embedders.set(key, found);
    return found;
  };
  const tokens = ({ class: first, mean }: Embedding) => ({ class: first, mean });
  const of = (config: ModelConfig, state: ModelState, parts: readonly PartName[]) =>
    featuresBy(
      data,
      parts,
      size,
      async (bytes) => tokens(await embedderOf(config).pictures(state, bytes)),
      "evaluated",
    );
  return {
    /** Of an encoder that is there. */
    of,
    /**
     * Of weights in a file.
     *
     * @param peer The benchmark's encoder, where a peer wrote the file.
     * @throws {Error} It cannot be read, or its encoder takes pictures of another size.
     */
    async file(path: string, parts: readonly PartName[], peer?: ModelConfig): Promise<Features> {
      const { config, state } = peer ? await readPeer(path, peer) : await readOwn(path);
      try {
        if (config.imageSize === size) return await of(config, state, parts);
        throw new Error(`${path}: takes pictures of ${config.imageSize} pixels, not ${size}`);
      } finally {
        tf.dispose([state.params, state.frozen, state.buffers]);
      }
    },
  };
}

/** Reads a checkpoint of ours onto the engine that is open. */
async function readOwn(path: string): Promise<{ config: ModelConfig; state: ModelState }> {
  const { config, load } = await readModel(path);
  return { config, state: await load() };
}

/** Raw pixels of whole pictures, each picture's mean taken off, shrunk to 8 × 8 where that divides, and as they are. */
export function pixelFeatures(data: LearnData, size: number): Promise<Features> {
  const sides = [...new Set([8, size])].filter((side) => size % side === 0);
  const make = (bytes: Uint8Array) =>
    Promise.resolve(
      Object.fromEntries(sides.map((side) => [`${side}×${side}`, centreRows(pixelRows(bytes, size, side))])),
    );
  return featuresBy(data, ["train", "selection", "test"], size, make, "base");
}

/** Keeps features: tensors such as `train.class` and `test.labels`. */
export async function writeFeatures(path: string, features: Features): Promise<void> {
  const tensors = Object.entries(features).flatMap(([part, { tokens, labels }]) => [
    ...Object.entries(tokens).map(([token, { rows, width, data }]) =>
      [`${part}.${token}`, float32([rows, width], data)] as const
    ),
    [`${part}.labels`, float32([labels.length], Float32Array.from(labels))] as const,
  ]);
  await publishFile(path, encodeSafetensors(Object.fromEntries(tensors)));
}
