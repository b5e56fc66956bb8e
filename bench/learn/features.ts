/** Features of the prepared parts, made by our own encoder whoever trained the weights, and those of raw pixels. */
import type { Engine } from "../../src/engine/types.ts";
import * as tf from "../../src/engine/tensors.ts";
import { type Embedder, embedder, type Embedding } from "../../src/eval/embed.ts";
import { pixelRows } from "../../src/eval/pixels.ts";
import { centreRows, joinRows, pickRows, type Rows } from "../../src/eval/rows.ts";
import { readModel } from "../../src/eval/stored_model.ts";
import { galleryNumbers } from "../../src/eval/classes.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { float32 } from "../../src/files/stored_tensor.ts";
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

/** Whether the picture at `index` of `count` is one of `limit` that lie evenly among them. */
function isDrawn(index: number, count: number, limit: number): boolean {
  return count <= limit || Math.floor((index + 1) * limit / count) > Math.floor(index * limit / count);
}

/** A part with some of its pictures. */
export function keepPictures(
  part: PartFeatures,
  isWanted: (label: number, index: number) => boolean,
): PartFeatures {
  const { tokens, labels } = part;
  const kept = labels.flatMap((label, i) => isWanted(label, i) ? [i] : []);
  if (kept.length === labels.length) return part;
  const picked = Object.entries(tokens).map(([token, rows]) => [token, pickRows(rows, kept)]);
  return { tokens: Object.fromEntries(picked), labels: kept.map((i) => labels[i]) };
}

/** Pictures that lie evenly among a part's: their order may be that of the classes. */
export function drawn(part: PartFeatures, limit: number): PartFeatures {
  return keepPictures(part, (_, i) => isDrawn(i, part.labels.length, limit));
}

/** The pictures of a chunk that are drawn. */
function drawnBytes(bytes: Uint8Array, pixels: number, isWanted: (index: number) => boolean): Uint8Array {
  const kept = Array.from({ length: bytes.length / pixels }, (_, i) => i).filter(isWanted);
  if (kept.length * pixels === bytes.length) return bytes;
  const out = new Uint8Array(kept.length * pixels);
  kept.forEach((from, to) => out.set(bytes.subarray(from * pixels, (from + 1) * pixels), to * pixels));
  return out;
}

/** What features are made of. */
interface Wanted {
  /** The train part, and those that are asked for. */
  parts: readonly PartName[];
  /** Side of the prepared pictures. */
  size: number;
  file: "base" | "evaluated";
  /** The most pictures of the train part, which then lie evenly in it. Default: all. */
  gallery?: number;
}

/** Makes the features of parts, some pictures at a time. */
async function featuresBy(
  data: LearnData,
  { parts, size, file, gallery = Infinity }: Wanted,
  make: (bytes: Uint8Array) => Promise<Record<string, Rows>>,
): Promise<Features> {
  const found: Partial<Record<PartName, PartFeatures>> = {}, pixels = size * size * 3;
  for (const name of parts) {
    const part = data.parts[name], made: Record<string, Rows>[] = [];
    const isWanted = (index: number) => name !== "train" || isDrawn(index, part.count, gallery);
    let at = 0;
    for await (const bytes of chunks(part[file], pixels)) {
      const from = at, some = drawnBytes(bytes, pixels, (i) => isWanted(from + i));
      if (some.length > 0) made.push(await make(some));
      at += bytes.length / pixels;
    }
    const tokens = Object.keys(made[0]).map((token) => [token, joinRows(made.map((rows) => rows[token]))]);
    const labels = (await labelsOf(part, data.parts.train)).filter((_, i) => isWanted(i));
    found[name] = { tokens: Object.fromEntries(tokens), labels };
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
  const of = (config: ModelConfig, state: ModelState, parts: readonly PartName[], gallery?: number) =>
    featuresBy(
      data,
      { parts, size, file: "evaluated", gallery },
      async (bytes) => tokens(await embedderOf(config).pictures(state, bytes)),
    );
  return {
    /** Of an encoder that is there. */
    of,
    /**
     * Of weights in a file.
     *
     * @param options `peer`: the benchmark's encoder, where a peer wrote the file; `gallery`: the most pictures of the train
     * part, all by default.
     * @throws {Error} It cannot be read, or its encoder takes pictures of another size.
     */
    async file(
      path: string,
      parts: readonly PartName[],
      { peer, gallery }: { peer?: ModelConfig; gallery?: number } = {},
    ): Promise<Features> {
      const { config, state } = peer ? await readPeer(path, peer) : await readOwn(path);
      try {
        if (config.imageSize === size) return await of(config, state, parts, gallery);
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
  return featuresBy(data, { parts: ["train", "selection", "test"], size, file: "base" }, make);
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
