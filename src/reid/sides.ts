/** Features of queries and gallery: made, kept in files, opened. */
import { join } from "node:path";
import type { BadRecord } from "../data/epoch/epoch.ts";
import { dataWords } from "../data/open/data.ts";
import type { Source } from "../data/types.ts";
import type { Engine } from "../engine/types.ts";
import { embedData, type EmbedProgress } from "../eval/embedding/embed_data.ts";
import { makeFolder } from "../files/make_folder.ts";
import type { EmbedWay } from "../eval/embedding/way.ts";
import { type EmbeddingFile, requireToken } from "../eval/embedding/format.ts";
import type { EmbeddingInfo } from "../eval/embedding/info.ts";
import { agreedMaker, type Maker } from "../eval/embedding/maker.ts";
import { openEmbedding } from "../eval/embedding/open.ts";
import type { MeasuringModel } from "../eval/measure.ts";
import { weightsDigest } from "../eval/weights_digest.ts";
import { checkInput, PERSON_INPUT, type PersonInput, personWay } from "./embed.ts";
import { peopleOf } from "./people.ts";
import type { Persons } from "./people.ts";
import type { FeatureRows } from "./scores.ts";

/** Queries or gallery. */
export type ReidPart = "query" | "gallery";

/** Where the features of queries and gallery are from, or how they are made. */
export interface SideOptions {
  engine: Engine;
  /** Pictures that the model embeds, or the path of an embedding file. Names tell person and camera. */
  query: Source | string;
  gallery: Source | string;
  /** Needed for pictures. Embedding files must be of it. */
  model?: MeasuringModel & { teacher?: boolean };
  /** How pictures become the encoder's input. Default {@linkcode PERSON_INPUT}. */
  input?: PersonInput;
  /** Class token or mean patch token. Default the class token. */
  token?: "class" | "mean";
  /** The folder in which features are kept and found again; made where it is not there. */
  features: string;
  /** Pictures embedded at once. Default 64. */
  batchSize?: number;
  onBad?: (bad: BadRecord) => void;
  /** Told how embedding goes on. */
  embedded?: (part: ReidPart, progress: EmbedProgress) => void;
  /** Takes a line for people. */
  progress?: (line: string) => void;
  /** Aborting it stops after the pictures under way; the same call goes on later. */
  signal?: AbortSignal;
}

/** Features that are open. */
export interface OpenSide extends Persons {
  info: EmbeddingInfo;
  keys: string[];
  file: EmbeddingFile;
}

/**
 * Rows of a file, read as they are needed.
 *
 * @throws {Error} When it does not hold the token.
 */
function fileRows(file: EmbeddingFile, keys: readonly string[], token: "class" | "mean"): FeatureRows {
  const [width] = requireToken(file, token);
  return {
    rows: file.info.count,
    width,
    read: async (from, to) => (await file.part(token, from, to - from)).data,
    nameOf: (row) => `${file.path}: ${keys[row]}`,
  };
}

/**
 * Opens features and reads from their keys who is on the pictures.
 *
 * @throws {Error} When the file cannot be read, or keys do not tell person and camera.
 */
export async function openSide(path: string, token: "class" | "mean"): Promise<OpenSide> {
  const file = await openEmbedding(path);
  try {
    const keys = await file.keys();
    return { info: file.info, keys, file, features: fileRows(file, keys, token), ...peopleOf(keys, path) };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The first of some keys that a source does not have in this order, others between them; undefined where it has all. */
async function strangerAmong(keys: readonly string[], source: Source): Promise<string | undefined> {
  let at = 0;
  for (let index = 0; index < source.length && at < keys.length; index++) {
    if (await source.key(index) === keys[at]) at++;
  }
  return keys[at];
}

/** Embeds one side's pictures into the folder of features, unless it holds them. Gives the file. */
async function embedSide(
  part: ReidPart,
  source: Source,
  options: SideOptions,
  way: EmbedWay,
  maker: Maker,
): Promise<string> {
  const { engine, features, batchSize = 64, token = "class" } = options,
    { config, state, name, teacher } = options.model!;
  const out = join(features, `${part}.safetensors`), { progress } = options;
  const known = await Deno.stat(out).then(() => openEmbedding(out), () => null);
  const keys = known && await known.keys().finally(() => known.close());
  if (known) {
    const { info } = known;
    const words = dataWords(source);
    // Files of earlier versions have the name alone.
    if (info.source !== words && info.source !== source.uri) {
      throw new Error(
        `${out}: holds features of ${info.source}, not of ${words}; name another folder, or remove it`,
      );
    }
    agreedMaker(maker, info, out);
    if (info.count + info.bad !== source.length) {
      throw new Error(
        `${out}: holds features of ${info.count} pictures, but ${source.uri} has ${source.length}; remove it, and they are made again`,
      );
    }
    const stranger = await strangerAmong(keys!, source);
    if (stranger !== undefined) {
      throw new Error(
        `${out}: holds features of "${stranger}", which ${source.uri} does not have in its place; remove it, and they are made again`,
      );
    }
    if (info.tokens[token]) {
      progress?.(`${part.padEnd(8)}takes the features in ${out}`);
      return out;
    }
  }
  await embedData({
    engine,
    config,
    state,
    model: name,
    teacher,
    data: source,
    out,
    tokens: ["class", "mean"],
    way,
    batchSize,
    signal: options.signal,
    onBad: options.onBad,
    lost: (line) => progress?.(`${part.padEnd(8)}${line}`),
    resumed: (done) => progress?.(`${part.padEnd(8)}goes on after ${done} pictures`),
    progress: (state) => options.embedded?.(part, state),
  });
  return out;
}

/**
 * The file of each side's features, made where pictures were given.
 *
 * @throws {RangeError} When the input's sides are no multiples of the encoder's patches.
 * @throws {Error} When pictures come without a model, a file is of another one, or the folder holds features of something else;
 * or as `embedData`.
 */
export async function filesOf(options: SideOptions): Promise<Record<ReidPart, string>> {
  const { engine, model, input = PERSON_INPUT, batchSize = 64, query, gallery } = options;
  const source = [query, gallery].find((side) => typeof side !== "string");
  if (source && !model) throw new Error(`${(source as Source).uri}: pictures need a model that embeds them`);
  if (!model) return { query: query as string, gallery: gallery as string };
  checkInput(model.config, input);
  if (source) {
    await makeFolder(options.features);
  }
  const way = personWay(engine, model.config, input, batchSize);
  const digest = await weightsDigest(model.state);
  const { name, config: { heads } } = model;
  const maker: Maker = { model: name, digest, heads, preprocessing: way.preprocessing };
  const file = async (part: ReidPart, side: Source | string) => {
    if (typeof side !== "string") return await embedSide(part, side, options, way, maker);
    const made = await openEmbedding(side);
    made.close();
    // How its pictures were prepared is its own affair, so long as both sides agree.
    agreedMaker({ ...maker, preprocessing: made.info.preprocessing }, made.info, side);
    return side;
  };
  return { query: await file("query", query), gallery: await file("gallery", gallery) };
}
